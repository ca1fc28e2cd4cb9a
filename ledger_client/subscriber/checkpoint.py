"""What a subscriber needs of the place where it keeps how far it has come."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVarTuple

from ledger_client.models import Journal
from ledger_client.subscriber.dead_letter import DeadLetter

Ts = TypeVarTuple("Ts")


class Work(Protocol[*Ts]):
    """One unit of work: what a handler does, and where the checkpoint stands after it."""

    @property
    def position(self) -> int:
        """Where the checkpoint stands: everything up to here was handled, by whomever."""

    @property
    def arguments(self) -> tuple[*Ts]:
        """What a handler is given beside the event."""

    def advance(self, position: int) -> None:
        """Have the checkpoint stand at `position` once the work is kept."""

    def set_aside(self, letter: DeadLetter) -> None:
        """Have a dead letter kept with the work, before the checkpoint passes its event."""


class CheckpointStore(Protocol[*Ts]):
    """Keeps how far one consumer has come in one journal.

    `Ts` are the types of what its handlers are given beside the event: nothing, or the connection
    in whose transaction the checkpoint moves.
    """

    async def open(self, journal: Journal, *, start_after: int) -> int:
        """Return where the checkpoint stands; one that is not there yet begins at `start_after`.

        Raises:
            SubscriberError: it cannot be trusted, or is in use.
            StoreUnavailableError: the store does not answer.
        """

    def work(self) -> AbstractAsyncContextManager[Work[*Ts]]:
        """Begin a unit of work. It is kept when the block ends, and not at all if it raises.

        Raises:
            HandlerError: what the handler did could not be kept.
            StoreUnavailableError: the store does not answer. Whether the work was kept shows in
                the position of the next.
            SubscriberError: the checkpoint is not what it was.
        """

    async def flush(self) -> None:
        """Write down what may still be in memory: nothing more is to be done at the moment."""

    async def close(self) -> None:
        """Let go of the checkpoint, what was handled written down."""
