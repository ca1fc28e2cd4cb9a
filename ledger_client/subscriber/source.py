"""Where a subscriber's events come from: a stream that is opened again whenever it ends."""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import grpc

from ledger_client.client import LedgerClient
from ledger_client.errors import (
    InvalidRequestError,
    LedgerError,
    OverloadedError,
    ServerError,
    UnavailableError,
)
from ledger_client.subscriber.backoff import Backoff
from ledger_client.subscriber.continuity import Continuity, Step
from ledger_client.subscriber.failures import CheckpointAheadError
from ledger_proto.v1 import event_stream_pb2

_log = logging.getLogger(__name__)

#: Responses that wait to be handled; a response has some hundred events, at most about 1 MiB.
#: While there are so many the stream is not read, and the server sends no more.
WAITING_MAX: Final = 2
#: A stream that was silent for so many heartbeats is dead, whatever the connection says.
SILENT_HEARTBEATS_MAX: Final = 3
RECONNECT: Final = Backoff(0.1, 10.0)

#: Not worth repeating: they will be the same again.
_PERMANENT: Final = frozenset(
    {
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.DATA_LOSS,
    }
)


def is_passing(error: LedgerError) -> bool:
    """Return whether a failed call is worth repeating for as long as it takes."""
    passing = isinstance(error, UnavailableError | OverloadedError | ServerError)
    return passing and error.status not in _PERMANENT


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Steps to handle together, and how far the stream has come with them."""

    #: In order; none if only the position moved.
    steps: Sequence[Step]
    #: Everything up to here is handled once the steps are.
    position: int
    #: The journal's head as the server saw it last.
    head: int


@dataclasses.dataclass(slots=True)
class _Response:
    steps: deque[Step]
    position: int
    head: int


class EventSource:
    """Reads ahead of the handler, by a bounded amount, over any number of streams."""

    def __init__(
        self,
        clients: Sequence[LedgerClient],
        request: event_stream_pb2.SubscribeRequest,
        *,
        stopping: asyncio.Event,
    ) -> None:
        """Begin after the request's position; nothing is read before `reading`.

        Args:
            clients: of servers of one ledger; the next one is tried when a stream ends.
            request: with the journal's id, so that a server of another ledger does not know it.
            stopping: set when no more is wanted.
        """
        self._clients = clients
        self._request = request
        self._stopping = stopping
        self._continuity = Continuity(request.after_sequence, has_gaps=request.HasField("filter"))
        self._silent_seconds = SILENT_HEARTBEATS_MAX * float(request.heartbeat_seconds)
        self._responses: deque[_Response] = deque()
        self._position = request.after_sequence
        self._head = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Read while the block runs."""
        self._reader = asyncio.create_task(self._read_on(), name="journal-subscriber")
        self._reader.add_done_callback(lambda _: self._changed.set())
        watching = asyncio.create_task(self._wake_when_stopping())
        try:
            yield
        finally:
            for task in (self._reader, watching):
                task.cancel()
            await asyncio.gather(self._reader, watching, return_exceptions=True)

    @property
    def is_empty(self) -> bool:
        """True if nothing waits to be taken."""
        return not self._responses

    async def take(self, steps_max: int, seconds_max: float) -> Batch | None:
        """Return what comes next; None if the subscriber is to stop.

        Args:
            steps_max: no more than these.
            seconds_max: how long to wait for more when there is something.

        Raises:
            SubscriberError: the stream cannot be trusted.
            LedgerError: the server refuses for good.
        """
        steps: list[Step] = []
        deadline = 0.0
        while not self._stopping.is_set():
            had_none = not steps
            heard = self._collect(steps, steps_max)
            if had_none and steps:
                deadline = time.monotonic() + seconds_max
            wait = deadline - time.monotonic() if steps else None
            is_due = len(steps) >= steps_max or (wait is not None and wait <= 0)
            if is_due or (heard and not steps):
                return Batch(steps, self._position, self._head)
            assert self._reader is not None, "taken before it was read"
            if self._reader.done() and not self._responses:
                if steps:
                    return Batch(steps, self._position, self._head)
                self._raise_failure(self._reader)
            self._changed.clear()
            # Not `wait_for`: in Python 3.11 it swallows a cancellation that meets an answer.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()
        return None

    def _collect(self, steps: list[Step], steps_max: int) -> bool:
        """Move what waits to `steps`; return whether there was anything, even without events."""
        heard = bool(self._responses)
        while self._responses and len(steps) < steps_max:
            response = self._responses[0]
            while response.steps and len(steps) < steps_max:
                steps.append(response.steps.popleft())
            self._head = response.head
            if response.steps:
                self._position = steps[-1].sequence
                break
            self._position = response.position
            self._responses.popleft()
            self._room.set()
        return heard

    @staticmethod
    def _raise_failure(reader: asyncio.Task[None]) -> None:
        if reader.cancelled():
            raise RuntimeError("the client was closed while it was subscribed")
        error = reader.exception()
        assert error is not None, "the stream has no end of its own"
        raise error

    async def _wake_when_stopping(self) -> None:
        await self._stopping.wait()
        self._changed.set()

    async def _read_on(self) -> None:
        failures = 0
        turn = 0

        def came_through() -> None:
            nonlocal failures
            failures = 0

        while True:
            try:
                await self._read_stream(self._clients[turn % len(self._clients)], came_through)
                reason = "it ended"
            except TimeoutError:
                reason = f"it was silent for {self._silent_seconds:g} s"
            except InvalidRequestError as error:
                if error.reason == "POSITION_UNAVAILABLE":
                    detail = ", ".join(f"{key} {value}" for key, value in error.facts.items())
                    raise CheckpointAheadError(self._continuity.position, detail) from error
                raise
            except LedgerError as error:
                if not is_passing(error):
                    raise
                reason = str(error)
            failures += 1
            turn += 1
            wait = RECONNECT.seconds(failures)
            _log.info(
                "the stream of journal %s is opened again after %d in %.1f s: %s",
                *(self._request.journal, self._continuity.position, wait, reason),
            )
            await asyncio.sleep(wait)

    async def _read_stream(self, client: LedgerClient, came_through: Callable[[], None]) -> None:
        self._request.after_sequence = self._continuity.position
        stream: Any = client.subscribe_messages(self._request)
        async with contextlib.aclosing(stream):
            while True:
                async with asyncio.timeout(self._silent_seconds):
                    message = await anext(stream, None)
                if message is None:
                    return
                came_through()
                steps = self._continuity.steps(message)
                self._responses.append(
                    _Response(deque(steps), message.position, message.head_sequence)
                )
                self._changed.set()
                while len(self._responses) >= WAITING_MAX:
                    self._room.clear()
                    await self._room.wait()
