"""The subscriber: follows a journal for good, from where it was."""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVarTuple

from ledger_client.client import LedgerClient
from ledger_client.convert import encode, events
from ledger_client.errors import LedgerError
from ledger_client.models import Event, EventFilter, Journal, Reference
from ledger_client.subscriber.checkpoint import CheckpointStore
from ledger_client.subscriber.delivery import (
    STORE_RETRY,
    Alert,
    Delivery,
    FailurePolicy,
    finish,
    log_dead_letter,
)
from ledger_client.subscriber.failures import StoppedError, StoreUnavailableError
from ledger_client.subscriber.source import RECONNECT, EventSource, is_passing
from ledger_proto.v1 import event_stream_pb2

Ts = TypeVarTuple("Ts")

_log = logging.getLogger(__name__)

#: A handler that works while many wait needs no more often a word of how things are.
HEARTBEAT_SECONDS_DEFAULT: Final = 5
HEARTBEAT_SECONDS_MAX: Final = 60
#: A position that moves without events, as with a filter, is kept this often: after a restart no
#: more than this is looked through again.
POSITION_SECONDS_DEFAULT: Final = 10.0


class JournalSubscriber(Generic[*Ts]):
    """Hands every event of a journal to a handler, in order, and keeps how far it came.

        subscriber = JournalSubscriber(ledger, "MAIN", FileCheckpoints("main.checkpoint"))
        await subscriber.run(handle)

    It goes on by itself over restarts of servers and broken connections. A handler that fails is
    tried again; an event that fails for good is set aside as a dead letter. With
    `PostgresCheckpoints` the handler is given the connection in whose transaction the checkpoint
    moves, so that its effects there happen exactly once; with `FileCheckpoints` at least once.
    """

    def __init__(
        self,
        ledger: LedgerClient | Sequence[LedgerClient],
        journal: Reference,
        checkpoints: CheckpointStore[*Ts],
        *,
        filter: EventFilter | None = None,  # noqa: A002  # the contract's word
        include_balance_updates: bool = False,
        start_after: int = 0,
        failures: FailurePolicy | None = None,
        alert: Alert = log_dead_letter,
        heartbeat_seconds: int = HEARTBEAT_SECONDS_DEFAULT,
        position_seconds: float = POSITION_SECONDS_DEFAULT,
    ) -> None:
        """Prepare; nothing is asked before `run`.

        Args:
            ledger: a client, or one for each of several servers of one ledger, which are taken in
                turn. They stay the caller's to close.
            journal: code or id.
            checkpoints: where the position is kept.
            filter: which events; None for all. Processes that share a checkpoint share the filter.
            include_balance_updates: a `balance.updated` after each transaction, for each entry; an
                event and its updates are handled together or not at all.
            start_after: where a checkpoint begins that is not there yet.
            failures: how often an event is tried, and what then; None takes `FailurePolicy()`.
            alert: is told of each dead letter, once it is kept.
            heartbeat_seconds: silence after which the server says where it stands, 1 to 60. After
                three times that long without a word the connection is given up.
            position_seconds: how often a position that moves without events is kept.

        Raises:
            ValueError: the heartbeat is not 1 to 60, or the filter names an unknown type.
        """
        if not 1 <= heartbeat_seconds <= HEARTBEAT_SECONDS_MAX:
            raise ValueError(f"heartbeat_seconds must be 1 to {HEARTBEAT_SECONDS_MAX}")
        self._clients = [ledger] if isinstance(ledger, LedgerClient) else list(ledger)
        if not self._clients:
            raise ValueError("a subscriber needs a client")
        self._journal = journal
        self._store = checkpoints
        self._request = event_stream_pb2.SubscribeRequest(
            filter=events.event_filter(filter),
            include_balance_updates=include_balance_updates,
            heartbeat_seconds=heartbeat_seconds,
        )
        self._start_after = start_after
        self._failures = failures or FailurePolicy()
        self._alert = alert
        self._position_seconds = position_seconds
        self._stopping = asyncio.Event()
        self._position = start_after
        self._head = 0

    @property
    def position(self) -> int:
        """Everything up to here was handled, set aside, or not asked for."""
        return self._position

    @property
    def head(self) -> int:
        """The journal's head as a server told it last; 0 before the first word."""
        return self._head

    def stop(self) -> None:
        """Have `run` return once the handler is done with what it has in hand.

        An event that fails and waits for its next attempt is left for the next start.
        """
        self._stopping.set()

    async def run(
        self, handle: Callable[[Event, *Ts], Awaitable[None]], *, until_head: bool = False
    ) -> int:
        """Hand over events one by one, each a unit of work of its own, until `stop`.

        Args:
            handle: is given the event, and what the store gives.
            until_head: return once the journal's head is reached.

        Returns:
            The position where it stopped.

        Raises:
            SubscriberError: going on would lose or repeat something; the subclasses say what.
            LedgerError: the server refuses for good, such as an unknown journal.
        """

        async def each(events: Sequence[Event], *arguments: *Ts) -> None:
            for event in events:
                await finish(handle(event, *arguments))

        return await self._run(each, 1, 0.0, until_head=until_head)

    async def run_batches(
        self,
        handle: Callable[[Sequence[Event], *Ts], Awaitable[None]],
        *,
        events_max: int = 500,
        seconds_max: float = 0.1,
        until_head: bool = False,
    ) -> int:
        """Hand over events in batches, each a unit of work, until `stop`.

        When a batch fails its events are handed over one by one, so that only the one that fails
        is tried again and set aside.

        Args:
            handle: is given some events in order, at least one, and what the store gives.
            events_max: of a batch; `balance.updated` are not counted.
            seconds_max: how long a batch waits for more events.
            until_head: return once the journal's head is reached.

        Returns:
            The position where it stopped.

        Raises:
            SubscriberError: going on would lose or repeat something; the subclasses say what.
            LedgerError: the server refuses for good, such as an unknown journal.
            ValueError: a batch of no events.
        """
        if events_max < 1:
            raise ValueError(f"events_max must be at least 1, not {events_max}")

        async def all_of(events: Sequence[Event], *arguments: *Ts) -> None:
            await finish(handle(events, *arguments))

        return await self._run(all_of, events_max, seconds_max, until_head=until_head)

    async def _run(
        self,
        handle: Callable[[Sequence[Event], *Ts], Awaitable[None]],
        events_max: int,
        seconds_max: float,
        *,
        until_head: bool,
    ) -> int:
        try:
            journal = await self._find_journal()
            self._position = await self._open_store(journal)
        except StoppedError:
            return self._position
        delivery = Delivery(
            self._store,
            handle,
            position=self._position,
            policy=self._failures,
            alert=self._alert,
            stopping=self._stopping,
        )
        self._request.journal = str(journal.id)
        self._request.after_sequence = self._position
        source = EventSource(self._clients, self._request, stopping=self._stopping)
        try:
            async with source.reading():
                await self._follow(source, delivery, events_max, seconds_max, until_head=until_head)
            await delivery.move(self._position)
        except StoppedError:
            self._position = delivery.position
        finally:
            await self._close_store()
        return self._position

    async def _follow(
        self,
        source: EventSource,
        delivery: Delivery[*Ts],
        events_max: int,
        seconds_max: float,
        *,
        until_head: bool,
    ) -> None:
        kept_at = time.monotonic()
        while (batch := await source.take(events_max, seconds_max)) is not None:
            self._head = batch.head
            if batch.steps:
                await delivery.hand_over(batch.steps, batch.position)
                kept_at = time.monotonic()
            elif time.monotonic() - kept_at >= self._position_seconds:
                await delivery.move(batch.position)
                kept_at = time.monotonic()
            self._position = batch.position
            if source.is_empty:
                await self._store.flush()
                if until_head and batch.position >= batch.head:
                    return

    async def _close_store(self) -> None:
        try:
            await self._store.close()
        except StoreUnavailableError as error:
            _log.warning("the position was not written, some events will come again: %s", error)

    async def _find_journal(self) -> Journal:
        for failures in itertools.count(1):
            client = self._clients[(failures - 1) % len(self._clients)]
            try:
                return await client.get_journal(self._journal)
            except LedgerError as error:
                if not is_passing(error):
                    raise
                wait = RECONNECT.seconds(failures)
                reference = encode.reference(self._journal)
                _log.info("journal %s is not reached, next in %.1f s: %s", reference, wait, error)
            await self._pause(wait)
        raise AssertionError("counting has no end")

    async def _open_store(self, journal: Journal) -> int:
        for failures in itertools.count(1):
            try:
                return await self._store.open(journal, start_after=self._start_after)
            except StoreUnavailableError as error:
                wait = STORE_RETRY.seconds(failures)
                _log.warning("the checkpoint is not reached, next in %.1f s: %s", wait, error)
            await self._pause(wait)
        raise AssertionError("counting has no end")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):  # not `wait_for`: see `source`
                await self._stopping.wait()
        except TimeoutError:
            return
        raise StoppedError
