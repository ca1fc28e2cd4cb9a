"""A bank with deposits and all that they ask, and what tests ask of it."""

import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from bank_proto.customer.v1 import customers_pb2
from bank_proto.customer.v1.customers_pb2_grpc import CustomerServiceStub
from bank_proto.deposit.v1 import deposit_pb2 as pb
from bank_proto.deposit.v1.deposit_pb2_grpc import DepositServiceStub
from bank_proto.governance.v1 import governance_pb2
from bank_proto.governance.v1.governance_pb2_grpc import GovernanceServiceStub
from bank_proto.operations.v1 import operations_pb2
from bank_proto.operations.v1.operations_pb2_grpc import OperationsServiceStub
from tests.banking.bank import TENANT, TestBank, bank_in_process, eventually

#: Nobody answers there: governance does without the events of access.
NOWHERE = {"access": "127.0.0.1:9"}
MODULES = ("time", "governance", "customer", "deposit")


@dataclasses.dataclass(frozen=True)
class Refused:
    """How a call was refused."""

    reason: str
    facts: dict[str, str]


class Teller:
    """Calls of the module's API, and of those that it depends on."""

    def __init__(self, bank: TestBank, others: grpc.aio.Channel | None = None) -> None:
        """Call a bank; `others` leads to the other modules where they run elsewhere."""
        self.bank = bank
        self.stub: Any = DepositServiceStub(bank.channel)
        self.customers: Any = CustomerServiceStub(others or bank.channel)
        self.governance: Any = GovernanceServiceStub(others or bank.channel)

    async def ask(self, rpc: str, **fields: Any) -> Any:
        """Return what an RPC of the module answers."""
        request = getattr(pb, f"{rpc}Request")(**fields)
        return await self.bank.call(getattr(self.stub, rpc), request)

    async def refused(self, rpc: str, **fields: Any) -> Refused:
        """Return how an RPC is refused, which it must be."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.ask(rpc, **fields)
        error: Any = caught.value
        status = rpc_status.from_call(error)
        assert status is not None, str(error)
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info)
        return Refused(info.reason, dict(info.metadata))

    async def set(self, module: str, name: str, value: str) -> None:
        request = operations_pb2.UpdateSettingRequest(module=module, name=name, value=value)
        await self.bank.call(OperationsServiceStub(self.bank.channel).UpdateSetting, request)

    async def customer(self, kind: int = customers_pb2.CUSTOMER_TYPE_INDIVIDUAL) -> str:
        """Make a customer, who is verified; return the id."""
        request = customers_pb2.CreateCustomerRequest(
            email=f"{uuid.uuid4().hex}@example.org",
            customer_type=customers_pb2.CustomerType.ValueType(kind),
        )
        created = await self.bank.call(self.customers.CreateCustomer, request)
        customer_id: str = created.customer.id
        await self.verify(customer_id)
        return customer_id

    async def verify(self, customer_id: str, *, verified: bool = True) -> None:
        """Decide about a customer's identity by hand."""
        decision, level = (
            (customers_pb2.KYC_VERIFICATION_VERIFIED, customers_pb2.KYC_LEVEL_BASIC)
            if verified
            else (customers_pb2.KYC_VERIFICATION_REJECTED, customers_pb2.KYC_LEVEL_UNSPECIFIED)
        )
        request = customers_pb2.SetKycVerificationRequest(
            customer_id=customer_id, kyc_verification=decision, kyc_level=level
        )
        await self.bank.call(self.customers.SetKycVerification, request)

    async def account(self, customer_id: str = "", *, balance: str = "") -> str:
        """Open an account, of a customer of its own if none is given; return its id."""
        opened = await self.ask("CreateAccount", customer_id=customer_id or await self.customer())
        account_id: str = opened.account.id
        if balance:
            await self.ask("RecordDeposit", account_id=account_id, amount=balance)
        return account_id

    async def withdrawal(self, account_id: str, amount: str) -> str:
        """Ask for money; return the id once an approval process waits for votes."""
        asked = await self.ask("InitiateWithdrawal", account_id=account_id, amount=amount)
        withdrawal_id: str = asked.withdrawal.id

        async def is_waiting() -> bool:
            request = governance_pb2.GetProcessRequest(process_id=withdrawal_id)
            try:
                await self.bank.call(self.governance.GetProcess, request)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    return False
                raise
            return True

        await eventually(is_waiting)
        return withdrawal_id

    async def vote(self, withdrawal_id: str, reason: str = "") -> None:
        """Approve a withdrawal, or deny it for a reason."""
        if reason:
            deny = governance_pb2.DenyRequest(process_id=withdrawal_id, reason=reason)
            await self.bank.call(self.governance.Deny, deny)
        else:
            approve = governance_pb2.ApproveRequest(process_id=withdrawal_id)
            await self.bank.call(self.governance.Approve, approve)

    async def reaches(self, withdrawal_id: str, *statuses: int) -> pb.Withdrawal:
        """Return a withdrawal once it stands so."""

        async def stands() -> Any:
            found = (await self.ask("GetWithdrawal", withdrawal_id=withdrawal_id)).withdrawal
            return found if found.status in statuses else None

        withdrawal: pb.Withdrawal = await eventually(stands)
        return withdrawal

    async def account_reaches(self, account_id: str, status: int) -> pb.DepositAccount:
        async def stands() -> Any:
            found = (await self.ask("GetAccount", account_id=account_id)).account
            return found if found.status == status else None

        account: pb.DepositAccount = await eventually(stands)
        return account

    async def balance(self, account_id: str) -> tuple[str, str, str]:
        """Return what is settled, held and available."""
        balance = (await self.ask("GetAccount", account_id=account_id)).balance
        return balance.settled, balance.pending_withdrawals, balance.available

    async def told(self, about: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the domain events about something: the name without its prefix, and payload."""
        found: list[tuple[str, dict[str, Any]]] = []
        after = 0
        while page := await self.bank.events("deposit", after):
            after = page[-1].sequence
            found += [
                (event.event_type.removeprefix("core.deposit."), event.payload)
                for event in page
                if str(event.aggregate_id) == about
            ]
        return found

    async def tells(self, about: str, *names: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the domain events about something once they are these, in this order."""

        async def complete() -> Any:
            told = await self.told(about)
            return told if [name for name, _ in told] == list(names) else None

        told: list[tuple[str, dict[str, Any]]] = await eventually(complete)
        return told

    async def books_balance(self) -> None:
        """See that what the bank owes its depositors is what it has of them."""
        chart = await self.bank.ledger.get_chart(TENANT)
        assert not [one for one in chart.unmapped if one.code.startswith("deposit")]
        owed, owned = Decimal(0), Decimal(0)
        async for balance in self.bank.ledger.list_balances(TENANT):
            if balance.account_code.startswith("deposit:"):
                owed += balance.settled.net
            elif balance.account_code.startswith("deposit-omnibus:"):
                owned += balance.settled.net
        assert owed == owned


@contextlib.asynccontextmanager
async def deposits_in_process(
    ledger_dsn: str, bank_dsn: str, *, needs_votes: bool = True
) -> AsyncIterator[Teller]:
    """Run a bank; withdrawals wait for the vote of its caller, or are approved at once."""
    async with bank_in_process(ledger_dsn, bank_dsn, *MODULES, addresses=NOWHERE) as bank:
        teller = Teller(bank)
        await teller.set("customer", "allow_manual_kyc", "true")
        if needs_votes:
            committee = await bank.call(
                teller.governance.CreateCommittee,
                governance_pb2.CreateCommitteeRequest(name=f"withdrawals {uuid.uuid4()}"),
            )
            await bank.call(
                teller.governance.AddMember,
                governance_pb2.AddMemberRequest(
                    committee_id=committee.committee.id, user_id=str(bank.user)
                ),
            )
            rules = governance_pb2.Rules(
                kind=governance_pb2.RULE_KIND_COMMITTEE,
                committee_id=committee.committee.id,
                threshold=1,
            )
            await bank.call(
                teller.governance.SetPolicy,
                governance_pb2.SetPolicyRequest(process_type="withdraw", rules=rules),
            )
        yield teller
