"""Calls of the `EventService`."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

from grpc import aio

from ledger_client import errors
from ledger_client.connection import Connection
from ledger_client.convert import encode, events
from ledger_client.models import Event, EventBatch, EventFilter, Head, Reference
from ledger_proto.v1 import event_stream_pb2 as pb

_LIST_EVENTS: Final = f"/{pb.DESCRIPTOR.services_by_name['EventService'].full_name}/ListEvents"


class EventCalls(Connection):
    """Reads and follows the facts of a journal."""

    def list_events(
        self,
        journal: Reference,
        *,
        after_sequence: int = 0,
        filter: EventFilter | None = None,  # noqa: A002  # the contract's word
        include_balance_updates: bool = False,
    ) -> AsyncIterator[Event]:
        """Give the events that are there after a position, by sequence.

        Args:
            journal: code or id.
            after_sequence: begins with the event after this one.
            filter: which events; None for all.
            include_balance_updates: a `balance.updated` after each transaction, for each entry.
        """
        request = pb.ListEventsRequest(
            journal=encode.reference(journal),
            after_sequence=after_sequence,
            filter=events.event_filter(filter),
            include_balance_updates=include_balance_updates,
        )
        return self._items(
            self._events.ListEvents, request, lambda page: map(events.event, page.events)
        )

    async def get_head(self, journal: Reference) -> Head:
        """Return where a journal stands.

        Raises:
            NotFoundError: there is no such journal.
        """
        request = pb.GetHeadRequest(journal=encode.reference(journal))
        return events.head(await self._call(self._events.GetHead, request))

    async def subscribe(
        self,
        journal: Reference,
        *,
        after_sequence: int = 0,
        filter: EventFilter | None = None,  # noqa: A002  # the contract's word
        include_balance_updates: bool = False,
        heartbeat_seconds: int = 0,
    ) -> AsyncGenerator[EventBatch, None]:
        """Follow a journal: what is there after a position, then what comes, without end.

        Leaving the loop ends the stream. It is not resumed here: after an error subscribe again
        after the `position` of the last batch that was handled, and nothing is missed or repeated.

        Args:
            journal: code or id.
            after_sequence: begins with the event after this one; 0 from the first.
            filter: which events; None for all.
            include_balance_updates: a `balance.updated` after each transaction, for each entry.
            heartbeat_seconds: silence after which an empty batch comes, 1 to 60; 0 takes 10.

        Raises:
            InvalidRequestError: the position is negative or beyond the head
                (`POSITION_UNAVAILABLE`).
            NotFoundError: the journal, or what the filter names, is not there.
            OverloadedError: the server has as many subscribers as it serves.
            UnavailableError: the stream broke, or the server stops (`SHUTTING_DOWN`).
        """
        request = pb.SubscribeRequest(
            journal=encode.reference(journal),
            after_sequence=after_sequence,
            filter=events.event_filter(filter),
            include_balance_updates=include_balance_updates,
            heartbeat_seconds=heartbeat_seconds,
        )
        async with contextlib.aclosing(self.subscribe_messages(request)) as responses:
            async for response in responses:
                yield events.event_batch(response)

    async def subscribe_messages(
        self, request: pb.SubscribeRequest
    ) -> AsyncGenerator[pb.SubscribeResponse, None]:
        """Follow a journal as `subscribe` does, with the contract's own messages.

        Args:
            request: as the contract has it.

        Raises:
            LedgerError: as `subscribe`.
        """
        stream: Any = self._events.Subscribe(request)
        try:
            async for response in stream:
                yield response
        except aio.AioRpcError as failure:
            raise errors.from_call(failure) from None
        finally:
            stream.cancel()

    async def list_events_encoded(
        self, journal: Reference, *, after_sequence: int, page_size: int
    ) -> bytes:
        """Return events after a position, as the bytes of the response that were sent.

        For those who hash events: docs/proofs.md says what of them. Events come out of the
        database, never out of a server's memory.

        Args:
            journal: code or id.
            after_sequence: begins with the event after this one; 0 from the first.
            page_size: no more than these, at most 1,000; there may be fewer though more follow.

        Raises:
            LedgerError: as for `list_events`.
        """
        request = pb.ListEventsRequest(
            journal=encode.reference(journal), after_sequence=after_sequence, page_size=page_size
        )
        method: Any = self._channel.unary_unary(
            _LIST_EVENTS, request_serializer=pb.ListEventsRequest.SerializeToString
        )
        encoded: bytes = await self._call(method, request)
        return encoded
