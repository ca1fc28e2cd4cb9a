"""Hands steps to the handler until it takes them, or gives up on one that it never will."""

import asyncio
import contextlib
import dataclasses
import enum
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeAlias, TypeVarTuple

from ledger_client.convert import events as convert
from ledger_client.models import Event
from ledger_client.subscriber.backoff import Backoff
from ledger_client.subscriber.checkpoint import CheckpointStore
from ledger_client.subscriber.continuity import Step
from ledger_client.subscriber.dead_letter import (
    DeadLetter,
    dead_letter,
    error_line,
    traceback_of,
)
from ledger_client.subscriber.failures import (
    CheckpointMovedError,
    HandlerError,
    HandlerNotAsyncError,
    PoisonEventError,
    StoppedError,
    StoreUnavailableError,
)

Ts = TypeVarTuple("Ts")

_log = logging.getLogger(__name__)

#: Between two tries to reach the store of the checkpoint.
STORE_RETRY: Final = Backoff(0.2, 10.0)

#: What is told of a dead letter.
Alert: TypeAlias = Callable[[DeadLetter], Awaitable[None] | None]


class OnPoison(enum.Enum):
    """What to do about an event that cannot be handled."""

    #: Keep it as a dead letter, raise the alert, and go on with the next.
    SET_ASIDE = "SET_ASIDE"
    #: Stop before it with `PoisonEventError`: nothing after it is handled until it is.
    STOP = "STOP"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FailurePolicy:
    """How often an event is tried, and what then."""

    #: Calls of the handler in all, the first included.
    attempts: int = 5
    #: Bound of the first wait; each next bound is twice as long.
    backoff_seconds: float = 0.5
    #: The longest bound of a wait.
    backoff_seconds_max: float = 30.0
    #: What to do when the last attempt failed.
    on_poison: OnPoison = OnPoison.SET_ASIDE

    def __post_init__(self) -> None:
        """Refuse a policy that cannot work.

        Raises:
            ValueError: names the field.
        """
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {self.attempts}")
        Backoff(self.backoff_seconds, self.backoff_seconds_max)


def log_dead_letter(letter: DeadLetter) -> None:
    """Log a dead letter at ERROR: the alert, unless another is given."""
    _log.error(
        "event %d (%s) is set aside after %d attempts: %s",
        *(letter.sequence, letter.type, letter.attempts, letter.error),
    )


class Delivery(Generic[*Ts]):
    """The way from the stream to the handler and its checkpoint."""

    def __init__(
        self,
        store: CheckpointStore[*Ts],
        handle: Callable[[Sequence[Event], *Ts], Awaitable[None]],
        *,
        position: int,
        policy: FailurePolicy,
        alert: Alert,
        stopping: asyncio.Event,
    ) -> None:
        """Go on after `position`, where the checkpoint stands."""
        #: Where the checkpoint stands, as far as is known here.
        self.position = position
        self._store = store
        self._handle = handle
        self._policy = policy
        self._alert = alert
        self._stopping = stopping
        self._backoff = Backoff(policy.backoff_seconds, policy.backoff_seconds_max)

    async def hand_over(self, steps: Sequence[Step], position: int) -> None:
        """Have steps handled and the checkpoint moved to `position`.

        When several fail together each is handled alone, so that only the one that fails is set
        aside.

        Raises:
            PoisonEventError: one cannot be handled and the policy is to stop.
            StoppedError: the subscriber is to stop; the checkpoint stands before what failed.
            SubscriberError: the checkpoint is not what it was.
        """
        if len(steps) > 1:
            try:
                await self._attempt(steps, position)
            except HandlerError as failed:
                _log.warning(
                    "events %d to %d failed together and are handled one by one: %s",
                    *(steps[0].sequence, steps[-1].sequence, _cause_line(failed)),
                )
            else:
                return
        for step in steps[:-1]:
            await self._insist(step, step.sequence)
        await self._insist(steps[-1], position)

    async def move(self, position: int) -> None:
        """Move the checkpoint past events that were not asked for."""
        if position > self.position:
            await self._attempt((), position)

    async def _insist(self, step: Step, position: int) -> None:
        attempts = self._policy.attempts
        for attempt in range(1, attempts + 1):
            try:
                await self._attempt((step,), position)
            except HandlerError as failed:
                if attempt == attempts:
                    await self._give_up(step, position, failed.__cause__ or failed)
                    return
                wait = self._backoff.seconds(attempt)
                _log.warning(
                    "event %d failed (attempt %d of %d), next in %.1f s: %s",
                    *(step.sequence, attempt, attempts, wait, _cause_line(failed)),
                )
                await self._pause(wait)
            else:
                return

    async def _give_up(self, step: Step, position: int, error: BaseException) -> None:
        attempts = self._policy.attempts
        if self._policy.on_poison is OnPoison.STOP:
            raise PoisonEventError(step.sequence, attempts, error_line(error)) from error
        letter = dead_letter(step, error, attempts)
        if not await self._attempt((), position, letter):
            # Meanwhile another process of this consumer has dealt with it.
            return
        try:
            told = self._alert(letter)
            if inspect.isawaitable(told):
                await told
        except Exception as failed:  # noqa: BLE001  # the caller's own code may raise anything
            # The letter is kept: whoever looks will find it. Not `exception`: the text of what the
            # handler failed with is in the traceback too, and a log may not take all its letters.
            text = traceback_of(failed)
            _log.error("the alert of event %d failed: %s", step.sequence, text)

    async def _attempt(
        self, steps: Sequence[Step], position: int, letter: DeadLetter | None = None
    ) -> bool:
        """Try once, but for as long as it takes the store to answer.

        Returns:
            As `_work`; also true where the answer of an earlier try was lost, which may have done
            it: an alert rather comes twice than never.
        """
        outages = 0
        while True:
            try:
                return await self._work(steps, position, letter) or outages > 0
            except StoreUnavailableError as error:
                outages += 1
                wait = STORE_RETRY.seconds(outages)
                _log.warning("the checkpoint cannot be kept, next try in %.1f s: %s", wait, error)
                await self._pause(wait)

    async def _work(self, steps: Sequence[Step], position: int, letter: DeadLetter | None) -> bool:
        """Do one unit of work; return whether it moved the checkpoint, and kept the letter."""
        async with self._store.work() as work:
            found = work.position
            if found < self.position:
                raise CheckpointMovedError(
                    f"the checkpoint was put back from {self.position} to {found}"
                )
            # What lies behind the checkpoint was handled: by another process of this consumer, or
            # here, by work that was kept though the answer was lost.
            left = [step for step in steps if step.sequence > found]
            if left:
                await self._call(left, work.arguments)
            if position > found:
                if letter is not None:
                    work.set_aside(letter)
                work.advance(position)
        self.position = max(position, found)
        return position > found

    async def _call(self, steps: Sequence[Step], arguments: tuple[*Ts]) -> None:
        try:
            events = [convert.event(message) for step in steps for message in step.messages]
            await self._handle(events, *arguments)
        except HandlerNotAsyncError:
            raise
        except Exception as error:
            raise HandlerError from error

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # not `wait_for`: see `source`
                await self._stopping.wait()
        if self._stopping.is_set():
            raise StoppedError


async def finish(made: object) -> None:
    """Await what a handler returned.

    Raises:
        HandlerNotAsyncError: it is nothing to await. Every event would become a dead letter.
    """
    if not inspect.isawaitable(made):
        raise HandlerNotAsyncError("the handler is no `async def` function")
    await made


def _cause_line(failed: HandlerError) -> str:
    return error_line(failed.__cause__ or failed)
