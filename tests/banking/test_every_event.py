"""Every type of domain event comes out of what people do, in a bank that runs in two hosts."""

import contextlib
import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest

from bank_proto.access.v1 import access_pb2
from bank_proto.customer.v1 import customers_pb2
from bank_proto.deposit.v1 import deposit_pb2
from bank_proto.events.v1.domain_events_pb2 import StreamEventsRequest
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from bank_proto.governance.v1 import governance_pb2
from dev.bank_event_schemas import events_by_module
from ledger_client.banking.foundation import runner
from ledger_client.banking.host import MODULES, running_bank
from tests.banking.access.test_access_api import ADMIN_TOKEN, Caller
from tests.banking.bank import START, TENANT, TestBank, bank_in_process, eventually
from tests.banking.customer.clerk import APPLIED, PROVIDER_SECRET, Clerk
from tests.banking.deposit.teller import Teller
from tests.banking.event_schemas import FOLDER
from tests.banking.governance.committee import Governance
from tests.ports import free_port

DECLARED = {event.TYPE for events in events_by_module().values() for event in events}
#: All but deposit.
OTHERS = tuple(module for module in MODULES if module != "deposit")


@dataclasses.dataclass(frozen=True)
class Staff:
    """Those who do what there is to do, all in the name of the first administrator."""

    admin: Caller
    governance: Governance
    clerk: Clerk
    teller: Teller

    def host_of(self, module: str) -> TestBank:
        return self.teller.bank if module == "deposit" else self.clerk.bank


@contextlib.asynccontextmanager
async def bank_in_two_hosts(ledger_dsn: str, bank_dsn: str, folder: Path) -> AsyncIterator[Staff]:
    """Run deposit by itself, where it asks access and governance over gRPC."""
    address = f"127.0.0.1:{free_port()}"
    options = {
        "admin_token": ADMIN_TOKEN,
        "documents_dir": str(folder),
        "sumsub_secret": PROVIDER_SECRET,
    }
    async with contextlib.AsyncExitStack() as stack:
        bank = await stack.enter_async_context(
            bank_in_process(
                ledger_dsn,
                bank_dsn,
                *OTHERS,
                gate="access",
                options=options,
                addresses={"deposit": address},
            )
        )
        others = dataclasses.replace(bank, token=ADMIN_TOKEN)
        settings = dataclasses.replace(
            bank.settings,
            modules=("deposit",),
            listen=address,
            addresses=dict.fromkeys(OTHERS, bank.bank.address),
        )
        host = await stack.enter_async_context(running_bank(settings))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(host.address))
        deposit = dataclasses.replace(others, bank=host, settings=settings, channel=channel)
        http = await stack.enter_async_context(httpx2.AsyncClient(base_url=bank.bank.http_address))
        yield Staff(
            admin=Caller(others, ADMIN_TOKEN),
            governance=Governance(others),
            clerk=Clerk(others, http),
            teller=Teller(deposit, others.channel),
        )
        assert not host.work.done(), "it works to the end"


async def test_every_event_that_is_declared_is_told(
    ledger_dsn: str, bank_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documented = {path.stem for path in FOLDER.glob("v*/*.json")} - {"envelope"}
    assert documented == DECLARED
    monkeypatch.setattr(runner, "TICK_SECONDS", 0.02)
    async with bank_in_two_hosts(ledger_dsn, bank_dsn, tmp_path) as staff:
        await people_come_and_go(staff)
        customer = await a_customer_is_verified(staff.clerk)
        await documents_are_kept(staff.clerk, customer)
        await money_moves(staff.teller, customer.id)
        await days_end(staff, customer)
        told = {
            each for module in MODULES for each in await types_told(staff.host_of(module), module)
        }
    assert told == DECLARED


async def people_come_and_go(staff: Staff) -> None:
    """A role changes, a user has it and goes, and with the user a member of the committee."""
    admin, governance = staff.admin, staff.governance
    viewer = ["deposit_viewer"]
    role = (
        await admin.send(access_pb2.CreateRoleRequest(name="Clerk", permission_sets=viewer))
    ).role
    other = (await admin.send(access_pb2.CreateRoleRequest(name="Other"))).role
    await admin.send(access_pb2.RenameRoleRequest(role_id=other.id, name="Another"))
    create = access_pb2.CreateUserRequest(email="kim@bank", role_ids=[role.id])
    kim = (await admin.send(create)).user
    await admin.send(access_pb2.AssignRoleRequest(user_id=kim.id, role_id=other.id))
    await admin.send(access_pb2.UnassignRoleRequest(user_id=kim.id, role_id=other.id))
    await the_other_host_asks_access(staff, kim.id, role.id)

    me = (await admin.send(access_pb2.WhoAmIRequest())).user
    committee = await governance.committee(uuid.UUID(me.id), uuid.UUID(kim.id))
    await governance.ask("RenameCommittee", committee_id=committee.id, name="Withdrawals")
    rules = governance_pb2.Rules(
        kind=governance_pb2.RULE_KIND_COMMITTEE, committee_id=committee.id, threshold=1
    )
    await governance.ask("SetPolicy", process_type="withdraw", rules=rules)
    await admin.send(access_pb2.RemoveUserRequest(user_id=kim.id))

    async def has_left() -> bool:
        found = await governance.ask("GetCommittee", committee_id=committee.id)
        return list(found.committee.member_ids) == [me.id]

    await eventually(has_left)


async def the_other_host_asks_access(staff: Staff, user_id: str, role_id: str) -> None:
    """What a user may do at deposit is what access says, from one moment to the next."""
    made = await staff.admin.send(access_pb2.CreateTokenRequest(user_id=user_id))
    host = dataclasses.replace(staff.teller.bank, token=made.secret)
    kim = Teller(host)
    assert not (await kim.ask("ListDeposits")).deposits
    await staff.admin.send(
        access_pb2.RemovePermissionSetsRequest(role_id=role_id, permission_sets=["deposit_viewer"])
    )
    assert (await kim.refused("ListDeposits")).reason == "PERMISSION_DENIED"


async def a_customer_is_verified(clerk: Clerk) -> customers_pb2.Customer:
    customer = await clerk.customer()
    await clerk.ask("UpdateEmail", customer_id=customer.id, email="ann@example.com")
    applicant = uuid.uuid4().hex
    await clerk.ask("StartKyc", customer_id=customer.id, applicant_id=applicant)
    assert (await clerk.tell(applicant=applicant, answer="GREEN")).status == APPLIED
    return customer


async def documents_are_kept(clerk: Clerk, customer: customers_pb2.Customer) -> None:
    document = await clerk.document(customer)
    await clerk.ask("ArchiveDocument", document_id=document.id)
    await clerk.ask("DeleteDocument", document_id=document.id)


async def money_moves(teller: Teller, customer_id: str) -> None:
    """It comes and goes in each way there is; what may not be is refused."""
    account = await teller.account(customer_id)
    money: Any = {"account_id": account, "amount": "100"}
    deposit = (await teller.ask("RecordDeposit", **money)).deposit
    paid, denied, cancelled = [await teller.withdrawal(account, "10") for _ in range(3)]
    await teller.vote(paid)
    await teller.reaches(paid, deposit_pb2.WITHDRAWAL_STATUS_CONFIRMED)
    await teller.vote(denied, "not now")
    await teller.reaches(denied, deposit_pb2.WITHDRAWAL_STATUS_DENIED)
    await teller.ask("CancelWithdrawal", withdrawal_id=cancelled)
    short = await teller.refused("InitiateWithdrawal", account_id=account, amount="90.01")
    assert short.reason == "INSUFFICIENT_FUNDS"
    await teller.ask("RevertWithdrawal", withdrawal_id=paid)
    await teller.ask("FreezeAccount", account_id=account)
    await teller.ask("UnfreezeAccount", account_id=account)
    await teller.ask("RevertDeposit", deposit_id=deposit.id)
    await teller.bank.ledger.close_period(TENANT, START.date(), reason="audit")
    assert (await teller.refused("RecordDeposit", **money)).reason == "LEDGER_REFUSED"
    closed = (await teller.ask("CloseAccount", account_id=account)).account
    assert closed.status == deposit_pb2.ACCOUNT_STATUS_CLOSED


async def days_end(staff: Staff, customer: customers_pb2.Customer) -> None:
    """Two days go by in which nothing is heard of the customer."""
    await staff.clerk.set("inactive_after_days", 1)
    staff.clerk.bank.clock.set(START + dt.timedelta(days=2))

    async def is_inactive() -> bool:
        now = await staff.clerk.now(customer)
        return now.activity == customers_pb2.ACTIVITY_INACTIVE

    await eventually(is_inactive)


async def types_told(bank: TestBank, module: str) -> set[str]:
    """Return the types that a module's stream tells from the first event to the last."""
    last = (await bank.events(module))[-1].sequence
    request = StreamEventsRequest(tenant=TENANT, module=module)
    stream = DomainEventServiceStub(bank.channel).StreamEvents(
        request, metadata=bank.metadata, timeout=30
    )
    types: set[str] = set()
    position = 0
    while position < last:
        answer: Any = await stream.read()
        types |= {event.event_type for event in answer.events}
        position = answer.position
    stream.cancel()
    return types
