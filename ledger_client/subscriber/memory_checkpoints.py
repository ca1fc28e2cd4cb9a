"""A checkpoint in memory: gone with the process."""

import contextlib
from collections.abc import AsyncIterator

from ledger_client.models import Journal
from ledger_client.subscriber.dead_letter import DeadLetter


class MemoryWork:
    """One unit of work."""

    arguments: tuple[()] = ()

    def __init__(self, position: int) -> None:
        """Begin where the checkpoint stands."""
        self.position = position
        self.moved_to: int | None = None
        self.letters: list[DeadLetter] = []

    def advance(self, position: int) -> None:
        """Have the checkpoint stand at `position` once the work is kept."""
        self.moved_to = position

    def set_aside(self, letter: DeadLetter) -> None:
        """Have a dead letter kept with the work."""
        self.letters.append(letter)


class MemoryCheckpoints:
    """For those who only look, and for tests: begins anew each time."""

    def __init__(self) -> None:
        """Begin with nothing handled."""
        self.position = 0
        self.dead_letters: list[DeadLetter] = []

    async def open(self, journal: Journal, *, start_after: int) -> int:  # noqa: ARG002  # any
        """Return where to begin."""
        self.position = max(self.position, start_after)
        return self.position

    @contextlib.asynccontextmanager
    async def work(self) -> AsyncIterator[MemoryWork]:
        """Begin a unit of work."""
        work = MemoryWork(self.position)
        yield work
        self.dead_letters += work.letters
        if work.moved_to is not None:
            self.position = work.moved_to

    async def flush(self) -> None:
        """Do nothing: there is nowhere to write."""

    async def close(self) -> None:
        """Do nothing: the position stays as long as this does."""
