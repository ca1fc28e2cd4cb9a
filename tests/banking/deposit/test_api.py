"""Deposits over their API: a real ledger, governance and customers in one process."""

import asyncio
import collections
import datetime as dt
import random
import uuid
from typing import Any

import grpc
import pytest

from bank_proto.customer.v1 import customers_pb2
from bank_proto.deposit.v1 import deposit_pb2 as pb
from bank_proto.governance.v1 import governance_pb2
from ledger_client import LedgerError
from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.events import Envelope
from ledger_client.models import AccountStatus, TransactionKind
from tests.banking.bank import TENANT
from tests.banking.deposit.teller import Teller, deposits_in_process


async def test_a_day_in_the_life(ledger_dsn: str, bank_dsn: str) -> None:
    """Money comes, goes out with approval, and both are taken back; each is an event."""
    async with deposits_in_process(ledger_dsn, bank_dsn) as teller:
        customer = await teller.customer()
        opened = (await teller.ask("CreateAccount", customer_id=customer)).account
        assert opened.status == pb.ACCOUNT_STATUS_ACTIVE
        assert (opened.currency, opened.customer_type) == ("USD", pb.CUSTOMER_TYPE_INDIVIDUAL)
        account = opened.id
        company = await teller.account(
            await teller.customer(customers_pb2.CUSTOMER_TYPE_NON_DOMICILED_COMPANY)
        )
        chart = await teller.bank.ledger.get_chart(TENANT)
        places = {one.code: row.node.name for row in chart.rows for one in row.accounts}
        assert places[f"deposit:{account}"] == "Deposits of Individuals"
        assert places[f"deposit:{company}"] == "Deposits of Companies Not Domiciled Here"
        assert await teller.tells(account, "deposit-account-created") == [
            ("deposit-account-created", {"account_holder_id": customer, "id": account})
        ]
        request_id = str(uuid.uuid4())
        salary: Any = {"account_id": account, "amount": "1000.5", "reference": "salary"}
        deposit = (await teller.ask("RecordDeposit", request_id=request_id, **salary)).deposit
        assert (deposit.amount, deposit.status) == ("1000.50", pb.DEPOSIT_STATUS_CONFIRMED)
        again = await teller.ask("RecordDeposit", request_id=request_id, **salary)
        assert again.deposit == deposit, "a repetition posts nothing"
        of_deposit = {"amount": 100050, "deposit_account_id": account, "id": deposit.id}
        assert await teller.told(deposit.id) == [("deposit-initialized", of_deposit)]

        rent = await teller.withdrawal(account, "600")
        assert await teller.balance(account) == ("1000.50", "600.00", "400.50")
        short = await teller.refused("InitiateWithdrawal", account_id=account, amount="400.51")
        assert short.reason == "INSUFFICIENT_FUNDS"
        assert (short.facts["available"], short.facts["amount"]) == ("400.50", "400.51")
        await teller.vote(rent)
        await teller.reaches(rent, pb.WITHDRAWAL_STATUS_CONFIRMED)
        assert await teller.balance(account) == ("400.50", "0.00", "400.50")
        of_rent = {"amount": 60000, "deposit_account_id": account, "id": rent}
        assert await teller.told(rent) == [
            ("withdrawal-initiated", of_rent),
            ("withdrawal-confirmed", of_rent),
        ]
        late = await teller.refused("CancelWithdrawal", withdrawal_id=rent)
        assert (late.reason, late.facts["status"]) == ("WITHDRAWAL_STATE", "confirmed")

        spent_request = str(uuid.uuid4())
        for _ in range(2):
            spent = await teller.refused(
                "RevertDeposit", deposit_id=deposit.id, request_id=spent_request
            )
            assert spent.reason == "INSUFFICIENT_FUNDS", "the money is spent"
        again = await teller.ask("RecordDeposit", request_id=request_id, **salary)
        assert again.deposit == deposit, "what the first request did is not what the second failed"
        back = (await teller.ask("RevertWithdrawal", withdrawal_id=rent)).withdrawal
        assert back.status == pb.WITHDRAWAL_STATUS_REVERTED
        assert await teller.ask("RevertWithdrawal", withdrawal_id=rent)
        gone = (await teller.ask("RevertDeposit", deposit_id=deposit.id)).deposit
        assert gone.status == pb.DEPOSIT_STATUS_REVERTED
        assert await teller.balance(account) == ("0.00", "0.00", "0.00")
        await teller.tells(
            rent, "withdrawal-initiated", "withdrawal-confirmed", "withdrawal-reverted"
        )
        assert (await teller.told(deposit.id))[-1] == ("deposit-reverted", of_deposit)
        await check_history(teller, account, deposit.id, rent)

        closed = (await teller.ask("CloseAccount", account_id=account)).account
        assert closed.status == pb.ACCOUNT_STATUS_CLOSED
        assert (await teller.ask("CloseAccount", account_id=account)).account == closed
        refused = await teller.refused("RecordDeposit", **salary)
        assert (refused.reason, refused.facts["status"]) == ("ACCOUNT_NOT_ACTIVE", "closed")
        assert (await teller.refused("FreezeAccount", account_id=account)).reason == (
            "ACCOUNT_NOT_ACTIVE"
        )
        await teller.books_balance()


async def check_history(teller: Teller, account: str, deposit: str, rent: str) -> None:
    """See that the history shows all of it with the balance after each, in pages too."""
    first = await teller.ask("GetAccountHistory", account_id=account, page_size=3)
    rest = await teller.ask(
        "GetAccountHistory", account_id=account, page_size=3, page_token=first.next_page_token
    )
    assert not rest.next_page_token
    rows = [*first.entries, *rest.entries]
    assert [(row.kind, row.amount, row.balance, row.origin_id) for row in rows] == [
        (pb.HISTORY_KIND_DEPOSIT, "1000.50", "1000.50", deposit),
        (pb.HISTORY_KIND_WITHDRAWAL, "-600.00", "400.50", rent),
        (pb.HISTORY_KIND_WITHDRAWAL_REVERTED, "600.00", "1000.50", rent),
        (pb.HISTORY_KIND_DEPOSIT_REVERTED, "-1000.50", "0.00", deposit),
    ]
    assert {row.effective_date for row in rows} == {"2026-01-31"}
    assert rows[0].reference == "salary"
    empty = await teller.ask("GetAccountHistory", account_id=account, from_date="2026-02-01")
    assert not empty.entries


async def test_frozen_accounts(ledger_dsn: str, bank_dsn: str) -> None:
    """Nothing moves, pending withdrawals can be denied or cancelled, and an approval waits."""
    async with deposits_in_process(ledger_dsn, bank_dsn) as teller:
        customer = await teller.customer()
        account = await teller.account(customer, balance="100")
        approved, denied, cancelled, dropped = [
            await teller.withdrawal(account, "10") for _ in range(4)
        ]
        frozen = await teller.ask("FreezeAccount", account_id=account, reason="court order")
        assert frozen.account.status == pb.ACCOUNT_STATUS_FROZEN
        assert frozen.account.freeze_reasons == [pb.FREEZE_REASON_BY_HAND]
        assert frozen.account.freeze_note == "court order"
        at_ledger = await teller.bank.ledger.get_account(TENANT, f"deposit:{account}")
        assert (at_ledger.status, at_ledger.lock_allows_hold_ends) == (AccountStatus.LOCKED, True)
        for rpc in ("RecordDeposit", "InitiateWithdrawal"):
            refused = await teller.refused(rpc, account_id=account, amount="1")
            assert (refused.reason, refused.facts["status"]) == ("ACCOUNT_NOT_ACTIVE", "frozen")
        assert (await teller.refused("CloseAccount", account_id=account)).reason == (
            "ACCOUNT_NOT_ACTIVE"
        )
        with pytest.raises(LedgerError, match="ACCOUNT_NOT_ACTIVE"):
            await teller.bank.ledger.post(
                TENANT,
                "RECORD_DEPOSIT",
                {
                    "account": f"deposit:{account}",
                    "omnibus": "deposit-omnibus:USD",
                    "amount": "1",
                    "currency": "USD",
                },
            )
        for one in (approved, dropped):
            await teller.vote(one)
            await teller.reaches(one, pb.WITHDRAWAL_STATUS_APPROVED)
        await teller.vote(denied, "not him")
        found = await teller.reaches(denied, pb.WITHDRAWAL_STATUS_DENIED)
        assert found.denied_reason == "not him"
        for one in (cancelled, dropped):
            ended = (await teller.ask("CancelWithdrawal", withdrawal_id=one)).withdrawal
            assert ended.status == pb.WITHDRAWAL_STATUS_CANCELLED
        assert await teller.balance(account) == ("100.00", "10.00", "90.00")
        thawed = (await teller.ask("UnfreezeAccount", account_id=account)).account
        assert (thawed.status, thawed.freeze_note) == (pb.ACCOUNT_STATUS_ACTIVE, "")
        await teller.reaches(approved, pb.WITHDRAWAL_STATUS_CONFIRMED)
        assert await teller.balance(account) == ("90.00", "0.00", "90.00")
        of_account = {"account_holder_id": customer, "id": account}
        names = ("deposit-account-created", "deposit-account-frozen", "deposit-account-unfrozen")
        assert await teller.tells(account, *names) == [(name, of_account) for name in names]
        await teller.tells(denied, "withdrawal-initiated", "withdrawal-denied")
        await teller.tells(dropped, "withdrawal-initiated", "withdrawal-cancelled")
        assert (await teller.refused("CloseAccount", account_id=account)).reason == (
            "ACCOUNT_NOT_EMPTY"
        )
        await kyc_freezes_all(teller, customer, account)
        await teller.books_balance()


async def kyc_freezes_all(teller: Teller, customer: str, first: str) -> None:
    """Who is rejected has every account frozen until verified, but for what is frozen by hand."""
    second = await teller.account(customer, balance="5")
    pending = await teller.withdrawal(first, "20")
    await teller.ask("FreezeAccount", account_id=second)
    await teller.verify(customer, verified=False)
    await teller.account_reaches(first, pb.ACCOUNT_STATUS_FROZEN)
    page = await teller.ask(
        "ListAccounts", customer_id=customer, status=pb.ACCOUNT_STATUS_FROZEN, page_size=1
    )
    assert [one.id for one in page.accounts] == [first]
    assert page.next_page_token
    refused = await teller.refused("CreateAccount", customer_id=customer)
    assert (refused.reason, refused.facts["why"]) == ("CUSTOMER_NOT_ELIGIBLE", "REJECTED")
    by_hand = (await teller.ask("UnfreezeAccount", account_id=first)).account
    assert by_hand.freeze_reasons == [pb.FREEZE_REASON_KYC], "no hand undoes what KYC did"
    found = (await teller.ask("GetWithdrawal", withdrawal_id=pending)).withdrawal
    assert found.status == pb.WITHDRAWAL_STATUS_PENDING_APPROVAL
    await teller.vote(pending, "rejected")
    await teller.reaches(pending, pb.WITHDRAWAL_STATUS_DENIED)
    await teller.verify(customer)
    await teller.account_reaches(first, pb.ACCOUNT_STATUS_ACTIVE)
    left = (await teller.ask("GetAccount", account_id=second)).account
    assert left.freeze_reasons == [pb.FREEZE_REASON_BY_HAND]
    holder = (await teller.ask("FreezeAccountsOfCustomer", customer_id=customer)).holder
    assert list(holder.account_ids) == [first, second]
    await teller.account_reaches(first, pb.ACCOUNT_STATUS_FROZEN)
    await teller.ask("UnfreezeAccountsOfCustomer", customer_id=customer)
    for one in (first, second):
        await teller.account_reaches(one, pb.ACCOUNT_STATUS_ACTIVE)


async def test_what_is_refused_leaves_nothing(ledger_dsn: str, bank_dsn: str) -> None:
    """Every field of every request; the books and the lists are as before."""
    async with deposits_in_process(ledger_dsn, bank_dsn) as teller:
        account = await teller.account(balance="7")
        nobody = str(uuid.uuid4())
        head = (await teller.bank.ledger.get_journal(TENANT)).head_sequence
        money: Any = {"account_id": account, "amount": "1"}
        wrong: list[tuple[str, str, dict[str, Any]]] = [
            ("CreateAccount", "customer_id", {"customer_id": "ann"}),
            ("GetAccount", "account_id", {"account_id": account.replace("-", "")}),
            ("ListAccounts", "customer_id", {"customer_id": "\x00"}),
            ("ListAccounts", "status", {"status": 77}),
            ("ListAccounts", "page_size", {"page_size": -1}),
            ("ListAccounts", "page_token", {"page_token": "next"}),
            ("FreezeAccount", "reason", {"account_id": account, "reason": "a\x00b"}),
            ("FreezeAccount", "reason", {"account_id": account, "reason": "x" * 501}),
            ("FreezeAccountsOfCustomer", "customer_id", {}),
            ("UnfreezeAccountsOfCustomer", "customer_id", {}),
            ("CloseAccount", "request_id", {"account_id": account, "request_id": "1"}),
            ("RecordDeposit", "amount", {**money, "amount": "0.001"}),
            ("RecordDeposit", "amount", {**money, "amount": "NaN"}),
            ("RecordDeposit", "amount", {**money, "amount": "-1"}),
            ("RecordDeposit", "reference", {**money, "reference": "a\nb"}),
            ("InitiateWithdrawal", "amount", {**money, "amount": "0"}),
            ("InitiateWithdrawal", "reference", {**money, "reference": "x" * 256}),
            ("ListDeposits", "status", {"status": -1}),
            ("RevertDeposit", "deposit_id", {"deposit_id": ""}),
            ("ListWithdrawals", "account_id", {"account_id": "x"}),
            ("CancelWithdrawal", "withdrawal_id", {}),
            ("RevertWithdrawal", "withdrawal_id", {"withdrawal_id": "7"}),
            ("GetAccountHistory", "from_date", {"account_id": account, "from_date": "2026-02-30"}),
            ("GetAccountHistory", "page_size", {"account_id": account, "page_size": -1}),
            ("GetAccountHistory", "page_token", {"account_id": account, "page_token": "next"}),
            (
                "GetAccountHistory",
                "to_date",
                {"account_id": account, "from_date": "2026-02-02", "to_date": "2026-02-01"},
            ),
        ]
        for rpc, field, given in wrong:
            refused = await teller.refused(rpc, **given)
            assert (refused.reason, refused.facts["field"]) == ("FIELD_INVALID", field), rpc
        absent: list[tuple[str, dict[str, Any]]] = [
            ("CreateAccount", {"customer_id": nobody}),
            ("GetAccount", {"account_id": nobody}),
            ("UnfreezeAccount", {"account_id": nobody}),
            ("FreezeAccountsOfCustomer", {"customer_id": nobody}),
            ("RecordDeposit", {**money, "account_id": nobody}),
            ("InitiateWithdrawal", {**money, "account_id": nobody}),
            ("GetDeposit", {"deposit_id": account}),
            ("RevertDeposit", {"deposit_id": nobody}),
            ("GetWithdrawal", {"withdrawal_id": nobody}),
            ("CancelWithdrawal", {"withdrawal_id": nobody}),
            ("GetAccountHistory", {"account_id": nobody}),
        ]
        for rpc, given in absent:
            assert (await teller.refused(rpc, **given)).reason == "NOT_FOUND", rpc
        lists = await teller.ask("ListDeposits", account_id=account)
        assert [one.amount for one in lists.deposits] == ["7.00"]
        assert not (await teller.ask("ListWithdrawals", account_id=account)).withdrawals
        assert (await teller.bank.ledger.get_journal(TENANT)).head_sequence == head
        await an_approval_that_cannot_be_asked_for(teller, account)
        await a_posting_that_the_ledger_refuses(teller, account)
        await a_customer_who_is_suspended(teller)


async def an_approval_that_cannot_be_asked_for(teller: Teller, account: str) -> None:
    """Somebody has used the id for another process: the money is given back."""
    request_id = str(uuid.uuid4())
    withdrawal_id = str(derived_id(TENANT, "InitiateWithdrawal", request_id))
    await teller.bank.call(
        teller.governance.StartProcess,
        governance_pb2.StartProcessRequest(
            process_id=withdrawal_id,
            process_type="other",
            target_ref="something else",
            initiator="system:other",
        ),
    )
    await teller.ask("InitiateWithdrawal", account_id=account, amount="1", request_id=request_id)
    denied = await teller.reaches(withdrawal_id, pb.WITHDRAWAL_STATUS_DENIED)
    assert denied.denied_reason.startswith("no approval could be asked for: ALREADY_EXISTS")
    assert await teller.balance(account) == ("7.00", "0.00", "7.00")


async def a_customer_who_is_suspended(teller: Teller) -> None:
    """Has the accounts frozen if the tenant wants it, until active again."""
    await teller.set("customer", "inactive_after_days", "1")
    await teller.set("customer", "suspended_after_days", "2")
    await teller.set("deposit", "freeze_suspended", "true")
    customer = await teller.customer()
    account = await teller.account(customer)
    teller.bank.clock.set(teller.bank.clock.now() + dt.timedelta(days=4))
    frozen = await teller.account_reaches(account, pb.ACCOUNT_STATUS_FROZEN)
    assert frozen.freeze_reasons == [pb.FREEZE_REASON_SUSPENDED]
    active = customers_pb2.RecordActivityRequest(customer_id=customer, note="came in")
    await teller.bank.call(teller.customers.RecordActivity, active)
    await teller.account_reaches(account, pb.ACCOUNT_STATUS_ACTIVE)


async def a_posting_that_the_ledger_refuses(teller: Teller, account: str) -> None:
    """On a closed day: the deposit is refused for good; a denial is asked again the next day."""
    held = await teller.withdrawal(account, "2")
    today = teller.bank.clock.now().date()
    await teller.bank.ledger.close_period(TENANT, today, reason="audit")
    refused = await teller.refused("RecordDeposit", account_id=account, amount="1")
    assert (refused.reason, refused.facts["ledger_reason"]) == ("LEDGER_REFUSED", "PERIOD_CLOSED")
    (lost,) = (
        await teller.ask("ListDeposits", account_id=account, status=pb.DEPOSIT_STATUS_REFUSED)
    ).deposits
    await teller.tells(lost.id, "deposit-refused")
    request_id = str(uuid.uuid4())
    refused = await teller.refused("CancelWithdrawal", withdrawal_id=held, request_id=request_id)
    assert refused.facts["ledger_reason"] == "PERIOD_CLOSED"
    found = (await teller.ask("GetWithdrawal", withdrawal_id=held)).withdrawal
    assert found.status == pb.WITHDRAWAL_STATUS_CANCELLING
    assert found.ledger_refusal.startswith("PERIOD_CLOSED: ")
    teller.bank.clock.set(teller.bank.clock.now() + dt.timedelta(days=1))
    found = await teller.reaches(held, pb.WITHDRAWAL_STATUS_CANCELLED)
    assert not found.ledger_refusal
    again = await teller.ask("CancelWithdrawal", withdrawal_id=held, request_id=request_id)
    assert again.withdrawal == found, "what was refused then is done now"
    # Other tests in this journal begin on that day.
    await teller.bank.ledger.reopen_period(TENANT, None, reason="over")
    assert await teller.balance(account) == ("7.00", "0.00", "7.00")


@pytest.mark.parametrize("count", [25, pytest.param(1000, marks=pytest.mark.nightly)])
async def test_denied_and_cancelled_at_once(ledger_dsn: str, bank_dsn: str, count: int) -> None:
    """However a denial and a cancellation meet, money comes back once."""
    async with deposits_in_process(ledger_dsn, bank_dsn) as teller:
        account = await teller.account(balance=str(count))
        gate = asyncio.Semaphore(8)

        async def race(_number: int) -> int:
            async with gate:
                withdrawal = await teller.withdrawal(account, "1")

                async def cancel() -> str:
                    # Some earlier, some later than the denial arrives by its event.
                    await asyncio.sleep(random.uniform(0, 0.15))
                    try:
                        await teller.ask("CancelWithdrawal", withdrawal_id=withdrawal)
                    except grpc.aio.AioRpcError as error:
                        if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                            return "late"
                        raise
                    return "cancelled"

                _, told = await asyncio.gather(teller.vote(withdrawal, "no"), cancel())
                ended = await teller.reaches(
                    withdrawal, pb.WITHDRAWAL_STATUS_DENIED, pb.WITHDRAWAL_STATUS_CANCELLED
                )
                is_cancelled = ended.status == pb.WITHDRAWAL_STATUS_CANCELLED
                assert is_cancelled == (told == "cancelled")
                return ended.status

        ends = collections.Counter(await asyncio.gather(*map(race, range(count))))
        assert ends.total() == count
        amount = f"{count}.00"
        assert await teller.balance(account) == (amount, "0.00", amount)
        releases = collections.Counter(
            [
                transaction.correlation_id
                async for transaction in teller.bank.ledger.list_transactions(
                    TENANT, account=f"deposit:{account}"
                )
                if transaction.kind is TransactionKind.RELEASE
            ]
        )
        assert len(releases) == count
        assert set(releases.values()) == {1}
        told = [
            event.event_type
            for event in await every_event(teller)
            if event.event_type.endswith(("withdrawal-denied", "withdrawal-cancelled"))
            and event.payload["deposit_account_id"] == account
        ]
        assert len(told) == count
        await teller.books_balance()


async def every_event(teller: Teller) -> list[Envelope]:
    found: list[Envelope] = []
    while page := await teller.bank.events("deposit", found[-1].sequence if found else 0):
        found += page
    return found
