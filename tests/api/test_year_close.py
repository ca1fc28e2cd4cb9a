"""Closing fiscal years, and reopening them."""

import asyncio
from decimal import Decimal

import grpc
import pytest
import pytest_asyncio

from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    event_stream_pb2,
    event_stream_pb2_grpc,
    limits_pb2,
    periods_pb2,
    transactions_pb2,
)
from ledger_proto.v1 import (
    fiscal_years_pb2 as pb,
)
from tests.api.calls import CREDIT, DEBIT, reason, refused
from tests.fiscal_ledger import CLOSED, OPEN, FiscalLedger
from tests.ledger import PostingLedger, Serving, check_books, lines

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(running: Serving, request: pytest.FixtureRequest) -> FiscalLedger:
    """A journal of the test's own with a chart, and the years 2024 to 2026."""
    made = FiscalLedger(running.ledger.of(f"y{abs(hash(request.node.nodeid))}"))
    await made.begin()
    await made.open_years("2024", "2025", "2026")
    return made


async def busy(ledger: FiscalLedger) -> None:
    """Post two currencies on two days of 2025."""
    await ledger.post("cash", "sales", "100.00 USD", "2025-03-01")
    await ledger.post("rent", "cash", "30.00 USD", "2025-04-01")
    await ledger.post("cash", "fees", "0.5 BTC", "2025-12-31")
    await ledger.post("wages", "cash", "0.75 BTC", "2025-06-30")


async def events(ledger: FiscalLedger) -> list[str]:
    stub = event_stream_pb2_grpc.EventServiceStub(ledger.posting.channel)
    request = event_stream_pb2.ListEventsRequest(journal=ledger.journal, page_size=1000)
    page = await stub.ListEvents(request)
    return [event.WhichOneof("fact") or "" for event in page.events]


async def test_a_close_moves_the_result_to_equity(ledger: FiscalLedger, dsn: str) -> None:
    await busy(ledger)
    await ledger.post("cash", "sales", "7.00 USD", "2026-01-01")
    preview = await ledger.preview()
    done = await ledger.close()
    assert [(one.currency, one.revenue, one.expense, one.net_income) for one in done.amounts] == [
        ("BTC", "0.50000000", "0.75000000", "-0.25000000"),
        ("USD", "100.00", "30.00", "70.00"),
    ]
    assert done.amounts == preview.amounts
    assert (preview.balance_count, preview.transaction_count) == (4, 1)
    assert len(done.transaction_ids) == 1
    shown = [(one.account_code, one.direction, one.units, one.currency) for one in preview.entries]
    answer = await ledger.posting.transactions.GetTransaction(
        transactions_pb2.GetTransactionRequest(
            journal=ledger.journal, transaction_id=done.transaction_ids[0]
        )
    )
    posted = answer.transaction
    assert [(e.account_code, e.direction, e.units, e.currency) for e in posted.entries] == shown
    assert posted.kind == transactions_pb2.TRANSACTION_KIND_CLOSING
    assert (posted.effective_date, posted.template_code) == ("2025-12-31", "")
    assert (posted.hold_id, posted.correlation_id) == ("", "fiscal-year:2025")
    assert await ledger.nets("2025-12-31") == {
        ("cash", "USD"): Decimal(70),
        ("retained", "USD"): Decimal(-70),
        ("cash", "BTC"): Decimal("-0.25"),
        ("retained", "BTC"): Decimal("0.25"),
    }
    assert (await ledger.nets())["sales", "USD"] == -7, "the year after is not touched"
    assert (await events(ledger))[-3:] == ["journal_posted", "period_changed", "fiscal_year_closed"]
    assert (done.year.status, done.year.reason) == (CLOSED, "audited")
    assert done.year.sequence == await ledger.posting.head()
    assert (await ledger.get()).year == done.year
    await check_books(dsn, ledger.journal)


async def test_days_of_a_closed_year_are_locked(ledger: FiscalLedger) -> None:
    await busy(ledger)
    await ledger.close()
    late = lines("DEBIT cash 1.00 USD", "CREDIT sales 1.00 USD", effective_date="2025-05-05")
    assert await reason(ledger.posting.post(late)) == "PERIOD_LOCKED"


async def test_what_comes_late_is_closed_too(ledger: FiscalLedger) -> None:
    await busy(ledger)
    await ledger.close()
    nothing = await refused(ledger.close())
    assert (nothing.reason, nothing.code) == (
        "FISCAL_YEAR_STATE",
        grpc.StatusCode.FAILED_PRECONDITION,
    )
    await ledger.post("rent", "cash", "5.00 USD", "2025-02-01")
    assert [one.net_income for one in (await ledger.get()).checklist.unclosed] == ["-5.00"]
    again = await ledger.close(reason="a bill came late")
    assert [(one.currency, one.net_income) for one in again.amounts] == [("USD", "-5.00")]
    assert len(again.transaction_ids) == 1
    assert (await ledger.nets("2025-12-31"))["retained", "USD"] == -65
    changes = (await ledger.get()).changes
    assert [(one.status, one.reason) for one in changes] == [
        (CLOSED, "a bill came late"),
        (CLOSED, "audited"),
        (OPEN, ""),
    ]


async def test_a_close_is_taken_back_and_made_again(ledger: FiscalLedger, dsn: str) -> None:
    await busy(ledger)
    before = await ledger.nets("2025-12-31")
    first = await ledger.close()
    await ledger.post("rent", "cash", "5.00 USD", "2025-02-01")
    second = await ledger.close()
    undone = await ledger.reopen()
    assert undone.year.status == OPEN
    assert len(undone.transaction_ids) == 2
    after = dict(before)
    after["rent", "USD"] += 5
    after["cash", "USD"] -= 5
    assert await ledger.nets("2025-12-31") == after
    assert await reason(ledger.reopen()) == "FISCAL_YEAR_STATE"
    third = await ledger.close()
    assert [one.net_income for one in third.amounts] == ["-0.25000000", "65.00"]
    assert {*first.transaction_ids, *second.transaction_ids}.isdisjoint(third.transaction_ids)
    await ledger.reopen()
    assert await ledger.nets("2025-12-31") == after
    await check_books(dsn, ledger.journal)


async def test_closing_transactions_are_taken_back_by_the_year_alone(ledger: FiscalLedger) -> None:
    await busy(ledger)
    (closing,) = (await ledger.close()).transaction_ids
    request = transactions_pb2.ReverseTransactionRequest(
        journal=ledger.journal,
        reverses=closing,
        transaction_id="018e0000-0000-7000-8000-000000000001",
        effective_date="2026-01-01",
    )
    assert await reason(ledger.posting.transactions.ReverseTransaction(request)) == "NOT_REVERSIBLE"
    request.params["lines"] = "x"
    assert await reason(ledger.posting.transactions.ReverseTransaction(request)) == "NOT_REVERSIBLE"
    (reversal,) = (await ledger.reopen()).transaction_ids
    request.reverses = reversal
    request.ClearField("params")
    assert await reason(ledger.posting.transactions.ReverseTransaction(request)) == "NOT_REVERSIBLE"


async def test_years_are_closed_in_order(ledger: FiscalLedger) -> None:
    await ledger.post("cash", "sales", "1.00 USD", "2024-07-01")
    await ledger.post("cash", "sales", "2.00 USD", "2025-07-01")
    order = await refused(ledger.close("2025"))
    assert (order.reason, order.facts["other"]) == ("FISCAL_YEAR_ORDER", "2024")
    assert await reason(ledger.preview("2025")) == "FISCAL_YEAR_ORDER"
    await ledger.close("2024")
    await ledger.close("2025")
    assert (await refused(ledger.reopen("2024"))).reason == "FISCAL_YEAR_ORDER"
    await ledger.post("cash", "sales", "3.00 USD", "2024-08-01")
    assert await reason(ledger.close("2025")) == "FISCAL_YEAR_ORDER"
    await ledger.close("2024")
    assert await reason(ledger.close("2025")) == "FISCAL_YEAR_STATE", "all is closed"
    assert await ledger.nets() == {("cash", "USD"): Decimal(6), ("retained", "USD"): Decimal(-6)}
    await ledger.reopen("2025")
    await ledger.reopen("2024")


async def test_nothing_is_closed_behind_a_hard_close(ledger: FiscalLedger) -> None:
    await busy(ledger)
    await ledger.close_days("2025-11-30")
    await ledger.close_days("2025-12-31", soft=True)
    await ledger.close()
    await ledger.close_days("2025-12-31")
    assert await reason(ledger.reopen()) == "PERIOD_CLOSED"
    await ledger.posting.periods.ReopenPeriod(
        periods_pb2.ReopenPeriodRequest(
            journal=ledger.journal, through="2025-11-30", reason="a mistake"
        )
    )
    await ledger.reopen()
    await ledger.close_days("2025-12-31")
    assert await reason(ledger.close()) == "PERIOD_CLOSED"
    checklist = (await ledger.get()).checklist
    assert checklist.refusal_reason == "PERIOD_CLOSED"
    assert [one.net_income for one in checklist.unclosed] == ["-0.25000000", "70.00"]


async def test_retained_earnings(ledger: FiscalLedger) -> None:
    await busy(ledger)
    for account, expected in (
        ("cash", "RETAINED_EARNINGS_INVALID"),
        ("sales", "RETAINED_EARNINGS_INVALID"),
        ("nobody", "ACCOUNT_NOT_FOUND"),
    ):
        assert await reason(ledger.close(retained_earnings_account=account)) == expected
    await ledger.posting.lock("retained")
    locked = await refused(ledger.close())
    assert (locked.reason, locked.facts["account"]) == ("RETAINED_EARNINGS_INVALID", "retained")
    other = accounts_pb2.NewAccount(code="other", normal_side=CREDIT, account_sets=["3"])
    await ledger.posting.accounts.CreateAccount(
        accounts_pb2.CreateAccountRequest(journal=ledger.journal, account=other)
    )
    done = await ledger.close(retained_earnings_account="other")
    assert done.year.retained_earnings_account_code == "other"
    assert (await ledger.nets("2025-12-31"))["other", "USD"] == -70


async def test_locked_and_closed_accounts_do_not_stop_a_close(ledger: FiscalLedger) -> None:
    """An account that came to zero a year later, and was closed then, still had a result."""
    await busy(ledger)
    await ledger.post("cash", "rent", "30.00 USD", "2026-01-02")
    await ledger.posting.lock("sales")
    await ledger.posting.accounts.CloseAccount(
        accounts_pb2.CloseAccountRequest(journal=ledger.journal, account="rent")
    )
    await ledger.close()
    assert ("rent", "USD") not in await ledger.nets("2025-12-31")
    await ledger.close("2026")
    assert {account for account, _ in await ledger.nets()} == {"cash", "retained"}
    await ledger.reopen("2026")
    await ledger.reopen("2025")


async def test_limits_do_not_stop_a_close(ledger: FiscalLedger, dsn: str) -> None:
    """Nor a reopening; the same entries as a posting are refused."""
    await busy(ledger)
    await ledger.post("cash", "retained", "50.00 USD", "2025-01-01")
    standing = limits_pb2.Limit(
        code="MIN", currency="USD", standing=limits_pb2.StandingLimit(available_min="100")
    )
    velocity = limits_pb2.VelocityLimit(
        amount_max="1",
        direction=DEBIT,
        measure=limits_pb2.VELOCITY_MEASURE_GROSS,
        window=limits_pb2.VELOCITY_WINDOW_LIFE,
    )
    moving = limits_pb2.Limit(code="MAX", currency="USD", velocity=velocity)
    for limit, account in ((standing, "sales"), (moving, "sales"), (moving, "retained")):
        if account == "sales":
            await ledger.posting.limits.CreateLimit(
                limits_pb2.CreateLimitRequest(journal=ledger.journal, limit=limit)
            )
        await ledger.posting.limits.AttachLimit(
            limits_pb2.AttachLimitRequest(journal=ledger.journal, limit=limit.code, account=account)
        )
    by_hand = ledger.post("sales", "retained", "100.00 USD", "2025-12-31")
    assert await reason(by_hand) == "LIMIT_EXCEEDED"
    await ledger.close()
    assert ("sales", "USD") not in await ledger.nets("2025-12-31")
    await ledger.reopen()
    await check_books(dsn, ledger.journal)


async def test_an_account_in_two_categories_is_named(ledger: FiscalLedger) -> None:
    await busy(ledger)
    change = account_sets_pb2.AddAccountSetMembersRequest(
        journal=ledger.journal, account_set="1", accounts=["sales"]
    )
    await ledger.posting.account_sets.AddAccountSetMembers(change)
    twice = await refused(ledger.close())
    assert (twice.reason, twice.facts["account"]) == ("ACCOUNT_CATEGORY_AMBIGUOUS", "sales")
    checklist = (await ledger.get()).checklist
    assert list(checklist.ambiguous_accounts) == ["sales"]
    assert checklist.refusal_reason == "ACCOUNT_CATEGORY_AMBIGUOUS"


async def test_a_year_without_a_result_is_closed_too(ledger: FiscalLedger) -> None:
    done = await ledger.close()
    assert (done.year.status, list(done.transaction_ids)) == (CLOSED, [])
    assert (await ledger.reopen()).year.status == OPEN


async def test_a_request_happens_once(ledger: FiscalLedger) -> None:
    await busy(ledger)
    calls = [ledger.close(request_id="close") for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert all(answer == answers[0] for answer in answers)
    assert await reason(ledger.close(request_id="close", reason="other")) == "REQUEST_ID_REUSED"
    head = await ledger.posting.head()
    undone = await asyncio.gather(*(ledger.reopen(request_id="reopen") for _ in range(5)))
    assert all(answer == undone[0] for answer in undone)
    assert await ledger.posting.head() == head + 2


async def test_form(ledger: FiscalLedger) -> None:
    assert await reason(ledger.close(reason=" ")) == "FIELD_INVALID"
    assert await reason(ledger.reopen(reason="")) == "FIELD_INVALID"
    for call in (ledger.close, ledger.reopen, ledger.preview, ledger.get):
        assert await reason(call("1999")) == "FISCAL_YEAR_NOT_FOUND"


async def test_what_stands_nowhere_is_named_and_not_closed(ledger: FiscalLedger) -> None:
    await ledger.posting.accounts.CreateAccount(
        accounts_pb2.CreateAccountRequest(
            journal=ledger.journal, account=accounts_pb2.NewAccount(code="tips", normal_side=CREDIT)
        )
    )
    await ledger.post("cash", "tips", "9.00 USD", "2025-03-01")
    await ledger.post("cash", "sales", "1.00 USD", "2025-03-01")
    checklist = (await ledger.get()).checklist
    assert list(checklist.unmapped_accounts) == ["tips"]
    assert [one.net_income for one in checklist.unclosed] == ["1.00"]
    assert list((await ledger.get("2024")).checklist.unmapped_accounts) == []
    await ledger.close()
    assert (await ledger.nets())["tips", "USD"] == -9


async def test_the_checklist_tells_months_and_holds(ledger: FiscalLedger) -> None:
    await ledger.close_days("2025-01-31")
    await ledger.close_days("2025-02-28", soft=True)
    checklist = (await ledger.get()).checklist
    states = [(one.first_day, one.last_day, one.state) for one in checklist.months]
    assert len(states) == 12
    assert states[:3] == [
        ("2025-01-01", "2025-01-31", pb.DAY_STATE_CLOSED),
        ("2025-02-01", "2025-02-28", pb.DAY_STATE_LOCKED),
        ("2025-03-01", "2025-03-31", pb.DAY_STATE_OPEN),
    ]
    assert (checklist.next_month_end, checklist.open_hold_count) == ("2025-03-31", 0)
    assert checklist.refusal == ""


async def test_no_chart_no_close(running: Serving) -> None:
    posting: PostingLedger = running.ledger.of("bare")
    await posting.open("cash", "retained")
    ledger = FiscalLedger(posting)
    await ledger.open_years("2025")
    bare = await refused(ledger.close())
    assert (bare.reason, "import" in bare.facts["problem"]) == ("FISCAL_YEAR_STATE", False)
