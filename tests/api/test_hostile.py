"""What a hostile caller can send: refused with a reason, quickly, and without a trace."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import struct_pb2

from ledger_proto.v1 import transactions_pb2 as pb
from ledger_proto.v1 import (
    tx_templates_pb2,
)
from tests.api.calls import refused
from tests.ledger import (
    INDEPENDENT,
    PostingLedger,
    Serving,
    changed,
    check_books,
    lines,
    request,
    template,
    transfer,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def ledger(posting: PostingLedger) -> PostingLedger:
    """A journal of the test's own."""
    return posting


#: What a caller may wait while another one does its worst. It tells minutes from moments, no more:
#: unguarded, the worst of these texts take minutes, and the machine may be busy.
PATIENCE_SECONDS = 30.0


# Amounts: reliability.md 2.3.

# ruff: noqa: RUF001  # digits that are not ASCII are the point

NO_AMOUNTS = [
    *("NaN", "nan", "sNaN", "-NaN", "NaN123", "Infinity", "-Infinity", "inf", "INF"),
    *("-0", "-0.00", "1e400", "1E+1000000", "1e3", "1e3000000", "1E-2", "1_000", "1,000", "1'000"),
    *("１２", "١٢", "𝟏𝟐", "²", "1２", "߁", "Ⅻ", "½"),
    *(" 12 ", "12 ", " 12", "12\n", "\n12", "12\0", "\ufeff12", "\u200b12", "1 2", "12\u00a0"),
    *(
        "+12",
        "12.",
        ".5",
        "-.5",
        "-",
        "+",
        "",
        ".",
        "--1",
        "1-",
        "1.2.3",
        "1..2",
        "0x10",
        "1e",
        "e1",
    ),
    *("00", "01", "007.5", "-01", "0b1", "1.", "$1", "1USD", "١.٥", "1\u066b5", "(1)", "1/2"),
    *("9" * 39, "1." + "0" * 38, "0." + "1" * 38, "9" * 100_000, "1" + "0" * 1_000_000),
    "-" * 1_000_000,
]
#: Read as decimals, but no amounts of USD.
WRONG_AMOUNTS = ["0", "0.00", "-1", "-0.01", "0.001", "1.999", "0." + "0" * 36 + "1", "9" * 38]
GOOD_AMOUNTS = {
    "0.01": "0.01",
    "1": "1.00",
    "1.5": "1.50",
    "12.34": "12.34",
    "1.000": "1.00",
    "1." + "0" * 37: "1.00",
    "9" * 36: "9" * 36 + ".00",
    "9" * 36 + ".99": "9" * 36 + ".99",
    "123456789012345678901234567890.12": "123456789012345678901234567890.12",
}


async def test_the_corpus_of_amounts(ledger: PostingLedger, dsn: str) -> None:
    head = await ledger.head()
    for reason, corpus in (("PARAM_INVALID", NO_AMOUNTS), ("AMOUNT_INVALID", WRONG_AMOUNTS)):
        for text in corpus:
            started = time.monotonic()
            answer = await refused(ledger.post(transfer(amount=text)))
            assert answer.reason == reason, text[:50]
            assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
            assert time.monotonic() - started < PATIENCE_SECONDS, text[:50]
            # Inside JSON an expression makes the decimal.
            if len(text) < 1_000 and text.isprintable() and text and " " not in text:
                legs = lines("DEBIT cash 1 USD", "CREDIT income 1 USD")
                for line in legs.params.fields["lines"].list_value.values:
                    line.struct_value["units"] = text
                assert (await refused(ledger.post(legs))).reason in {
                    "EXPRESSION_FAILED",
                    "AMOUNT_INVALID",
                }, text
    results = await ledger.post_all(
        [transfer(amount=text) for text in (*NO_AMOUNTS, *WRONG_AMOUNTS) if len(text) < 1_000],
        INDEPENDENT,
    )
    assert {result.refusal.reason for result in results} == {"PARAM_INVALID", "AMOUNT_INVALID"}
    assert await ledger.head() == head, "nothing was written"
    for text, units in GOOD_AMOUNTS.items():
        posted = (await ledger.post(transfer(amount=text))).transaction
        assert [entry.units for entry in posted.entries] == [units, units]
    assert await ledger.head() == head + len(GOOD_AMOUNTS)
    await check_books(dsn, ledger.journal)


@pytest.mark.parametrize(
    "number", [1.5, 0.1, 1e308, -1e308, 5e-324, float("nan"), float("inf"), 2.0**53 + 2, 1, 0, -0.0]
)
async def test_json_numbers_are_no_amounts(ledger: PostingLedger, number: float) -> None:
    answer = await refused(ledger.post(changed(transfer(), params={"amount": number})))
    assert (answer.reason, answer.facts["param"]) == ("PARAM_INVALID", "amount")


async def test_sums_stay_exact_far_beyond_a_double(ledger: PostingLedger) -> None:
    for text in ("9" * 36, "0.01", "9" * 36 + ".99"):
        await ledger.post(transfer(amount=text))
    assert (await ledger.balance("cash")).settled.debit == "1" + "9" * 36 + ".00"
    assert (await ledger.trial_balance()).totals[0].balanced


# While one caller does its worst, another one is answered.


async def _while_others_work(ledger: PostingLedger, attack: Awaitable[Any]) -> Any:
    """Await `attack` and hold what a second caller waits meanwhile against the bound."""
    async with grpc.aio.insecure_channel(ledger_address[0]) as channel:
        other = PostingLedger(channel, ledger.journal)
        await other.post(transfer())
        task = asyncio.ensure_future(attack)
        longest = 0.0
        while True:
            started = time.monotonic()
            await other.post(transfer(amount="0.01"))
            longest = max(longest, time.monotonic() - started)
            if task.done():
                break
        assert longest < PATIENCE_SECONDS
        return await task


ledger_address: list[str] = []


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def _address(running: Serving) -> None:
    ledger_address[:] = [running.address]


def _with_units(units: str, **fields: Any) -> tx_templates_pb2.TxTemplate:
    entry = {"account": "'cash'", "direction": "DEBIT", "units": units, "currency": "'USD'"}
    return template("HOSTILE", fields.pop("params", {}), [entry | fields])


EXPRESSIONS = {
    "parentheses": "(" * 20_000 + "1" + ")" * 20_000,
    "parentheses within the length": "(" * 2_000 + "1" + ")" * 2_000,
    "open parentheses": "(" * 4_000,
    "minus signs": "-" * 4_000 + "1",
    "exclamation marks": "!" * 4_000 + "true",
    "brackets": "[" * 2_000 + "]" * 2_000,
    "a megabyte": "'" + "a" * 1_000_000 + "'",
    "a megabyte of blanks": " " * 1_000_000,
    "a sum of many": "+".join(["decimal('1')"] * 270) * 1,
    "a huge integer": "9" * 4_000,
    "a huge integer to a decimal": f"decimal({'9' * 3_000})",
    "a huge string to a decimal": f"decimal('1e{'9' * 3_000}')",
    "a tower of ternaries": "true ? " * 500 + "decimal('1')" + " : decimal('1')" * 500,
    "an exponent": "decimal('1e1000000')",
    "a float": "1.5e300",
    "a hidden call": "__import__('os').system('true')",
    "an attribute": "params.__class__.__mro__",
    "a lambda": "(lambda: 0)()",
    "a comprehension": "[x for x in params]",
    "a macro": "[1, 2].map(x, x)",
    "NUL": "decimal('\0')",
    "strange quotes": "decimal(\u2018" + "1\u2019)",
    "right to left": "\u202edecimal('1')",
    "an unclosed string": "decimal('1",
    "doubling": ".".join(["'aaaaaaaaaa'"] + ["replace('a', 'aaaaaaaaaa')"] * 20),
    "a regular expression": "'" + "a" * 30 + "'.matches('(a+)+$')",
}


async def test_hostile_expressions(ledger: PostingLedger) -> None:
    for name, source in EXPRESSIONS.items():
        if name == "a sum of many":
            continue
        answer = await _while_others_work(
            ledger, refused(ledger.create_template(_with_units(source)))
        )
        assert answer.reason == "TEMPLATE_INVALID", name
        assert answer.fields or len(source) > 4_096, name


async def test_hostile_templates(ledger: PostingLedger) -> None:
    good = {"account": "'cash'", "direction": "DEBIT", "units": "decimal('1')", "currency": "'USD'"}
    many = {f"p{number}": ("STRING", None) for number in range(1_000)}
    deep = struct_pb2.Value(string_value="x")
    for _ in range(25):
        deep = struct_pb2.Value(list_value=struct_pb2.ListValue(values=[deep]))
    with_deep_default = template("HOSTILE", {"p": ("JSON", None)}, [good | {"account": "params.p"}])
    with_deep_default.params[0].default_value.CopyFrom(deep)
    worst = dict.fromkeys(("account", "units", "currency", "when", "for_each"), "(" * 1000)
    cases: dict[str, tx_templates_pb2.TxTemplate] = {
        "a thousand params": template("HOSTILE", many, [good]),
        "a thousand entries": template("HOSTILE", {}, [good] * 1_000),
        "a hundred entries with mistakes": template("HOSTILE", {}, [{**good, **worst}] * 100),
        "a param named with quotes": template("HOSTILE", {"a'); --": ("STRING", None)}, [good]),
        "a param named for Python": template("HOSTILE", {"__class__": ("STRING", None)}, [good]),
        "a param without a name": template("HOSTILE", {"": ("STRING", None)}, [good]),
        "a param with a long name": template("HOSTILE", {"p" * 10**6: ("STRING", None)}, [good]),
        "a code with quotes": template("'; DROP TABLE accounts; --", {}, [good]),
        "a code with NUL": template("A\0", {}, [good]),
        "a long code": template("A" * 10**6, {}, [good]),
        "no code": template("", {}, [good]),
        "no entries": template("HOSTILE", {}, []),
        "a long description": template("HOSTILE", {}, [good], description="x" * 10**6),
        "a deep default": with_deep_default,
    }
    for name, made in cases.items():
        answer = await _while_others_work(ledger, refused(ledger.create_template(made)))
        assert answer.reason == "TEMPLATE_INVALID", name


async def test_a_template_at_all_its_bounds_still_runs(ledger: PostingLedger) -> None:
    """The largest template that is accepted neither hangs the server nor a caller."""
    units = "+".join(["decimal('1')"] * 60)
    entries = [
        {"account": f"'{name}'", "direction": side, "units": units, "currency": "'JPY'"}
        for name, side in [("cash", "DEBIT"), ("income", "CREDIT")] * 50
    ]
    made = template("WIDE", {}, entries)
    assert (await _while_others_work(ledger, ledger.create_template(made))).version == 1
    posted = await _while_others_work(ledger, ledger.post(request("WIDE", {})))
    assert len(posted.transaction.entries) == 100


async def test_hostile_params(ledger: PostingLedger) -> None:
    deep: Any = "x"
    for _ in range(25):
        deep = [deep]
    wide: Any = ["x"] * 300_000
    cases: dict[str, tuple[pb.TransactionRequest, set[str]]] = {
        "deep JSON": (request("LINES", {"lines": deep}), {"PARAM_INVALID"}),
        "wide JSON": (
            request("LINES", {"lines": wide}),
            {"PARAM_INVALID", "TOO_MANY_ENTRIES", "EXPRESSION_FAILED"},
        ),
        "a thousand params": (
            request("TRANSFER", {f"p{number}": "" for number in range(1_000)}),
            {"PARAM_INVALID"},
        ),
        "a param with a long name": (request("TRANSFER", {"p" * 10**6: ""}), {"PARAM_INVALID"}),
        "a param with quotes": (request("TRANSFER", {"'; --\"": ""}), {"PARAM_INVALID"}),
        "a long string": (
            changed(transfer(), params={"memo": "m" * 10**6}),
            {"PARAM_INVALID"},
        ),
        "NUL": (changed(transfer(), params={"memo": "\0"}), {"PARAM_INVALID"}),
        "SQL": (transfer(debit="'; DROP TABLE accounts; --"), {"ACCOUNT_NOT_FOUND"}),
        "right to left": (transfer(debit="\u202ehsac"), {"EXPRESSION_FAILED"}),
        "a long account": (transfer(debit="a" * 10**6), {"PARAM_INVALID"}),
        "a currency with NUL": (
            changed(transfer(), params={"currency": "US\0"}),
            {"PARAM_INVALID"},
        ),
        "a currency unheard of": (
            changed(transfer(), params={"currency": "'; --"}),
            {"CURRENCY_UNKNOWN"},
        ),
        "an empty list": (request("LINES", {"lines": []}), {"NO_ENTRIES"}),
        "null": (request("LINES", {"lines": None}), {"PARAM_INVALID", "EXPRESSION_FAILED"}),
        "a map": (request("LINES", {"lines": {"a": "b"}}), {"EXPRESSION_FAILED"}),
        "numbers": (request("LINES", {"lines": [1, True, None]}), {"EXPRESSION_FAILED"}),
    }
    head = await ledger.head()
    written = 0
    for name, (asked, reasons) in cases.items():
        for mode in (None, INDEPENDENT):
            if mode is None:
                answer = await _while_others_work(ledger, refused(ledger.post(asked)))
                assert answer.reason in reasons, name
            else:
                (result,) = await ledger.post_all([asked], mode)
                assert result.refusal.reason in reasons, name
    listed = await ledger.list(page_size=1_000)
    written = len(listed.transactions)
    assert await ledger.head() == head + written, "only what the second caller posted"
    assert {one.template_code for one in listed.transactions} == {"TRANSFER"}


async def test_oversize_messages(ledger: PostingLedger) -> None:
    """gRPC itself refuses them before anything is decoded."""
    attack = ledger.post(changed(transfer(), description="x" * (5 * 1024 * 1024)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _while_others_work(ledger, attack)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ledger.transactions.PostTransaction(
            pb.PostTransactionRequest(), metadata=[("x", "y" * 20_000)]
        )
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not (await ledger.post(transfer())).replayed


@pytest.mark.parametrize(
    "field", ["description", "external_id", "correlation_id", "template_code", "effective_date"]
)
async def test_fields_out_of_bounds(ledger: PostingLedger, field: str) -> None:
    for text in ("\0", "a\0b", "x" * 1_000_000):
        answer = await refused(ledger.post(changed(transfer(), **{field: text})))
        assert (answer.reason, answer.fields) == ("FIELD_INVALID", [f"transaction.{field}"])
    if field in {"description", "external_id", "correlation_id"}:
        for text in ("'; DROP TABLE events; --", "%00", "\u202e", "😀", "a" * 255, "{0}{1}%s$1"):
            posted = await ledger.post(changed(transfer(), **{field: text}))
            assert getattr(posted.transaction, field) == text
