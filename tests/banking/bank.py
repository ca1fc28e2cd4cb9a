"""A ledger and a bank in the process, with a clock that tests set."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from bank_proto.events.v1 import domain_events_pb2
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from ledger_client import LedgerClient
from ledger_client.banking.foundation.clock import ManualClock
from ledger_client.banking.foundation.errors import UnauthenticatedError
from ledger_client.banking.foundation.event_messages import envelope_of
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.gate import Decision
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.system_tokens import system_subject
from ledger_client.banking.host import MODULES, Bank, BankSettings, running_bank
from tests.banking.event_schemas import validate_event
from tests.ledger import serving

TENANT = "BANK"
SECRET = b"a secret of the bank in these tests, long enough"
START = dt.datetime(2026, 1, 31, 9, 0, tzinfo=dt.UTC)


class OpenGate:
    """Lets everybody do everything who sends a UUID for a token: it is his user id."""

    async def check(self, token: str, _permission: Permission, tenant: str) -> Decision:
        system = system_subject(token, SECRET)
        if system is not None:
            return Decision(subject=system, tenant="", is_allowed=True)
        try:
            user = uuid.UUID(token)
        except ValueError as error:
            raise UnauthenticatedError("no token") from error
        return Decision(subject=f"user:{user}", tenant=tenant, is_allowed=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TestBank:
    """A bank, the ledger under it, and a caller."""

    __test__ = False

    bank: Bank
    settings: BankSettings
    clock: ManualClock
    channel: grpc.aio.Channel
    ledger: LedgerClient
    #: User id of the caller under `OpenGate`.
    user: uuid.UUID
    #: What the caller sends to another gate.
    token: str = ""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return bearer(self.token or str(self.user))

    async def call(self, method: Any, request: Any, *, token: str | None = None) -> Any:
        """Send a request, with the tenant and a request id where they are missing."""
        if not request.tenant:
            request.tenant = TENANT
        if hasattr(request, "request_id") and not request.request_id:
            request.request_id = str(uuid.uuid4())
        metadata = self.metadata if token is None else bearer(token)
        return await method(request, metadata=metadata, timeout=30)

    async def events(self, module: str, after: int = 0) -> list[Envelope]:
        """Return the domain events of a module, each as its schema says."""
        stub = DomainEventServiceStub(self.channel)
        request = domain_events_pb2.ListEventsRequest(
            module=module, after_sequence=after, page_size=500
        )
        answer = await self.call(stub.ListEvents, request)
        events = [envelope_of(event) for event in answer.events]
        for event in events:
            validate_event(event)
        return events


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@contextlib.asynccontextmanager
async def bank_in_process(
    ledger_dsn: str,
    bank_dsn: str,
    *modules: str,
    gate: Any = None,
    start: dt.datetime = START,
    options: dict[str, str] | None = None,
    tenants: tuple[str, ...] = (TENANT,),
    addresses: dict[str, str] | None = None,
) -> AsyncIterator[TestBank]:
    """Run a ledger and the named modules; `gate` None takes `OpenGate`, "access" the module's."""
    clock = ManualClock(start)
    async with serving(ledger_dsn) as server:
        settings = BankSettings(
            ledger=server.address,
            dsn=bank_dsn,
            secret=SECRET,
            clock=clock,
            tenants=tenants,
            modules=modules,
            # Nobody answers there: what follows those modules waits for them.
            addresses=dict.fromkeys(MODULES, "127.0.0.1:1") | (addresses or {}),
            options=options or {},
        )
        chosen = None if gate == "access" else gate or OpenGate()
        async with (
            running_bank(settings, gate=chosen) as bank,
            grpc.aio.insecure_channel(bank.address) as channel,
            LedgerClient.connect(server.address) as ledger,
        ):
            yield TestBank(
                bank=bank,
                settings=settings,
                clock=clock,
                channel=channel,
                ledger=ledger,
                user=uuid.uuid4(),
            )
            assert not bank.work.done(), "it works to the end"


async def eventually(check: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return what a coroutine gives once it is true."""

    deadline = time.monotonic() + seconds
    while True:
        found = await check()
        if found or time.monotonic() > deadline:
            assert found, "it did not come about"
            return found
        await asyncio.sleep(0.02)
