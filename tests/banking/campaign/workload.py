"""What many callers of a bank do at once: `python -m tests.banking.campaign.workload`.

Every call is sent again, with its request id, until it is answered or refused for good, as a
service that uses the bank would do. The last line printed is JSON: what the callers were told.
"""

import argparse
import asyncio
import collections
import itertools
import json
import random
import uuid
from collections.abc import Sequence
from typing import Any

import grpc

from bank_proto.access.v1 import access_pb2 as access
from bank_proto.access.v1.access_pb2_grpc import AccessServiceStub
from bank_proto.customer.v1 import customers_pb2 as customers
from bank_proto.customer.v1.customers_pb2_grpc import CustomerServiceStub
from bank_proto.deposit.v1 import deposit_pb2 as deposits
from bank_proto.deposit.v1.deposit_pb2_grpc import DepositServiceStub
from bank_proto.governance.v1 import governance_pb2 as governance
from bank_proto.governance.v1.governance_pb2_grpc import GovernanceServiceStub
from bank_proto.operations.v1 import operations_pb2 as operations
from bank_proto.operations.v1.operations_pb2_grpc import OperationsServiceStub

#: After these nobody knows whether it happened: the same is sent again.
PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
}
CALLERS = 24
GIVE_UP_SECONDS = 240.0


class Caller:
    """Calls whichever instance answers."""

    def __init__(self, addresses: Sequence[str], tenant: str, token: str) -> None:
        self._channels = [grpc.aio.insecure_channel(address) for address in addresses]
        self._turn = itertools.cycle(self._channels)
        self._tenant = tenant
        self._metadata = (("authorization", f"Bearer {token}"),)
        self.retries = 0

    async def call(self, stub: Any, method: str, request: Any) -> Any:
        """Send a request until it is answered; None if it is refused."""
        request.tenant = self._tenant
        if hasattr(request, "request_id") and not request.request_id:
            request.request_id = str(uuid.uuid4())
        deadline = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
        while True:
            send = getattr(stub(next(self._turn)), method)
            try:
                return await send(request, metadata=self._metadata, timeout=15)
            except grpc.aio.AioRpcError as error:
                if error.code() in {
                    grpc.StatusCode.FAILED_PRECONDITION,
                    grpc.StatusCode.INVALID_ARGUMENT,
                }:
                    return None
                if error.code() not in PASSING or asyncio.get_running_loop().time() > deadline:
                    raise
            self.retries += 1
            await asyncio.sleep(random.uniform(0.05, 0.4))


class Workload:
    """Deposits and withdrawals of many customers."""

    def __init__(self, caller: Caller, seed: int) -> None:
        self._caller = caller
        self._random = random.Random(seed)
        self.accounts: list[str] = []
        self.counts: collections.Counter[str] = collections.Counter()

    async def prepare(self, count: int) -> None:
        """Open an account for each of so many customers."""
        setting = operations.UpdateSettingRequest(
            module="customer", name="require_verified_for_accounts", value="false"
        )
        await self._caller.call(OperationsServiceStub, "UpdateSetting", setting)
        # Half of the withdrawals wait for a vote: whoever asks is the only member.
        me = await self._caller.call(AccessServiceStub, "WhoAmI", access.WhoAmIRequest())
        committee = await self._caller.call(
            GovernanceServiceStub,
            "CreateCommittee",
            governance.CreateCommitteeRequest(name=f"withdrawals {self._random.random()}"),
        )
        await self._caller.call(
            GovernanceServiceStub,
            "AddMember",
            governance.AddMemberRequest(
                committee_id=committee.committee.id, user_id=me.subject.removeprefix("user:")
            ),
        )
        rules = governance.Rules(
            kind=governance.RULE_KIND_COMMITTEE, committee_id=committee.committee.id, threshold=1
        )
        policy = governance.SetPolicyRequest(process_type="withdraw", rules=rules)
        await self._caller.call(GovernanceServiceStub, "SetPolicy", policy)
        gate = asyncio.Semaphore(CALLERS)

        async def open_account(number: int) -> str:
            async with gate:
                kind = customers.CustomerType.values()[1 + number % 7]
                created = await self._caller.call(
                    CustomerServiceStub,
                    "CreateCustomer",
                    customers.CreateCustomerRequest(
                        email=f"c{number}.{uuid.uuid4().hex[:8]}@example.org", customer_type=kind
                    ),
                )
                request = deposits.CreateAccountRequest(customer_id=created.customer.id)
                opened = await self._caller.call(DepositServiceStub, "CreateAccount", request)
                account: str = opened.account.id
                return account

        self.accounts = list(await asyncio.gather(*map(open_account, range(count))))

    async def run(self, count: int) -> None:
        """Carry so many operations out, some at a time."""
        numbers = iter(range(count))

        async def work() -> None:
            for _ in numbers:
                await self._one()

        await asyncio.gather(*(work() for _ in range(CALLERS)))

    async def _one(self) -> None:
        account = self._random.choice(self.accounts)
        amount = f"{self._random.randint(1, 20_000) / 100:.2f}"
        if self._random.random() < 0.6:
            await self._deposit(account, amount)
        else:
            await self._withdraw(account, amount)

    async def _deposit(self, account: str, amount: str) -> None:
        request = deposits.RecordDepositRequest(account_id=account, amount=amount)
        answer = await self._caller.call(DepositServiceStub, "RecordDeposit", request)
        self.counts["deposit" if answer else "deposit refused"] += 1
        if answer and self._random.random() < 0.1:
            revert = deposits.RevertDepositRequest(deposit_id=answer.deposit.id)
            answer = await self._caller.call(DepositServiceStub, "RevertDeposit", revert)
            self.counts["reversal" if answer else "reversal refused"] += 1

    async def _withdraw(self, account: str, amount: str) -> None:
        request = deposits.InitiateWithdrawalRequest(account_id=account, amount=amount)
        answer = await self._caller.call(DepositServiceStub, "InitiateWithdrawal", request)
        self.counts["withdrawal" if answer else "withdrawal refused"] += 1
        if not answer:
            return
        withdrawal: str = answer.withdrawal.id
        choice = self._random.choice(["approve", "approve", "deny", "cancel", "both", "leave"])
        ends = []
        if choice == "approve":
            ends.append(self._vote(withdrawal, governance.ApproveRequest(process_id=withdrawal)))
        if choice in {"deny", "both"}:
            deny = governance.DenyRequest(process_id=withdrawal, reason="not now")
            ends.append(self._vote(withdrawal, deny))
        if choice in {"cancel", "both"}:
            cancel = deposits.CancelWithdrawalRequest(withdrawal_id=withdrawal)
            ends.append(self._caller.call(DepositServiceStub, "CancelWithdrawal", cancel))
        await asyncio.gather(*ends)
        self.counts[choice] += 1

    async def _vote(self, process: str, request: Any) -> None:
        """Vote once the process is there: it is started after the withdrawal was answered."""
        method = type(request).DESCRIPTOR.name.removesuffix("Request")
        for _ in range(600):
            try:
                await self._caller.call(GovernanceServiceStub, method, request)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                await asyncio.sleep(0.1)
            else:
                return
        raise TimeoutError(f"no approval process {process}")


async def _main(given: argparse.Namespace) -> None:
    caller = Caller(given.banks.split(","), given.tenant, given.token)
    workload = Workload(caller, given.seed)
    await workload.prepare(given.customers)
    print("prepared", flush=True)
    await workload.run(given.operations)
    print(json.dumps({"counts": workload.counts, "retries": caller.retries}), flush=True)


def main() -> None:
    """Run the workload that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--banks", required=True, help="addresses, with commas between")
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--operations", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
