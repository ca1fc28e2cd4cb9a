"""What to do about dead letters: hand them to a handler again, or leave it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVarTuple

from ledger_client.models import Event
from ledger_client.subscriber.dead_letter import DeadLetter, LetterState

Ts = TypeVarTuple("Ts")


class DeadLetterStore(Protocol[*Ts]):
    """Where dead letters are kept; `Ts` as of `CheckpointStore`."""

    async def dead_letters(self) -> list[DeadLetter]:
        """Return all of them by sequence, each as it stands."""

    def settling(
        self, sequence: int, state: LetterState
    ) -> AbstractAsyncContextManager[tuple[DeadLetter, *Ts] | None]:
        """Give an open letter, and have it in another state when the block ends without an error.

        None if there is no such letter or it is not open.
        """


async def replay(
    store: DeadLetterStore[*Ts], sequence: int, handle: Callable[[Event, *Ts], Awaitable[None]]
) -> bool:
    """Hand a dead letter's event to a handler again, and note that it took it.

    With PostgreSQL both happen in one transaction, so exactly once. With a file the note follows:
    after a crash between the two the letter is still open.

    Args:
        store: where the letter is.
        sequence: of its event.
        handle: as for `JournalSubscriber.run`. What it raises leaves the letter open.

    Returns:
        False if there is no such letter, or it was dealt with before: nothing was handled.
    """
    async with store.settling(sequence, LetterState.REPLAYED) as found:
        if found is None:
            return False
        letter, *arguments = found
        for event in letter.events:
            await handle(event, *arguments)  # type: ignore[arg-type]  # the rest of the tuple
    return True


async def discard(store: DeadLetterStore[*Ts], sequence: int) -> bool:
    """Note that a dead letter's event need not be handled.

    Returns:
        False if there is no such letter, or it was dealt with before.
    """
    async with store.settling(sequence, LetterState.DISCARDED) as found:
        return found is not None
