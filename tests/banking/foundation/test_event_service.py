"""Streams of domain events."""

import asyncio

import grpc
import pytest

from bank_proto.events.v1 import domain_events_pb2 as pb
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from ledger_client.banking.foundation import event_service
from ledger_client.banking.foundation.gate import Decision
from ledger_client.banking.foundation.permissions import Permission
from tests.banking.bank import TENANT, OpenGate, bank_in_process


class Door(OpenGate):
    """Is open until it is shut."""

    is_open = True

    async def check(self, token: str, permission: Permission, tenant: str) -> Decision:
        decision = await super().check(token, permission, tenant)
        return Decision(subject=decision.subject, tenant=tenant, is_allowed=self.is_open)


async def test_who_may_no_longer_reads_no_longer(
    ledger_dsn: str, bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_service, "ASK_AGAIN_SECONDS", 0.5)
    door = Door()
    async with bank_in_process(ledger_dsn, bank_dsn, "time", gate=door) as bank:
        stub = DomainEventServiceStub(bank.channel)
        request = pb.StreamEventsRequest(tenant=TENANT, module="time", heartbeat_seconds=1)
        stream = stub.StreamEvents(request, metadata=bank.metadata)
        await stream.read()
        door.is_open = False

        async def read_on() -> None:
            while True:
                await stream.read()

        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await asyncio.wait_for(read_on(), 5)
        assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED
