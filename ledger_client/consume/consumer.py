"""What the consumers of both brokers do alike: connect again, wait, stop, keep count."""

import abc
import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Coroutine, Iterator
from typing import Any, ClassVar, Final, Generic, TypeVar

from ledger_client.consume.gaps import SequenceWatch
from ledger_client.consume.inbox import Inbox, InboxUnavailableError
from ledger_client.consume.processing import (
    DeadLetter,
    Delivery,
    GapHandler,
    Handled,
    Handler,
    Outcome,
    Processor,
    Repeated,
    Resolver,
    Retry,
)
from ledger_client.publish.topology import Retries

logger: Final = logging.getLogger(__name__)

T = TypeVar("T")

#: Between attempts to reach a broker or an inbox.
BACKOFF_SECONDS_FIRST: Final = 0.2
BACKOFF_SECONDS_MAX: Final = 5.0
CONCURRENCY_DEFAULT: Final = 10


@dataclasses.dataclass(slots=True)
class Counts:
    """What became of messages so far, since the process began."""

    #: Effects that were made.
    handled: int = 0
    #: Messages that came again after that.
    repeated: int = 0
    #: Attempts that failed and are tried again.
    retried: int = 0
    #: Dead letters.
    dead: int = 0
    #: Connections that were made.
    connections: int = 0


class Consumer(abc.ABC, Generic[T]):
    """Hands events to a handler, until it is told to stop."""

    #: What the driver raises for a broker that is not there or goes away.
    unavailable: ClassVar[tuple[type[Exception], ...]]

    def __init__(
        self,
        inbox: Inbox[T],
        handler: Handler[T],
        *,
        retries: Retries,
        concurrency: int = CONCURRENCY_DEFAULT,
        in_order: bool = False,
        resolve: Resolver | None = None,
        watch: SequenceWatch | None = None,
        on_gap: GapHandler | None = None,
    ) -> None:
        """Take what is needed; nothing is connected yet.

        Args:
            inbox: where what was handled is noted.
            handler: has the effects of an event, in the inbox's transaction.
            retries: how often and after which waits what failed is tried again.
            concurrency: messages taken at once, and handled at once; not with `in_order`.
            in_order: one message at a time; one that fails is tried again in its place, while
                those behind it wait.
            resolve: reads the event of a reference; None makes dead letters of references.
            watch: follows sequences; of use with `in_order` and with all of a journal's events.
            on_gap: is told what `watch` misses.

        Raises:
            ValueError: `concurrency` is below 1, or `watch` is without `in_order` or `on_gap`.
        """
        if concurrency < 1:
            raise ValueError("concurrency must be 1 or more")
        if watch is not None and (not in_order or on_gap is None):
            raise ValueError("a watch needs in_order, and on_gap to tell")
        self.counts = Counts()
        self._concurrency = 1 if in_order else concurrency
        self._in_order = in_order
        self._processor = Processor(
            inbox, handler, retries=retries, resolve=resolve, watch=watch, on_gap=on_gap
        )
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._bug: BaseException | None = None

    async def run(self) -> None:
        """Consume until `stop`; connect again whenever the connection is lost.

        What is being handled when the connection breaks is handled to its end; it comes again and
        is found handled.
        """
        waits = _backoff()
        while not self._stopping.is_set():
            connections = self.counts.connections
            if why := await self._lost():
                if self.counts.connections > connections:
                    waits = _backoff()  # it had worked
                wait_seconds = next(waits)
                logger.warning("connecting again in %g s: %s", wait_seconds, why)
                await self._pause(wait_seconds)
            if self._bug is not None:
                raise self._bug

    def stop(self) -> None:
        """Take no more, handle to the end what was begun, then let `run` return."""
        self._stopping.set()

    async def _lost(self) -> str:
        """Consume on one connection; return why it was lost, nothing if it was not."""
        try:
            await self._session()
        except self.unavailable as error:
            return str(error) or type(error).__name__
        except asyncio.CancelledError:
            # Drivers cancel what waits on a connection that is lost.
            if _is_cancelled():
                raise
            return "the driver gave up"
        return ""

    @abc.abstractmethod
    async def _session(self) -> None:
        """Connect, count the connection, consume until it is lost or `stop` is called.

        Raises:
            Exception: one of `unavailable`.
        """

    def _begin(self, settling: Coroutine[Any, Any, None]) -> None:
        """Settle a message beside others."""
        task = asyncio.create_task(settling)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """Stop at what no handler, inbox or broker raised: `run` raises it."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._bug = self._bug or error
            self.stop()

    async def _ended(self) -> None:
        """Return when all is settled that was begun, whatever became of the connection."""
        if _is_cancelled():
            self.stop()  # so that what waits gives up
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _outcome(self, delivery: Delivery) -> Outcome | None:
        """Return what becomes of a delivery; None if it is to be given back.

        Waits while the inbox is out of reach: taking more would not help. In order, it also waits
        and tries again here.
        """
        waits = _backoff()
        while not self._stopping.is_set():
            try:
                outcome = await self._processor.process(delivery)
            except InboxUnavailableError as error:
                wait_seconds = next(waits)
                logger.warning("the inbox is unavailable, again in %g s: %s", wait_seconds, error)
                await self._pause(wait_seconds)
                continue
            self._count(outcome)
            if not (self._in_order and isinstance(outcome, Retry)):
                return outcome
            # The attempt is counted, and the next one shall be when it fails.
            delivery = dataclasses.replace(delivery, redelivered=False)
            await self._pause(outcome.wait_seconds)
        return None

    async def _put_aside(self, letter: DeadLetter) -> None:
        """Forget the attempts at a dead letter; if that fails now, it has fewer when replayed."""
        with contextlib.suppress(InboxUnavailableError):
            await self._processor.put_aside(letter)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until `stop`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _count(self, outcome: Outcome) -> None:
        match outcome:
            case Handled():
                self.counts.handled += 1
            case Repeated():
                self.counts.repeated += 1
            case Retry():
                self.counts.retried += 1
            case DeadLetter():
                self.counts.dead += 1


def _is_cancelled() -> bool:
    """Whether somebody cancelled the task that runs here."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _backoff() -> Iterator[float]:
    wait_seconds = BACKOFF_SECONDS_FIRST
    while True:
        yield wait_seconds
        wait_seconds = min(wait_seconds * 2, BACKOFF_SECONDS_MAX)
