"""BalanceService: what the books add up to. The books are written by hand, past the ledger."""

import uuid
from typing import Any

from ledger_proto.v1 import accounts_pb2
from ledger_proto.v1 import balances_pb2 as pb
from tests.api.calls import CREDIT, DEBIT, Ledger, reason, refused
from tests.books import ENCUMBRANCE, PENDING, SETTLED, Books


def get(account: str, currency: str = "USD", **fields: str) -> pb.GetBalanceRequest:
    return pb.GetBalanceRequest(**{"journal": "main"} | fields, account=account, currency=currency)


def sums(layer: pb.LayerBalance) -> tuple[str, str, str]:
    return layer.debit, layer.credit, layer.net


async def two_accounts(ledger: Ledger) -> tuple[accounts_pb2.Account, accounts_pb2.Account]:
    return (
        await ledger.create_account("cash"),
        await ledger.create_account("loan", normal_side=CREDIT),
    )


async def test_nothing_was_ever_posted(ledger: Ledger) -> None:
    cash, _ = await two_accounts(ledger)
    answer = await ledger.balances.GetBalance(get("cash"))
    assert answer.balance == pb.Balance(
        account_id=cash.id,
        account_code="cash",
        normal_side=DEBIT,
        currency="USD",
        settled=pb.LayerBalance(debit="0.00", credit="0.00", net="0.00"),
        pending=pb.LayerBalance(debit="0.00", credit="0.00", net="0.00"),
        encumbrance=pb.LayerBalance(debit="0.00", credit="0.00", net="0.00"),
        available="0.00",
    )
    assert answer.sequence == 3, "the head: a journal and two accounts"
    for currency, zero in (("JPY", "0"), ("BTC", "0.00000000")):
        answer = await ledger.balances.GetBalance(get(cash.id, currency))
        assert answer.balance.settled.net == answer.balance.available == zero


async def test_net_stands_on_the_normal_side(ledger: Ledger, books: Books) -> None:
    await two_accounts(ledger)
    await books.post((SETTLED, "cash", 1, "10", "USD"), (SETTLED, "loan", 2, "10", "USD"))
    await books.post((SETTLED, "cash", 2, "12.5", "USD"), (SETTLED, "loan", 1, "12.5", "USD"))
    await books.post((PENDING, "cash", 1, "1", "USD"), (PENDING, "loan", 2, "1", "USD"))
    await books.post(
        (ENCUMBRANCE, "cash", 2, "0.01", "USD"), (ENCUMBRANCE, "loan", 1, ".01", "USD")
    )
    cash = (await ledger.balances.GetBalance(get("cash"))).balance
    assert sums(cash.settled) == ("10.00", "12.50", "-2.50")
    assert sums(cash.pending) == ("1.00", "0.00", "1.00")
    assert sums(cash.encumbrance) == ("0.00", "0.01", "-0.01")
    assert (cash.available, cash.version) == ("-2.50", 4)
    loan = (await ledger.balances.GetBalance(get("loan"))).balance
    assert sums(loan.settled) == ("12.50", "10.00", "-2.50")
    assert sums(loan.pending) == ("0.00", "1.00", "1.00")


async def test_open_holds_take_from_what_is_available(ledger: Ledger, books: Books) -> None:
    await two_accounts(ledger)
    await books.post((SETTLED, "cash", 1, "100", "USD"), (SETTLED, "loan", 2, "100", "USD"))
    await books.hold("cash", "USD", debit="7", credit="30")
    await books.hold("loan", "USD", debit="40", credit="7")
    assert (await ledger.balances.GetBalance(get("cash"))).balance.available == "70.00"
    assert (await ledger.balances.GetBalance(get("loan"))).balance.available == "60.00"


async def test_sums_of_any_length_are_exact(ledger: Ledger, books: Books) -> None:
    await two_accounts(ledger)
    whole = "9" * 30
    await books.post(
        (SETTLED, "cash", 1, f"{whole}.12345678", "BTC"),
        (SETTLED, "loan", 2, f"{whole}.12345678", "BTC"),
    )
    await books.post(
        (SETTLED, "cash", 2, "0.00000001", "BTC"), (SETTLED, "loan", 1, "0.00000001", "BTC")
    )
    balance = (await ledger.balances.GetBalance(get("cash", "BTC"))).balance
    assert sums(balance.settled) == (f"{whole}.12345678", "0.00000001", f"{whole}.12345677")


async def test_as_of_counts_days_up_to_the_date(ledger: Ledger, books: Books) -> None:
    await two_accounts(ledger)
    for day, units in (("2026-01-31", "1"), ("2026-02-28", "10"), ("2025-12-31", "100")):
        await books.post(
            (SETTLED, "cash", 1, units, "USD"), (SETTLED, "loan", 2, units, "USD"), day=day
        )
    await books.hold("cash", "USD", debit="0", credit="5")
    for as_of, net in {
        "0001-01-01": "0.00",
        "2025-12-30": "0.00",
        "2025-12-31": "100.00",
        "2026-01-31": "101.00",
        "2026-02-27": "101.00",
        "2026-02-28": "111.00",
        "9999-12-31": "111.00",
    }.items():
        balance = (await ledger.balances.GetBalance(get("cash", as_of=as_of))).balance
        assert sums(balance.settled) == (net, "0.00", net), as_of
        assert (balance.available, balance.version) == ("", 0)


async def test_a_batch_is_read_in_order_at_one_moment(ledger: Ledger, books: Books) -> None:
    cash, _ = await two_accounts(ledger)
    await books.post((SETTLED, "cash", 1, "5", "USD"), (SETTLED, "loan", 2, "5", "USD"))
    keys = [
        pb.BalanceKey(account="loan", currency="USD"),
        pb.BalanceKey(account=cash.id, currency="JPY"),
        pb.BalanceKey(account="cash", currency="USD"),
        pb.BalanceKey(account=cash.id.upper(), currency="USD"),
    ]
    for as_of in ("", "2026-12-31"):
        request = pb.BatchGetBalancesRequest(journal="main", keys=keys, as_of=as_of)
        answer = await ledger.balances.BatchGetBalances(request)
        assert [(balance.account_code, balance.settled.net) for balance in answer.balances] == [
            ("loan", "5.00"),
            ("cash", "0"),
            ("cash", "5.00"),
            ("cash", "5.00"),
        ]
        assert answer.sequence == 3
    full = pb.BatchGetBalancesRequest(journal="main", keys=keys[:1] * 1_000)
    assert len((await ledger.balances.BatchGetBalances(full)).balances) == 1_000


async def test_lists_balances_with_entries(ledger: Ledger, books: Books) -> None:
    await two_accounts(ledger)
    await ledger.create_account("unused")
    for currency, units, day in (("USD", "5", "2026-01-01"), ("JPY", "7", "2026-01-02")):
        await books.post(
            (SETTLED, "cash", 1, units, currency), (SETTLED, "loan", 2, units, currency), day=day
        )
    await books.connection.execute(
        "INSERT INTO balances (journal_id, account_id, currency)"
        " SELECT journal_id, id, 'USD' FROM accounts WHERE code = 'unused'"
    )

    async def listed(**fields: Any) -> list[tuple[str, str, str]]:
        request = pb.ListBalancesRequest(journal="main", **fields)
        answer = await ledger.balances.ListBalances(request)
        assert answer.sequence == 4
        return [(row.account_code, row.currency, row.settled.net) for row in answer.balances]

    cash = [("cash", "JPY", "7"), ("cash", "USD", "5.00")]
    loan = [("loan", "JPY", "7"), ("loan", "USD", "5.00")]
    assert await listed() == [*cash, *loan]
    assert await listed(account="loan") == loan
    assert await listed(account="unused") == []
    assert await listed(as_of="2026-01-02") == [*cash, *loan]
    assert await listed(as_of="2026-01-01") == [cash[1], loan[1]]
    assert await listed(as_of="2026-01-01", account="cash") == [cash[1]]
    assert await listed(as_of="2025-12-31") == []


async def test_refusals(ledger: Ledger) -> None:
    await two_accounts(ledger)
    nobody = str(uuid.UUID(int=5))
    for request, refusal_reason, facts in [
        (get("cash", "XYZ"), "CURRENCY_UNKNOWN", {"currency": "XYZ"}),
        (get("x"), "ACCOUNT_NOT_FOUND", {"account": "x"}),
        (get(nobody), "ACCOUNT_NOT_FOUND", {"account": nobody}),
        (get("cash", journal="x"), "JOURNAL_NOT_FOUND", {"journal": "x"}),
        (get("x", "XYZ"), "ACCOUNT_NOT_FOUND", {"account": "x"}),
        (get("x", "XYZ", journal="x"), "JOURNAL_NOT_FOUND", {"journal": "x"}),
    ]:
        for as_of in ("", "2026-12-31"):
            request.as_of = as_of
            refusal = await refused(ledger.balances.GetBalance(request))
            assert (refusal.reason, refusal.facts) == (refusal_reason, facts)
    for request, field in [
        (get(""), "account"),
        (get("cash", ""), "currency"),
        (get("cash", "usd"), "currency"),
        (get("cash", "\0"), "currency"),
        (get("cash", as_of="2026-02-30"), "as_of"),
        (get("cash", as_of="2026-2-3"), "as_of"),
        (get("cash", as_of="20260203"), "as_of"),
        (get("cash", as_of="0000-01-01"), "as_of"),
        (get("cash", as_of="\u0662\u0660\u0662\u0666-01-01"), "as_of"),
    ]:
        refusal = await refused(ledger.balances.GetBalance(request))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", [field])
    key = pb.BalanceKey(account="cash", currency="USD")
    for keys in ([], [key] * 1_001):
        batch = pb.BatchGetBalancesRequest(journal="main", keys=keys)
        assert await reason(ledger.balances.BatchGetBalances(batch)) == "FIELD_INVALID"
    unknown = pb.BatchGetBalancesRequest(
        journal="main", keys=[key, pb.BalanceKey(account="x", currency="USD")]
    )
    assert await reason(ledger.balances.BatchGetBalances(unknown)) == "ACCOUNT_NOT_FOUND"
    listing = pb.ListBalancesRequest(journal="main", account="x")
    assert await reason(ledger.balances.ListBalances(listing)) == "ACCOUNT_NOT_FOUND"


async def test_a_batch_is_refused_for_the_first_name_that_is_not_there(ledger: Ledger) -> None:
    await two_accounts(ledger)
    for names, refusal_reason, facts in (
        ("cash/USD loan/XYZ x/USD", "CURRENCY_UNKNOWN", {"currency": "XYZ"}),
        ("cash/USD x/USD loan/XYZ", "ACCOUNT_NOT_FOUND", {"account": "x"}),
        ("cash/ABC loan/XYZ", "CURRENCY_UNKNOWN", {"currency": "ABC"}),
        ("y/XYZ x/USD", "ACCOUNT_NOT_FOUND", {"account": "y"}),
    ):
        keys = [
            pb.BalanceKey(account=account, currency=currency)
            for account, currency in (name.split("/") for name in names.split())
        ]
        for as_of in ("", "2026-12-31"):
            batch = pb.BatchGetBalancesRequest(journal="main", keys=keys, as_of=as_of)
            refusal = await refused(ledger.balances.BatchGetBalances(batch))
            assert (refusal.reason, refusal.facts) == (refusal_reason, facts)
