"""Deposits over their API: a real ledger, governance and customers in one process."""

import uuid
from typing import Any

from bank_proto.deposit.v1 import deposit_pb2 as pb
from tests.banking.deposit.teller import Teller, deposits_in_process


async def test_a_day_in_the_life(ledger_dsn: str, bank_dsn: str) -> None:
    """Money comes, goes out with approval, and both are taken back; each is an event."""
    async with deposits_in_process(ledger_dsn, bank_dsn) as teller:
        customer = await teller.customer()
        opened = (await teller.ask("CreateAccount", customer_id=customer)).account
        assert opened.status == pb.ACCOUNT_STATUS_ACTIVE
        assert (opened.currency, opened.customer_type) == ("USD", pb.CUSTOMER_TYPE_INDIVIDUAL)
        account = opened.id
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
