"""`DomainEventService`: the domain events of all modules that run here."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from bank_proto.events.v1 import domain_events_pb2 as pb
from ledger_client.banking.foundation import outbox
from ledger_client.banking.foundation.database import Connection, ModuleDatabase
from ledger_client.banking.foundation.event_messages import message_of
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.fields import module_of, number_of, whole_page_size_of
from ledger_client.banking.foundation.outbox import OutboxHeads
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.request_errors import PositionUnavailableError
from ledger_client.banking.foundation.serving import Call, Serving
from ledger_client.banking.foundation.statuses import streaming, unary
from ledger_client.banking.foundation.unit import Unit

_log: Final = logging.getLogger(__name__)

SERVICE: Final = "bank.events.v1.DomainEventService"
_STREAM: Final = f"{SERVICE}/StreamEvents"
_LIST: Final = f"{SERVICE}/ListEvents"
PERMISSIONS: Final[Mapping[str, Permission]] = {
    _STREAM: Permission("events_viewer", "bank/events", "bank:events:stream"),
    _LIST: Permission("events_viewer", "bank/events", "bank:events:list"),
}

#: How long what the gate said holds for an open stream; then it is asked before more is read.
ASK_AGAIN_SECONDS: Final = 5.0
HEARTBEAT_SECONDS_DEFAULT: Final = 5
HEARTBEAT_SECONDS_MAX: Final = 60


class DomainEventHandlers:
    """The service's methods, for gRPC."""

    def __init__(
        self,
        servings: Mapping[str, Serving],
        databases: Mapping[str, ModuleDatabase],
        heads: Mapping[str, OutboxHeads],
    ) -> None:
        """Serve modules, by name."""
        self._servings = servings
        self._databases = databases
        self._heads = heads
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End all streams; their readers go on elsewhere from where they are."""
        self._stopping.set()

    def handlers(self) -> dict[str, Any]:
        """Return a gRPC handler for each method."""
        return {
            "StreamEvents": streaming(_STREAM, pb.StreamEventsRequest, self._stream),
            "ListEvents": unary(_LIST, pb.ListEventsRequest, self._list),
        }

    async def _list(self, request: pb.ListEventsRequest, context: Any) -> Any:
        serving = module_of(self._servings, request.module)

        async def page(unit: Unit) -> pb.ListEventsResponse:
            size = whole_page_size_of(request.page_size)
            head = await self._head(unit, request.after_sequence)
            events = await outbox.read(
                unit.connection, request.tenant, request.after_sequence, head, size
            )
            position = events[-1].sequence if events else head
            return pb.ListEventsResponse(
                events=_messages(events, request.event_types),
                position=position,
                head_sequence=head,
            )

        return await serving.query(Call(_LIST, PERMISSIONS[_LIST], request, context), page)

    async def _stream(self, request: pb.StreamEventsRequest, context: Any) -> None:
        serving = module_of(self._servings, request.module)
        call = Call(_STREAM, PERMISSIONS[_STREAM], request, context)
        subject, heartbeat = "", 0

        async def begin(unit: Unit) -> None:
            nonlocal subject, heartbeat
            subject = unit.cause.subject
            heartbeat = _heartbeat(request.heartbeat_seconds)
            await self._head(unit, request.after_sequence)

        async def ask_again() -> None:
            # A module's permissions are the code's, and its credentials end long before it.
            if not subject.startswith("system:"):
                await serving.go_on(call, _go_on)

        await serving.query(call, begin)
        await self._send(request, heartbeat, context, ask_again)

    async def _send(
        self,
        request: pb.StreamEventsRequest,
        heartbeat: int,
        context: Any,
        ask_again: Callable[[], Awaitable[None]],
    ) -> None:
        """Send what there is, then wait for more, until the caller or the server ends it."""
        position = request.after_sequence
        database, heads = self._databases[request.module], self._heads[request.module]
        head = position
        asked_at = time.monotonic()
        while not self._stopping.is_set():
            if time.monotonic() - asked_at >= ASK_AGAIN_SECONDS:
                await ask_again()
                asked_at = time.monotonic()
            # There are no gaps, so what can be read is all there is up to its last.
            events = await outbox.read_on(database, request.tenant, position)
            if events:
                position = events[-1].sequence
                head = max(head, position)
                await context.write(
                    pb.StreamEventsResponse(
                        events=_messages(events, request.event_types),
                        position=position,
                        head_sequence=head,
                    )
                )
                continue
            head = await heads.after(request.tenant, position, heartbeat)
            if head <= position:
                await context.write(
                    pb.StreamEventsResponse(position=position, head_sequence=position)
                )

    async def _head(self, unit: Unit, after: int) -> int:
        head = await outbox.head(unit.connection, unit.tenant)
        if not 0 <= after <= head:
            raise PositionUnavailableError(after, head)
        return head


async def _go_on(_connection: Connection, _subject: str) -> None:
    """Do nothing more: that the caller may is all that is asked."""


def _heartbeat(seconds: int) -> int:
    return number_of(
        "heartbeat_seconds",
        seconds,
        default=HEARTBEAT_SECONDS_DEFAULT,
        number_max=HEARTBEAT_SECONDS_MAX,
    )


def _messages(events: Sequence[Envelope], types: Sequence[str]) -> list[pb.DomainEvent]:
    wanted = set(types)
    return [message_of(event) for event in events if not wanted or event.event_type in wanted]
