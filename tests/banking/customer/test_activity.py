"""Customers fall into classes by their last activity, all of them, at each end of day."""

import datetime as dt
import uuid
from typing import Any

import pytest

from bank_proto.customer.v1 import customers_pb2 as pb
from ledger_client.banking.customer import reactions
from tests.banking.bank import START, eventually
from tests.banking.customer.clerk import Clerk, customers_in_process
from tests.banking.customer.deposit_told import Deposit, deposit_telling

DAY = dt.timedelta(days=1)
UPDATED = "customer-activity-updated"


async def in_class(clerk: Clerk, activity: int) -> set[str]:
    page = await clerk.ask("ListCustomers", activity=activity, page_size=500)
    return {customer.id for customer in page.customers}


async def last_activity(clerk: Clerk, customer: pb.Customer) -> dt.datetime:
    answer = await clerk.ask("GetCustomer", customer_id=customer.id)
    time: dt.datetime = answer.last_activity_time.ToDatetime(tzinfo=dt.UTC)
    return time


async def test_classes_at_the_end_of_each_day(
    ledger_dsn: str, bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "CUSTOMERS_MAX", 2)
    async with (
        deposit_telling() as deposit,
        customers_in_process(ledger_dsn, bank_dsn, deposit=deposit.address) as clerk,
    ):
        # Years would be thousands of ends of day: the bounds of these classes are days.
        await clerk.set("inactive_after_days", 2)
        await clerk.set("suspended_after_days", 4)
        quiet = [await clerk.customer() for _ in range(5)]
        busy = await clerk.customer()
        other = await heard_of_through_an_account(clerk, deposit, busy)
        silent = {customer.id for customer in quiet}
        heard_of = {busy.id, other.id}
        clerk.bank.clock.set(START + DAY * 1.5)
        assert await in_class(clerk, pb.ACTIVITY_ACTIVE) == silent | heard_of
        # The day ends at midnight after two days of silence.
        clerk.bank.clock.set(START + DAY * 3)

        async def inactive() -> bool:
            return await in_class(clerk, pb.ACTIVITY_INACTIVE) == silent

        await eventually(inactive)
        assert await in_class(clerk, pb.ACTIVITY_ACTIVE) == heard_of
        clerk.bank.clock.set(START + DAY * 6)

        async def suspended() -> bool:
            return await in_class(clerk, pb.ACTIVITY_SUSPENDED) == silent

        await eventually(suspended)
        for customer in quiet:
            told = [each for each in await clerk.events(customer.id) if each[0] == UPDATED]
            assert told == [
                (UPDATED, {"id": customer.id, "activity": "inactive"}),
                (UPDATED, {"id": customer.id, "activity": "suspended"}),
            ]
        await heard_of_in_person(clerk, quiet[0])


async def heard_of_through_an_account(
    clerk: Clerk, deposit: Deposit, customer: pb.Customer
) -> pb.Customer:
    """Tell of a customer's account, and of that of another who is returned."""
    account_id = str(uuid.uuid4())
    created = {"id": account_id, "account_holder_id": customer.id}
    moved: dict[str, Any] = {"deposit_account_id": account_id, "amount": 100}
    first, last = START + DAY * 2, START + DAY * 2.1
    await deposit.tell("deposit-account-created", START, **created)
    await deposit.tell("deposit-initialized", first, id=str(uuid.uuid4()), **moved)
    await heard(clerk, customer, first)
    await deposit.tell("withdrawal-confirmed", last, id=str(uuid.uuid4()), **moved)
    await heard(clerk, customer, last)
    # What is told late does not set the clock back; what is no sign of life does not count.
    await deposit.tell("withdrawal-confirmed", START, id=str(uuid.uuid4()), **moved)
    await deposit.tell("deposit-account-frozen", START + DAY * 3, **created)
    # Events are heeded in order: once this one was, those before it were.
    other = await clerk.customer()
    marker = str(uuid.uuid4())
    await deposit.tell("deposit-account-created", START, id=marker, account_holder_id=other.id)
    await deposit.tell(
        "deposit-initialized", last, id=str(uuid.uuid4()), deposit_account_id=marker, amount=1
    )
    await heard(clerk, other, last)
    assert await last_activity(clerk, customer) == last
    return other


async def heard(clerk: Clerk, customer: pb.Customer, at: dt.datetime) -> None:
    async def is_heard() -> bool:
        return await last_activity(clerk, customer) == at

    await eventually(is_heard)


async def heard_of_in_person(clerk: Clerk, customer: pb.Customer) -> None:
    recorded = await clerk.ask(
        "RecordActivity", customer_id=customer.id, note="came to the counter"
    )
    assert recorded.customer.activity == pb.ACTIVITY_ACTIVE
    assert await last_activity(clerk, customer) == clerk.bank.clock.now()
    assert (await clerk.events(customer.id))[-1] == (
        UPDATED,
        {"id": customer.id, "activity": "active"},
    )
