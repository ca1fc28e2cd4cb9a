"""Follows the domain events of another module: each handled once, in order.

The position moves in the transaction of what the handler did. An event that cannot be handled is
tried again, then set aside as a dead letter, so that one event never stops all behind it.
"""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final

import asyncpg
import grpc

from bank_proto.events.v1 import domain_events_pb2 as pb
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from ledger_client.banking.foundation import audit
from ledger_client.banking.foundation.context import Credentials
from ledger_client.banking.foundation.database import CONTENTION, ModuleDatabase
from ledger_client.banking.foundation.dispatcher import Dispatcher
from ledger_client.banking.foundation.errors import ConcurrentChangeError, UnavailableError
from ledger_client.banking.foundation.event_messages import envelope_of
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.own_work import OwnWork
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.taken import Taken
from ledger_client.banking.foundation.unit import Unit

_log: Final = logging.getLogger(__name__)

#: Attempts at an event before it is set aside; those that fail in passing do not count.
ATTEMPTS_MAX: Final = 5
#: Conflicts with others over an event before it counts as one that fails: who is in the way for so
#: long is not others, as when the handler makes something that is there already.
CONFLICTS_MAX: Final = 50
RETRY_SECONDS: Final = 0.2
RECONNECT_SECONDS: Final = 1.0
#: Silence after which a stream is given up: three heartbeats.
SILENCE_SECONDS: Final = 15.0

_POSITION: Final = "SELECT position FROM followed WHERE module = $1 AND tenant = $2"
_BEGIN: Final = """
INSERT INTO followed (module, tenant, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING"""
_LOCK: Final = """
SELECT position, settings FROM followed LEFT JOIN tenant_settings USING (tenant)
 WHERE module = $1 AND tenant = $2 FOR UPDATE OF followed"""
_MOVE: Final = """
UPDATE followed SET position = $3 WHERE module = $1 AND tenant = $2 AND position < $3
RETURNING true"""
_SET_ASIDE: Final = """
INSERT INTO dead_letters (module, tenant, sequence, event, error, attempts, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT DO NOTHING"""
_CONFLICTS: Final = (ConcurrentChangeError, asyncpg.UniqueViolationError, *CONTENTION)


class EventFollower:
    """Tells a module of the events of one other module, for one tenant."""

    def __init__(
        self,
        followed: str,
        tenant: str,
        *,
        database: ModuleDatabase,
        channel: grpc.aio.Channel,
        credentials: Credentials,
        own_work: OwnWork,
        dispatcher: Dispatcher,
        on_event: Callable[[Unit, Envelope], Any],
    ) -> None:
        """Follow nothing before `run`.

        Args:
            followed: name of the other module.
            tenant: whose events.
            database: of this module.
            channel: to where the other module runs.
            credentials: makes the metadata of a call by this module.
            own_work: opens units of this module's own.
            dispatcher: takes the calls that the handler decided on.
            on_event: the module's.
        """
        self._key = (followed, tenant)
        self._database = database
        self._stub = DomainEventServiceStub(channel)
        self._credentials = credentials
        self._own_work = own_work
        self._dispatcher = dispatcher
        self._on_event = on_event
        self._permission = Permission("", f"{followed}/events", f"{followed}:events:handle")

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                async with contextlib.aclosing(self._batches(await self._position())) as batches:
                    async for events in batches:
                        await self._handle(events)
            except (grpc.aio.AioRpcError, UnavailableError, TimeoutError) as error:
                _log.info("%s of %s is not followed now: %s", *self._key, error)
            except Exception:  # noqa: BLE001  # whatever it is, to stop would stop the whole bank
                _log.exception("%s of %s is not followed now", *self._key)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _position(self) -> int:
        async with self._database.transaction() as connection:
            await connection.execute(_BEGIN, *self._key)
            position: int = await connection.fetchval(_POSITION, *self._key)
            return position

    async def _batches(self, position: int) -> AsyncGenerator[Sequence[Envelope], None]:
        module, tenant = self._key
        request = pb.StreamEventsRequest(tenant=tenant, module=module, after_sequence=position)
        stream = self._stub.StreamEvents(request, metadata=self._credentials())
        try:
            while True:
                # Not `wait_for`: in Python 3.11 it swallows a cancellation that meets an answer.
                async with asyncio.timeout(SILENCE_SECONDS):
                    response: Any = await stream.read()
                if response is grpc.aio.EOF:
                    return
                if response.events:
                    yield [envelope_of(event) for event in response.events]
        finally:
            stream.cancel()

    async def _handle(self, events: Sequence[Envelope]) -> None:
        """Have events handled, together if that can be, else one by one."""
        attempts = conflicts = 0
        while True:
            try:
                await self._together(events)
            except UnavailableError as error:
                _log.info("events of %s of %s come again: %s", *self._key, error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001  # whatever it is, others wait behind
                if len(events) > 1:
                    for event in events:
                        await self._handle([event])
                    return
                if isinstance(error, _CONFLICTS) and conflicts < CONFLICTS_MAX:
                    conflicts += 1
                    _log.info("events of %s of %s come again: %s", *self._key, error)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                attempts += 1
                _log.exception(
                    "event %d of %s, attempt %d", events[0].sequence, self._key[0], attempts
                )
                if attempts >= ATTEMPTS_MAX:
                    await self._set_aside(events[0], error, attempts)
                    return
                await asyncio.sleep(RETRY_SECONDS * 2**attempts)
            else:
                return

    async def _together(self, events: Sequence[Envelope]) -> None:
        """Handle events in one transaction, but those that another instance has handled."""
        async with self._database.transaction() as connection:
            # Locks the row: others wait, and then find where this one came to.
            row = await connection.fetchrow(_LOCK, *self._key)
            assert row is not None, "it was begun"
            left = [event for event in events if event.sequence > row["position"]]
            if not left:
                return
            tenant = self._key[1]
            settings = audit.read_settings(row["settings"])
            async with self._own_work.units(
                connection, tenant, self._permission, settings
            ) as units:
                for event in left:
                    unit = units.unit(
                        trace_id=event.trace_id,
                        correlation_id=event.correlation_id,
                        causation_id=f"event:{event.id}",
                    )
                    await self._on_event(unit, event)
            await connection.execute(_MOVE, *self._key, left[-1].sequence)
        self._dispatcher.take(
            [Taken(call=call, cause=cause, attempts=1) for call, cause in units.calls]
        )

    async def _set_aside(self, event: Envelope, error: Exception, attempts: int) -> None:
        said = "".join(traceback.format_exception_only(error)).replace("\0", "\\0")
        async with self._database.transaction() as connection:
            if await connection.fetchval(_MOVE, *self._key, event.sequence):
                await connection.execute(
                    _SET_ASIDE,
                    *self._key,
                    event.sequence,
                    event.model_dump_json(),
                    said,
                    attempts,
                )
        _log.error("event %d of %s was set aside as a dead letter", event.sequence, self._key[0])
