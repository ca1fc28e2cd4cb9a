"""Statements of accounts and sets, the general ledger, and the journal, page by page."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf import struct_pb2

from ledger_proto.v1 import common_pb2, holds_pb2, holds_pb2_grpc
from ledger_proto.v1 import reports_pb2 as pb
from tests.api.calls import CREDIT, DEBIT, refused
from tests.api.report_books import ReportLedger
from tests.api.test_reports import close_with, reverse
from tests.ledger import Serving, lines

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(running: Serving) -> ReportLedger:
    books = ReportLedger(running.channel, f"statements-{next(_journals)}")
    await books.open_books()
    return books


def amounts(entries: Sequence[pb.StatementEntry]) -> list[tuple[str, str]]:
    """Return the amount of each entry, credits negative, and the balance after it."""
    return [
        (("" if entry.direction == DEBIT else "-") + entry.units, entry.balance)
        for entry in entries
    ]


async def test_a_statement_of_an_account(ledger: ReportLedger) -> None:
    await ledger.move("2025-01-01", "bank", "capital", "100.00")
    await ledger.move("2025-01-10", "rent", "bank", "30.00")
    split = await ledger.enter(
        "2025-01-05",
        "DEBIT fees 5.00 USD",
        "CREDIT bank 15.00 USD",
        "DEBIT rent 10.00 USD",
        "DEBIT cash 1 BTC",
        "CREDIT bank 1 BTC",
    )
    await ledger.move("2025-02-01", "bank", "sales", "7.00")
    made = await ledger.statement(account="bank", from_date="2025-01-02", as_of="2025-01-31")
    assert (made.code, made.is_account_set, made.normal_side) == ("bank", False, DEBIT)
    assert list(made.balances) == [
        pb.StatementBalance(
            currency="BTC",
            opening="0.00000000",
            debits="0.00000000",
            credits="1.00000000",
            closing="-1.00000000",
        ),
        pb.StatementBalance(
            currency="USD", opening="100.00", debits="0.00", credits="45.00", closing="55.00"
        ),
    ]
    assert amounts(made.entries) == [
        ("-15.00", "85.00"),
        ("-1.00000000", "-1.00000000"),
        ("-30.00", "55.00"),
    ]
    first = made.entries[0]
    assert (first.transaction_id, first.position, first.effective_date) == (split, 1, "2025-01-05")
    assert list(first.counterparts) == ["fees", "rent"]
    assert list(made.entries[1].counterparts) == ["cash"]
    assert first.counterpart_count == 2
    assert first.record_time.seconds > 0
    assert made.sequence == await ledger.head()
    assert made.next_page_token == ""


async def test_a_credit_account_is_positive_on_its_side(ledger: ReportLedger) -> None:
    await ledger.move("2025-01-01", "bank", "sales", "100.00")
    await ledger.move("2025-01-02", "sales", "bank", "30.00")
    made = await ledger.statement(account="sales")
    assert amounts(made.entries) == [("-100.00", "100.00"), ("30.00", "70.00")]
    assert made.balances[0].closing == "70.00"


async def test_a_set_is_its_accounts_in_one(ledger: ReportLedger) -> None:
    await ledger.move("2025-01-01", "bank", "capital", "100.00")
    await ledger.move("2025-01-03", "cash", "bank", "40.00")
    await ledger.move("2025-01-02", "rent", "bank", "10.00")
    made = await ledger.statement(account_set="assets")
    assert [entry.account_code for entry in made.entries] == ["bank", "bank", "cash", "bank"]
    assert [balance for _, balance in amounts(made.entries)] == [
        "100.00",
        "90.00",
        "130.00",
        "90.00",
    ]
    assert (made.is_account_set, made.normal_side) == (True, DEBIT)
    assert made.balances[0].closing == "90.00"
    assert (await ledger.statement(account_set="revenue")).normal_side == CREDIT
    # Without a side of its own and below none with a category.
    await ledger.create_set_of("any", "sales")
    assert (await ledger.statement(account_set="any")).normal_side == DEBIT
    # Inherited from above.
    await ledger.create_set_of("cards", "card")
    await ledger.put_into("liabilities", sets=("cards",))
    assert (await ledger.statement(account_set="cards")).normal_side == CREDIT


async def whole(ledger: ReportLedger, call: str, size: int, **fields: Any) -> list[Any]:
    """Return all pages of a report."""
    pages = [await getattr(ledger, call)(page_size=size, **fields)]
    while pages[-1].next_page_token:
        token = pages[-1].next_page_token
        pages.append(await getattr(ledger, call)(page_size=size, page_token=token, **fields))
    return pages


async def fill(ledger: ReportLedger) -> None:
    """Post on a few days, in no order, several entries of one account in one transaction."""
    for number in range(12):
        day = f"2025-01-{1 + number * 7 % 4:02}"
        await ledger.enter(
            day,
            f"DEBIT bank {number + 1}.00 USD",
            f"DEBIT cash {number + 1}.50 USD",
            f"DEBIT bank 0.{number + 10} BTC",
            f"CREDIT sales 0.{number + 10} BTC",
            f"CREDIT sales {2 * number + 2}.50 USD",
        )


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    "fields",
    [{"account": "bank"}, {"account_set": "assets"}, {"account": "sales", "currency": "USD"}],
)
async def test_pages_fit_together_while_others_post(
    ledger: ReportLedger, size: int, fields: dict[str, str]
) -> None:
    """Also where entries come in before, within and after what was shown already."""
    await fill(ledger)
    days = {"from_date": "2025-01-02", "as_of": "2025-01-04"}
    expected = await ledger.statement(page_size=1000, **days, **fields)
    pages = [await ledger.statement(page_size=size, **days, **fields)]
    while pages[-1].next_page_token:
        for day in ("2024-12-31", "2025-01-02", "2025-01-03", "2025-01-04"):
            await ledger.move(day, "bank", "sales", "1000.00")
            await ledger.move(day, "cash", "sales", "1000.00")
        token = pages[-1].next_page_token
        pages.append(await ledger.statement(page_size=size, page_token=token, **days, **fields))
    assert [entry for page in pages for entry in page.entries] == list(expected.entries)
    for page in pages:
        assert page.balances == expected.balances
        assert page.sequence == expected.sequence
    assert {len(page.entries) for page in pages[:-1]} <= {size}
    for balance in expected.balances:
        last = [each for each in expected.entries if each.currency == balance.currency][-1]
        assert last.balance == balance.closing


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_the_general_ledger_is_all_statements(ledger: ReportLedger, size: int) -> None:
    await fill(ledger)
    await ledger.move("2025-01-01", "fees", "card", "3.00")  # an opening and no entry
    days = {"from_date": "2025-01-02", "as_of": "2025-01-03"}
    codes = ["bank", "card", "cash", "fees", "sales"]
    statements = {
        code: await ledger.statement(account=code, page_size=1000, **days) for code in codes
    }
    pages = [await ledger.general_ledger(page_size=size, **days)]
    while pages[-1].next_page_token:
        for other in ("bank", "capital", "fees"):
            await ledger.move("2025-01-02", other, "rent", "5000.00")
        token = pages[-1].next_page_token
        pages.append(await ledger.general_ledger(page_size=size, page_token=token, **days))
    found: dict[str, list[pb.StatementEntry]] = {}
    for page in pages:
        assert sum(len(each.entries) for each in page.accounts) <= size
        assert len(page.accounts) <= size
        assert page.sequence == pages[0].sequence
        for index, account in enumerate(page.accounts):
            assert account.is_continued == (account.code in found)
            assert not account.is_continued or index == 0
            found.setdefault(account.code, []).extend(account.entries)
            assert account.balances == statements[account.code].balances
            assert account.normal_side == statements[account.code].normal_side
    assert list(found) == codes
    for code, entries in found.items():
        assert entries == list(statements[code].entries)


async def test_statements_are_reprinted_as_they_were_known(
    ledger: ReportLedger, running: Serving
) -> None:
    await fill(ledger)
    holds = Holds(running, ledger)
    kept, captured, released = [await holds.place(amount) for amount in ("50", "60", "70")]
    position = await ledger.head()

    async def made(as_known_at: int) -> list[bytes]:
        fields = {"as_known_at": as_known_at, "page_size": 1000}
        return [
            each.SerializeToString(deterministic=True)
            for each in (
                await ledger.statement(account="bank", **fields),
                await ledger.statement(account_set="assets", from_date="2025-01-02", **fields),
                await ledger.general_ledger(as_of="2025-01-03", **fields),
                await ledger.search(**fields),
                await ledger.search(account="bank", newest_first=True, **fields),
            )
        ]

    before = await made(position)
    assert before == await made(0)
    await holds.capture(captured, "25")
    await holds.release(released)
    await holds.place("80")
    await fill(ledger)
    await ledger.rename("bank", "Another name")
    await ledger.put_into("assets", "rent")
    await ledger.take_out_of("assets", "cash")
    await ledger.create_accounts("newcomer")
    await ledger.move("2024-12-01", "newcomer", "bank", "9.00")
    assert await made(position) == before
    now = await ledger.statement(account="bank")
    assert now.name == "Another name"
    assert [(hold.hold_id, hold.left) for hold in now.holds][:2] == [
        (kept, "50.00"),
        (captured, "35.00"),
    ]
    assert [hold.left for hold in now.holds] == ["50.00", "35.00", "80.00"]
    # What was not there then is not found then.
    unknown = await refused(ledger.statement(account="newcomer", as_known_at=position))
    assert unknown.reason == "ACCOUNT_NOT_FOUND"


class Holds:
    """Holds that take USD out of the account bank."""

    def __init__(self, running: Serving, ledger: ReportLedger) -> None:
        self._stub = holds_pb2_grpc.HoldServiceStub(running.channel)
        self._ledger = ledger

    async def place(self, amount: str) -> str:
        asked = lines(f"DEBIT rent {amount} USD", f"CREDIT bank {amount} USD")
        await self._stub.PlaceHold(
            holds_pb2.PlaceHoldRequest(journal=self._ledger.journal, transaction=asked)
        )
        return asked.transaction_id

    async def capture(self, hold_id: str, amount: str) -> None:
        params = struct_pb2.Struct()
        params.update(
            {
                "lines": [
                    {"direction": side, "account": account, "units": amount, "currency": "USD"}
                    | {"layer": "SETTLED"}
                    for side, account in (("DEBIT", "rent"), ("CREDIT", "bank"))
                ]
            }
        )
        await self._stub.CaptureHold(
            holds_pb2.CaptureHoldRequest(
                journal=self._ledger.journal,
                hold_id=hold_id,
                capture_id=lines().transaction_id,
                params=params,
            )
        )

    async def release(self, hold_id: str) -> None:
        await self._stub.ReleaseHold(
            holds_pb2.ReleaseHoldRequest(
                journal=self._ledger.journal,
                hold_id=hold_id,
                release_id=lines().transaction_id,
            )
        )


async def test_holds_are_on_the_first_page_alone(ledger: ReportLedger, running: Serving) -> None:
    await fill(ledger)
    hold = await Holds(running, ledger).place("5")
    first, *more = await whole(ledger, "statement", 5, account="bank")
    (held,) = first.holds
    assert (held.hold_id, held.account_code, held.direction) == (hold, "bank", CREDIT)
    assert (held.left, held.currency) == ("5.00", "USD")
    assert not held.HasField("expire_time")
    assert held.place_time.seconds > 0
    assert more
    assert all(not page.holds for page in more)
    pending = await ledger.statement(account="bank", layer=common_pb2.LAYER_PENDING)
    assert amounts(pending.entries) == [("-5.00", "-5.00")]


#: Transaction 0 closes a year, 3 takes that back; the order of days is 2, 0, 1, 3.
SEARCHES: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [2, 0, 1, 3]),
    ({"newest_first": True}, [3, 1, 0, 2]),
    ({"from_date": "2025-01-02", "to_date": "2025-01-03"}, [0, 1]),
    ({"account": "rent"}, [0, 3]),
    ({"text": "BAKER"}, [1]),
    ({"text": "ref-"}, [0]),
    ({"text": "march"}, [3]),
    ({"text": "corr"}, [2]),
    ({"text": "nobody"}, []),
    ({"template_code": "LINES"}, [2, 0, 1, 3]),
    ({"template_code": "TRANSFER"}, []),
    ({"currency": "BTC"}, [1]),
    ({"units_min": "20.00"}, [2, 0, 3]),
    ({"units_min": "20.00", "units_max": "30"}, [0, 3]),
    ({"units_max": "0.5"}, [1]),
    ({"units_max": "0.5", "currency": "USD"}, []),
    ({"without_closing": True}, [2, 1]),
    ({"without_closing": True, "account": "bank", "text": "r"}, [2, 1]),
]


async def searched(ledger: ReportLedger, dsn: str) -> list[str]:
    """Post the transactions of `SEARCHES` and return their ids."""
    ids = [
        await ledger.move("2025-01-02", "rent", "bank", "30.00", external_id="Ref-1"),
        await ledger.enter(
            "2025-01-03",
            "DEBIT bank 5.00 USD",
            "CREDIT sales 5.00 USD",
            "DEBIT bank 0.5 BTC",
            "CREDIT sales 0.5 BTC",
            description="The baker",
        ),
        await ledger.move("2025-01-01", "bank", "capital", "40.00", correlation_id="Corr"),
    ]
    await close_with(dsn, ledger, ids[0])
    return [*ids, await reverse(ledger, ids[0], "2025-03-03", description="in March")]


@pytest.mark.parametrize(("fields", "expected"), SEARCHES)
async def test_a_search_of_the_journal(
    ledger: ReportLedger, dsn: str, fields: dict[str, Any], expected: list[int]
) -> None:
    ids = await searched(ledger, dsn)
    found = await whole(ledger, "search", 2, **fields)
    shown = [each.id for page in found for each in page.transactions]
    assert shown == [ids[number] for number in expected]
    assert {page.sequence for page in found} == {await ledger.head()}


async def test_pages_of_the_journal_are_of_one_position(ledger: ReportLedger) -> None:
    await fill(ledger)
    expected = [each.id for each in (await ledger.search(page_size=1000)).transactions]
    pages = [await ledger.search(page_size=5)]
    while pages[-1].next_page_token:
        await fill(ledger)
        pages.append(await ledger.search(page_size=5, page_token=pages[-1].next_page_token))
    assert [each.id for page in pages for each in page.transactions] == expected


async def test_a_page_of_a_narrow_filter_ends(
    ledger: ReportLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how far it came, and the next one goes on from there."""
    await fill(ledger)
    last = await ledger.move("2025-12-31", "rent", "bank", "1.00", description="needle")
    monkeypatch.setattr("ledger_server.application.journal_search._BATCH", 4)
    monkeypatch.setattr("ledger_server.application.journal_search.SCAN_MAX", 8)
    pages = await whole(ledger, "search", 10, text="needle")
    assert [len(page.transactions) for page in pages] == [0, 1]
    assert pages[-1].transactions[0].id == last


async def test_a_token_is_good_for_its_own_request_alone(ledger: ReportLedger) -> None:
    await fill(ledger)
    token = (await ledger.statement(account="bank", page_size=2)).next_page_token
    assert token
    found = await refused(ledger.statement(account="cash", page_token=token))
    assert found.reason == "PAGE_TOKEN_INVALID"
