"""Customers beside the real deposit accounts: what the provider says reaches the money."""

import datetime as dt
import uuid

from bank_proto.deposit.v1 import deposit_pb2
from tests.banking.bank import START
from tests.banking.customer.clerk import Clerk, customers_in_process
from tests.banking.customer.test_activity import heard
from tests.banking.deposit.teller import MODULES, Teller


async def test_from_verification_to_a_frozen_account(ledger_dsn: str, bank_dsn: str) -> None:
    async with customers_in_process(ledger_dsn, bank_dsn, *MODULES) as clerk:
        teller = Teller(clerk.bank)
        customer, applicant = await clerk.customer(), uuid.uuid4().hex
        refused = await teller.refused("CreateAccount", customer_id=customer.id)
        assert refused.reason == "CUSTOMER_NOT_ELIGIBLE"
        await clerk.tell(applicant=applicant, externalUserId=customer.id, answer="GREEN")
        account_id = await teller.account(customer.id)
        clerk.bank.clock.set(START + dt.timedelta(hours=1))
        await teller.ask("RecordDeposit", account_id=account_id, amount="12.34")
        await heard(clerk, customer, START + dt.timedelta(hours=1))
        await rejected(clerk, teller, applicant, account_id)


async def rejected(clerk: Clerk, teller: Teller, applicant: str, account_id: str) -> None:
    now = clerk.bank.clock.now()
    await clerk.tell(applicant=applicant, answer="RED", at=now)
    frozen = deposit_pb2.ACCOUNT_STATUS_FROZEN
    await teller.account_reaches(account_id, frozen)
    await clerk.tell(applicant=applicant, answer="GREEN", at=now - dt.timedelta(seconds=1))
    account = (await teller.ask("GetAccount", account_id=account_id)).account
    assert account.status == frozen, "a late word unfreezes nothing"
