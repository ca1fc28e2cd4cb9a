"""The domain events of a bank's module as a feed."""

import dataclasses
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final, TypeAlias

import grpc

from bank_proto.events.v1 import cursors_pb2, domain_events_pb2
from bank_proto.events.v1.cursors_pb2_grpc import DomainEventCursorServiceStub
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from ledger_client import errors
from ledger_client.banking.publishing.envelope import headers_of
from ledger_client.publish import reference
from ledger_client.publish.message import Message
from ledger_client.publish.target import Origin

#: The `ErrorInfo.domain` of a bank.
DOMAIN: Final = "bank.v1"
#: Bound of one call.
CALL_SECONDS: Final = 10.0

#: Who calls may not, and no waiting will change that: not as with a ledger, whose callers have no
#: permissions.
_DENIED: Final = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)

#: Makes the metadata of a call: who calls.
Credentials: TypeAlias = Callable[[], Sequence[tuple[str, str]]]


@dataclasses.dataclass(frozen=True, slots=True)
class DomainEvent:
    """One domain event."""

    #: As the contract has it.
    message: domain_events_pb2.DomainEvent

    @property
    def sequence(self) -> int:
        """Place among the events of the module and the tenant."""
        return self.message.sequence

    @property
    def type(self) -> str:
        """Such as `core.deposit.deposit-initialized`."""
        return self.message.event_type


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DomainEventBatch:
    """Some domain events in order; none in a heartbeat."""

    events: tuple[DomainEvent, ...]
    #: Everything up to here was sent, or not asked for.
    position: int
    #: Sequence of the module's last event.
    head_sequence: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DomainEventHolding:
    """A cursor in one's hands."""

    #: Every event up to here was handled.
    position: int
    #: Names this holding.
    token: int


def type_prefix(module: str) -> str:
    """Return what all types of a module begin with: `core.deposit.`."""
    return "governance." if module == "governance" else f"core.{module}."


class DomainEventFeed:
    """The domain events of one module for one tenant, and its cursors, which the module keeps."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        module: str,
        tenant: str,
        *,
        credentials: Credentials,
        types: tuple[str, ...] = (),
    ) -> None:
        """Nothing is sent yet.

        Args:
            channel: to where the module runs; it stays the caller's.
            module: such as `deposit`.
            tenant: code of the journal that is the tenant.
            credentials: makes the metadata of each call, with `authorization`. Its subject needs
                the permission sets `events_viewer` and `events_publisher`.
            types: only events of these types; empty for all.
        """
        self._module = module
        self._tenant = tenant
        self._credentials = credentials
        self._types = types
        self._events: Any = DomainEventServiceStub(channel)
        self._cursors: Any = DomainEventCursorServiceStub(channel)

    @property
    def name(self) -> str:
        """Module and tenant."""
        return f"{self._module} of {self._tenant}"

    @property
    def known_head(self) -> int:
        """Not known before the first batch."""
        return 0

    def origin(self, publisher: str) -> Origin:
        """Return as whom a publisher appears to brokers."""
        return Origin(self._tenant, publisher, system=f"bank.{self._module}")

    async def head(self) -> int:
        """Return the sequence of the last event."""
        request = domain_events_pb2.ListEventsRequest(
            tenant=self._tenant, module=self._module, page_size=1
        )
        head: int = (await self._call(self._events.ListEvents, request)).head_sequence
        return head

    async def batches(self, after: int) -> AsyncGenerator[DomainEventBatch, None]:
        """Follow the module's events after a position."""
        request = domain_events_pb2.StreamEventsRequest(
            tenant=self._tenant,
            module=self._module,
            after_sequence=after,
            event_types=self._types,
        )
        stream = self._events.StreamEvents(request, metadata=self._metadata())
        try:
            async for response in stream:
                yield DomainEventBatch(
                    events=tuple(map(DomainEvent, response.events)),
                    position=response.position,
                    head_sequence=response.head_sequence,
                )
        except grpc.aio.AioRpcError as failure:
            raise _error(failure) from None
        finally:
            stream.cancel()
        # So a server ends it that stops.
        raise errors.UnavailableError(
            grpc.StatusCode.UNAVAILABLE.name,
            f"the stream of {self.name} was ended",
            status=grpc.StatusCode.UNAVAILABLE,
        )

    async def acquire_cursor(
        self, name: str, *, holder: str, lease_seconds: int
    ) -> DomainEventHolding:
        """Take a cursor, made at 0 if there is none."""
        request = cursors_pb2.AcquireCursorRequest(
            tenant=self._tenant,
            module=self._module,
            name=name,
            holder=holder,
            lease_seconds=lease_seconds,
        )
        held = await self._call(self._cursors.AcquireCursor, request)
        return DomainEventHolding(position=held.cursor.position, token=held.token)

    async def advance_cursor(
        self, name: str, *, token: int, position: int, lease_seconds: int
    ) -> None:
        """Note a position and renew the lease."""
        request = cursors_pb2.AdvanceCursorRequest(
            tenant=self._tenant,
            module=self._module,
            name=name,
            token=token,
            position=position,
            lease_seconds=lease_seconds,
        )
        await self._call(self._cursors.AdvanceCursor, request)

    async def release_cursor(self, name: str, *, token: int) -> None:
        """Give a cursor back."""
        request = cursors_pb2.ReleaseCursorRequest(
            tenant=self._tenant, module=self._module, name=name, token=token
        )
        await self._call(self._cursors.ReleaseCursor, request)

    def reference_of_event(self, event: DomainEvent, problem: str) -> Message:
        """Return what takes the place of an event that has no form in its envelope."""
        message = Message(
            id=event.message.id,
            type=event.type,
            sequence=event.sequence,
            body=b"",
            content_type="",
            headers=headers_of(event.message),
        )
        return self.reference_of_message(message, problem)

    def reference_of_message(self, message: Message, problem: str) -> Message:
        """Return what takes the place of a message that the broker cannot carry."""
        place = {"tenant": self._tenant, "module": self._module}
        return reference.reference(message, place, problem)

    async def _call(self, method: Any, request: Any) -> Any:
        try:
            return await method(request, metadata=self._metadata(), timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as failure:
            raise _error(failure) from None

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._credentials())


def _error(failure: grpc.aio.AioRpcError) -> errors.LedgerError:
    error = errors.from_call(failure, domain=DOMAIN)
    if error.status not in _DENIED:
        return error
    return errors.RefusedError(error.reason, error.message, error.facts, error.status)
