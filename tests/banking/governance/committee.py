"""A bank with governance alone, and what its tests ask of it."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from bank_proto.governance.v1 import governance_pb2 as pb
from bank_proto.governance.v1.governance_pb2_grpc import GovernanceServiceStub
from tests.banking.bank import TestBank, bank_in_process


class Governance:
    """Calls in the name of any user."""

    def __init__(self, bank: TestBank) -> None:
        self.bank = bank
        self.stub: Any = GovernanceServiceStub(bank.channel)

    async def ask(self, rpc: str, *, by: uuid.UUID | None = None, **fields: Any) -> Any:
        """Return what an RPC answers; `by` None is the bank's caller."""
        method = getattr(self.stub, rpc)
        request = getattr(pb, f"{rpc}Request")(**fields)
        return await self.bank.call(method, request, token=str(by) if by else None)

    async def refused(self, rpc: str, **asked: Any) -> str:
        """Return the reason for which an RPC is refused, with the field if it names one."""
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await self.ask(rpc, **asked)
        error: Any = refusal.value
        status = rpc_status.from_call(error)
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info)
        return " ".join(filter(None, (info.reason, info.metadata.get("field"))))

    async def committee(self, *members: uuid.UUID, name: str = "") -> pb.Committee:
        answer = await self.ask("CreateCommittee", name=name or f"Committee {uuid.uuid4()}")
        for member in members:
            answer = await self.ask(
                "AddMember", committee_id=answer.committee.id, user_id=str(member)
            )
        committee: pb.Committee = answer.committee
        return committee

    async def policy(self, committee: pb.Committee, threshold: int, **options: Any) -> str:
        """Set a policy for a type of process of its own; return the type."""
        process_type = f"t{uuid.uuid4().hex}"
        rules = pb.Rules(
            kind=pb.RULE_KIND_COMMITTEE, committee_id=committee.id, threshold=threshold, **options
        )
        await self.ask("SetPolicy", process_type=process_type, rules=rules)
        return process_type

    async def start(
        self, process_type: str, *, initiator: str = "system:deposit", process_id: str = ""
    ) -> pb.Process:
        answer = await self.ask(
            "StartProcess",
            process_id=process_id or str(uuid.uuid4()),
            process_type=process_type,
            target_ref="withdrawal 7",
            initiator=initiator,
        )
        process: pb.Process = answer.process
        return process

    async def process(self, process: pb.Process) -> pb.Process:
        answer = await self.ask("GetProcess", process_id=process.id)
        found: pb.Process = answer.process
        return found

    async def events(self, about: str) -> list[tuple[str, dict[str, Any]]]:
        """Return type and payload of each event about an entity."""
        return [
            (event.event_type, event.payload)
            for event in await self.bank.events("governance")
            if str(event.aggregate_id) == about
        ]


@contextlib.asynccontextmanager
async def governance_in_process(ledger_dsn: str, bank_dsn: str) -> AsyncIterator[Governance]:
    async with bank_in_process(ledger_dsn, bank_dsn, "governance") as bank:
        yield Governance(bank)
