"""The client against the real server: every call, in the order in which books are kept."""

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from ledger_client import (
    AccountCategory,
    AccountStatus,
    ConflictError,
    Direction,
    InvalidRequestError,
    Layer,
    LedgerClient,
    NewAccount,
    NotFoundError,
    Posting,
    PostResult,
    Refusal,
    RefusedError,
    Transaction,
    TrialBalanceRowKind,
    new_id,
)
from ledger_client.calls import reports
from ledger_client.templates import library

T = TypeVar("T")
TRANSFER = {"from": "assets:bank", "to": "assets:cash", "currency": "USD"}
JANUARY = dt.date(2026, 1, 31)
FEBRUARY = dt.date(2026, 2, 28)


@pytest.fixture
async def ledger(server_address: str) -> AsyncIterator[LedgerClient]:
    """A client of a server with books: three accounts and the built-in templates."""
    async with LedgerClient.connect(server_address) as client:
        await client.create_journal("MAIN", name="Books", time_zone="Europe/Zurich")
        await client.batch_create_accounts(
            "MAIN",
            [
                NewAccount(code="assets:bank", normal_side=Direction.DEBIT),
                NewAccount(code="assets:cash", normal_side=Direction.DEBIT),
                NewAccount(code="equity", normal_side=Direction.CREDIT),
            ],
        )
        for loaded in library():
            await client.create_tx_template("MAIN", loaded.template)
        yield client


def amounts(*numbers: int | str) -> tuple[Decimal, ...]:
    return tuple(Decimal(number) for number in numbers)


async def everything(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


async def test_journals_and_currencies(ledger: LedgerClient) -> None:
    request_id = str(new_id())
    created = await ledger.create_journal("OTHER", request_id=request_id)
    again = await ledger.create_journal("OTHER", request_id=request_id)
    assert (created.code, created.name, created.time_zone) == ("OTHER", "OTHER", "UTC")
    assert again == created
    assert await ledger.get_journal(created.id) == created
    assert [journal.code async for journal in ledger.list_journals()] == ["MAIN", "OTHER"]

    registered = await ledger.register_currency("OTHER", "ETH", 18)
    assert registered.exponent == 18
    currencies = {one.code: one.exponent async for one in ledger.list_currencies("OTHER")}
    assert currencies["ETH"] == 18
    assert (currencies["USD"], currencies["JPY"], currencies["BTC"]) == (2, 0, 8)

    with pytest.raises(ConflictError) as conflict:
        await ledger.register_currency("OTHER", "ETH", 8)
    assert conflict.value.reason == "CURRENCY_CONFLICT"
    with pytest.raises(NotFoundError) as missing:
        await ledger.get_journal("NONE")
    assert missing.value.reason == "JOURNAL_NOT_FOUND"


async def test_accounts(ledger: LedgerClient) -> None:
    chosen = new_id()
    created = await ledger.create_account(
        "MAIN", "wallet", normal_side=Direction.DEBIT, id=chosen, metadata={"k": "v"}
    )
    assert (created.id, created.name, created.metadata) == (chosen, "wallet", {"k": "v"})
    assert created.create_time.tzinfo is dt.UTC
    assert await ledger.get_account("MAIN", "wallet") == created
    assert await ledger.get_account("MAIN", chosen) == created

    codes = [one.code async for one in ledger.list_accounts("MAIN", code_prefix="assets:")]
    assert codes == ["assets:bank", "assets:cash"]

    renamed = await ledger.update_account("MAIN", "wallet", name="Wallet")
    assert renamed == dataclasses.replace(created, name="Wallet")
    with pytest.raises(InvalidRequestError):
        await ledger.update_account("MAIN", "wallet")

    assert (await ledger.lock_account("MAIN", "wallet")).status is AccountStatus.LOCKED
    locked = ledger.list_accounts("MAIN", status=AccountStatus.LOCKED)
    assert [one.code for one in await everything(locked)] == ["wallet"]
    assert (await ledger.unlock_account("MAIN", "wallet")).status is AccountStatus.ACTIVE
    assert (await ledger.close_account("MAIN", "wallet")).status is AccountStatus.CLOSED
    with pytest.raises(RefusedError) as refused:
        await ledger.lock_account("MAIN", "wallet")
    assert refused.value.reason == "ACCOUNT_CLOSED"


async def test_lists_go_beyond_a_page(ledger: LedgerClient) -> None:
    accounts = [
        NewAccount(code=f"many:{number:04}", normal_side=Direction.CREDIT)
        for number in range(1_000)
    ]
    await ledger.batch_create_accounts("MAIN", accounts)
    await ledger.create_account("MAIN", "many:last", normal_side=Direction.CREDIT)

    found = [one.code async for one in ledger.list_accounts("MAIN", code_prefix="many:")]
    assert found == [*(account.code for account in accounts), "many:last"]


async def test_account_sets(ledger: LedgerClient) -> None:
    assets = await ledger.create_account_set(
        "MAIN", "assets", category=AccountCategory.ASSET, normal_side=Direction.DEBIT
    )
    await ledger.create_account_set("MAIN", "liquid")
    assert assets.category is AccountCategory.ASSET
    assert (await ledger.get_account_set("MAIN", "liquid")).category is None
    assert await ledger.get_account_set("MAIN", assets.id) == assets
    sets = await everything(ledger.list_account_sets("MAIN"))
    assert [one.code for one in sets] == ["assets", "liquid"]

    added = await ledger.add_account_set_members(
        "MAIN", "assets", accounts=["assets:bank"], member_sets=["liquid"]
    )
    assert added == 2
    members = await everything(ledger.list_account_set_members("MAIN", "assets"))
    assert [(one.code, one.is_account_set) for one in members] == [
        ("liquid", True),
        ("assets:bank", False),
    ]
    with pytest.raises(RefusedError) as cycle:
        await ledger.add_account_set_members("MAIN", "liquid", member_sets=["assets"])
    assert cycle.value.reason == "ACCOUNT_SET_CYCLE"
    removed = await ledger.remove_account_set_members("MAIN", "assets", accounts=["assets:bank"])
    assert removed == 1


async def test_templates(ledger: LedgerClient) -> None:
    transfer = next(one for one in library() if one.template.code == "TRANSFER")
    again = await ledger.create_tx_template("MAIN", transfer.template)
    assert (again.created, again.template.version) == (False, 1)

    changed = dataclasses.replace(transfer.template, description="Changed.")
    tried = await ledger.create_tx_template("MAIN", changed, validate_only=True)
    assert (await ledger.get_tx_template("MAIN", "TRANSFER")).version == 1
    assert tried.template.description == "Changed."
    second = await ledger.create_tx_template("MAIN", changed)
    assert (second.created, second.template.version) == (True, 2)
    assert (await ledger.get_tx_template("MAIN", "TRANSFER", version=1)).version == 1
    versions = await everything(ledger.list_tx_template_versions("MAIN", "TRANSFER"))
    assert [one.version for one in versions] == [2, 1]
    assert versions[1].params == tuple(transfer.template.params)
    assert len(await everything(ledger.list_tx_templates("MAIN"))) == len(library())


async def test_template_mistakes_are_located(ledger: LedgerClient) -> None:
    transfer = next(one for one in library() if one.template.code == "TRANSFER")
    entry = dataclasses.replace(transfer.template.entries[1], units="params.amuont")
    wrong = dataclasses.replace(transfer.template, entries=[transfer.template.entries[0], entry])
    with pytest.raises(InvalidRequestError) as caught:
        await ledger.create_tx_template("MAIN", wrong)
    assert caught.value.reason == "TEMPLATE_INVALID"
    (located,) = transfer.located(caught.value)
    line = transfer.place_of("entries[1].units")
    assert located.startswith(f"core/transfer.yaml:{line}: entries[1].units: ")


async def test_post_and_find(ledger: LedgerClient) -> None:
    params = {**TRANSFER, "amount": Decimal("12.50")}
    chosen = new_id()
    posted = await ledger.post(
        "MAIN",
        "TRANSFER",
        params,
        transaction_id=chosen,
        effective_date=JANUARY,
        external_id="ext-1",
        correlation_id="cor-1",
        metadata={"k": "v"},
    )
    again = await ledger.post(
        "MAIN",
        "TRANSFER",
        params,
        transaction_id=chosen,
        effective_date=JANUARY,
        external_id="ext-1",
        correlation_id="cor-1",
        metadata={"k": "v"},
    )
    transaction = posted.transaction
    assert (posted.replayed, again.replayed) == (False, True)
    assert again.transaction == transaction
    assert (transaction.id, transaction.effective_date) == (chosen, JANUARY)
    assert (transaction.description, transaction.params["amount"]) == ("Transfer", "12.50")
    assert transaction.sequence is not None
    assert transaction.record_time is not None
    assert transaction.entries[0].balance_after is not None
    assert transaction.entries[0].balance_after.debit == Decimal("12.50")

    with pytest.raises(ConflictError) as reused:
        await ledger.post("MAIN", "TRANSFER", params, transaction_id=chosen)
    assert reused.value.reason == "TRANSACTION_ID_REUSED"

    later = await ledger.post("MAIN", "TRANSFER", params, effective_date=FEBRUARY)
    assert await ledger.get_transaction("MAIN", chosen) == transaction
    searches: list[tuple[dict[str, Any], list[Transaction]]] = [
        ({}, [transaction, later.transaction]),
        ({"newest_first": True}, [later.transaction, transaction]),
        ({"account": "assets:cash", "to_date": JANUARY}, [transaction]),
        ({"from_date": FEBRUARY}, [later.transaction]),
        ({"external_id": "ext-1"}, [transaction]),
        ({"correlation_id": "cor-1"}, [transaction]),
        ({"account": "equity"}, []),
    ]
    for filters, found in searches:
        listed = ledger.list_transactions("MAIN", **filters)
        assert await everything(listed) == found, filters


async def test_validate_writes_nothing(ledger: LedgerClient) -> None:
    params = {**TRANSFER, "amount": Decimal(5)}
    before = await ledger.get_journal("MAIN")
    validation = await ledger.validate("MAIN", "TRANSFER", params)
    assert validation.refusal is None
    changes = {one.account_code: one for one in validation.balance_changes}
    assert changes["assets:cash"].net_debit_before == 0
    assert changes["assets:cash"].net_debit_after == Decimal(5)
    assert changes["assets:bank"].net_debit_after == Decimal(-5)

    await ledger.lock_account("MAIN", "assets:cash")
    refused = await ledger.validate("MAIN", "TRANSFER", params)
    assert refused.refusal is not None
    assert refused.refusal.reason == "ACCOUNT_NOT_ACTIVE"
    assert (await ledger.get_journal("MAIN")).head_sequence == before.head_sequence + 1


async def test_post_many(ledger: LedgerClient) -> None:
    good = Posting(template_code="TRANSFER", params={**TRANSFER, "amount": Decimal(1)})
    wrong = Posting(template_code="TRANSFER", params={**TRANSFER, "amount": Decimal("0.001")})

    with pytest.raises(InvalidRequestError) as refused:
        await ledger.post_many("MAIN", [good, wrong], atomic=True)
    assert (refused.value.reason, refused.value.facts["index"]) == ("AMOUNT_INVALID", "1")

    posted, refusal = await ledger.post_many("MAIN", [good, wrong], atomic=False)
    assert isinstance(posted, PostResult)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "AMOUNT_INVALID"
    (again,) = await ledger.post_many("MAIN", [good], atomic=True)
    assert again == PostResult(transaction=posted.transaction, replayed=True)


async def test_balances_and_trial_balance(
    ledger: LedgerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        {"account": "assets:bank", "debit": "100.00", "currency": "USD"},
        {"account": "assets:cash", "debit": "0.5", "currency": "BTC"},
    ]
    opening = {"lines": lines, "equity_account": "equity"}
    await ledger.post("MAIN", "OPENING_BALANCE", opening, effective_date=JANUARY)
    await ledger.post(
        "MAIN", "TRANSFER", {**TRANSFER, "amount": Decimal(30)}, effective_date=FEBRUARY
    )

    bank = await ledger.get_balance("MAIN", "assets:bank", "USD")
    assert (bank.settled.debit, bank.settled.credit, bank.settled.net) == amounts(100, 30, 70)
    assert (bank.available, bank.pending.net) == amounts(70, 0)
    then = await ledger.get_balance("MAIN", "assets:bank", "USD", as_of=JANUARY)
    assert (then.settled.net, then.available, then.version) == (Decimal(100), None, 0)
    bitcoin, nothing = await ledger.batch_get_balances(
        "MAIN", [("assets:cash", "BTC"), ("equity", "JPY")]
    )
    assert (bitcoin.settled.net, nothing.settled.net) == amounts("0.5", 0)
    listed = await everything(ledger.list_balances("MAIN"))
    assert [(one.account_code, one.currency) for one in listed] == [
        ("assets:bank", "USD"),
        ("assets:cash", "BTC"),
        ("assets:cash", "USD"),
        ("equity", "BTC"),
        ("equity", "USD"),
    ]

    report = await ledger.get_trial_balance("MAIN", from_date=FEBRUARY, currency="USD")
    assert {
        row.code: (row.columns.opening_debit, row.columns.debit, row.columns.closing_debit)
        for row in report.rows
    } == {
        "assets:bank": amounts(100, 0, 70),
        "assets:cash": amounts(0, 30, 30),
        "equity": amounts(0, 0, 0),
    }
    assert report.rows[2].columns.closing_credit == 100
    assert {row.kind for row in report.rows} == {TrialBalanceRowKind.ACCOUNT}
    (total,) = report.totals
    assert (total.balanced, total.columns.closing_debit) == (True, Decimal(100))
    assert (report.layer, report.from_date, report.as_of) == (Layer.SETTLED, FEBRUARY, None)
    assert report.sequence == (await ledger.get_journal("MAIN")).head_sequence

    whole = await ledger.get_trial_balance("MAIN", set_depth=1, include_zero_rows=True)
    monkeypatch.setattr(reports, "ROWS_PER_PAGE", 2)
    assert whole == await ledger.get_trial_balance("MAIN", set_depth=1, include_zero_rows=True)
    assert len(whole.rows) > 4

    known = await ledger.get_trial_balance("MAIN", as_known_at=report.sequence - 1)
    assert {row.code: row.columns.closing_debit for row in known.rows if row.currency == "USD"} == {
        "assets:bank": 100,
        "equity": 0,
    }
