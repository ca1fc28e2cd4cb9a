"""The built-in templates: each is documented, and each example comes out as it says."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger_client import (
    Direction,
    Layer,
    LedgerClient,
    LedgerError,
    NewAccount,
    Transaction,
)
from ledger_client.templates import ExpectedEntry, LoadedTemplate, TemplateExample, library

LIBRARY = library()
TEMPLATES = Path(__file__).parents[2] / "templates"


def test_it_is_all_there() -> None:
    assert [loaded.template.code for loaded in LIBRARY if loaded.source.startswith("core/")] == [
        "CARD_PURCHASE",
        "DEPOSIT",
        "FEE",
        "FX_TRADE",
        "GENERAL_JOURNAL",
        "OPENING_BALANCE",
        "PAYROLL",
        "PURCHASE",
        "SPLIT",
        "TRANSFER",
        "WITHDRAWAL",
        "WITHDRAWAL_REQUEST",
    ]


def test_it_is_found_where_a_wheel_puts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "templates_library" / "core"
    installed.mkdir(parents=True)
    (installed / "transfer.yaml").write_text((TEMPLATES / "core/transfer.yaml").read_text())
    (installed / "notes.md").write_text("not a template")
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)

    assert [loaded.source for loaded in library()] == ["core/transfer.yaml"]


@pytest.mark.parametrize("loaded", LIBRARY, ids=lambda loaded: loaded.source)
def test_each_is_documented(loaded: LoadedTemplate) -> None:
    template = loaded.template
    assert (TEMPLATES / loaded.source).read_text().startswith("# ")
    assert loaded.source.endswith(f"/{template.code.lower()}.yaml")
    assert template.description
    assert all(param.description for param in template.params)
    assert loaded.examples
    assert any(example.entries for example in loaded.examples)
    for example in loaded.examples:
        assert example.entries or example.steps


@pytest.mark.parametrize("loaded", LIBRARY, ids=lambda loaded: loaded.source)
def test_each_example_balances(loaded: LoadedTemplate) -> None:
    for example in loaded.examples:
        sides = {side: sums(example, side) for side in ("DEBIT", "CREDIT")}
        assert sides["DEBIT"] == sides["CREDIT"], f"{loaded.source}:{example.line}"


def sums(example: TemplateExample, side: str) -> dict[tuple[Layer, str], Decimal]:
    found: dict[tuple[Layer, str], Decimal] = {}
    for entry in example.entries:
        if entry.direction == side:
            key = (entry.layer, entry.currency)
            found[key] = found.get(key, Decimal(0)) + entry.units
    return found


def as_expected(transaction: Transaction) -> tuple[ExpectedEntry, ...]:
    return tuple(
        ExpectedEntry(entry.direction, entry.account_code, entry.layer, entry.units, entry.currency)
        for entry in transaction.entries
    )


async def test_each_example_on_a_real_server(server_address: str) -> None:
    async with LedgerClient.connect(server_address) as ledger:
        for number, loaded in enumerate(LIBRARY):
            journal = f"J{number}"
            await ledger.create_journal(journal)
            try:
                await ledger.create_tx_template(journal, loaded.template)
            except LedgerError as error:
                pytest.fail("\n".join([str(error), *loaded.located(error)]))
            sides = {code: side for one in loaded.examples for code, side in one.accounts.items()}
            accounts = [NewAccount(code=code, normal_side=side) for code, side in sides.items()]
            await ledger.batch_create_accounts(journal, accounts)
            for example in loaded.examples:
                if example.steps:  # run by tests/templates/test_example_steps.py
                    continue
                await check(ledger, journal, loaded, example)


async def check(
    ledger: LedgerClient, journal: str, loaded: LoadedTemplate, example: TemplateExample
) -> None:
    """Validate and post an example: both must give the entries that it says."""
    place = f"{loaded.source}:{example.line}"
    code = loaded.template.code
    validation = await ledger.validate(journal, code, example.params)
    posted = await ledger.post(journal, code, example.params)

    assert validation.refusal is None, place
    assert as_expected(validation.transaction) == example.entries, place
    assert as_expected(posted.transaction) == example.entries, place
    assert posted.transaction.description, place


FEE = {"borne_by": "a", "fee_account": "b", "percent": "1", "currency": "USD"}
SPLIT = {"from": "a", "currency": "USD", "amount": "100.00"}
PARTS = [{"account": "b", "percent": "33"}]
TRANSFER = {"from": "a", "to": "b", "currency": "USD"}

#: Code, params, the reason of the refusal, and a place or fact that it names.
REFUSED: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("FEE", {**FEE, "amount": "10.00", "rounding": "HALF_DOWN"}, "EXPRESSION_FAILED", "HALF_DOWN"),
    ("FEE", {**FEE, "amount": "0.10", "rounding": "DOWN"}, "AMOUNT_INVALID", "entries[0].units"),
    ("SPLIT", {**SPLIT, "shares": PARTS}, "UNBALANCED", "33"),
    ("SPLIT", {**SPLIT, "shares": PARTS, "remainder": "67.00"}, "EXPRESSION_FAILED", "not given"),
    (
        "GENERAL_JOURNAL",
        {"lines": [{"account": "b", "debti": "1", "currency": "USD"}]},
        "EXPRESSION_FAILED",
        "debit",
    ),
    ("GENERAL_JOURNAL", {"lines": []}, "NO_ENTRIES", "GENERAL_JOURNAL"),
    ("TRANSFER", {**TRANSFER, "amount": "1.001"}, "AMOUNT_INVALID", "entries[0].units"),
    ("TRANSFER", {**TRANSFER, "amount": "-1.00"}, "AMOUNT_INVALID", "above zero"),
    ("TRANSFER", {**TRANSFER, "amount": "1.00", "to": "c"}, "ACCOUNT_NOT_FOUND", "c"),
    ("TRANSFER", {**TRANSFER, "amount": "1.00", "too": "b"}, "PARAM_INVALID", "too"),
)


async def test_what_must_not_be_posted_is_refused(server_address: str) -> None:
    async with LedgerClient.connect(server_address) as ledger:
        await ledger.create_journal("J")
        await ledger.batch_create_accounts(
            "J", [NewAccount(code=code, normal_side=Direction.DEBIT) for code in "ab"]
        )
        for loaded in LIBRARY:
            await ledger.create_tx_template("J", loaded.template)
        for code, params, reason, fact in REFUSED:
            with pytest.raises(LedgerError) as caught:
                await ledger.post("J", code, params)
            assert caught.value.reason == reason, (code, params, caught.value)
            assert fact in f"{caught.value} {caught.value.facts}", (code, params)
        assert [one async for one in ledger.list_transactions("J")] == []
