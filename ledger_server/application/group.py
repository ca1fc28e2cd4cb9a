"""What one call wants posted, and what it is answered."""

import asyncio
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.prepare import Prepared
from ledger_server.domain.errors import LedgerError
from ledger_server.domain.posting import BatchRefusedError, Replay
from ledger_server.domain.transaction import Draft, Kind, PostCommand

#: Kinds for which balances are all that the books need to be asked.
DECIDED_BY_BALANCES: Final = frozenset({Kind.POSTING, Kind.HOLD})
#: A configuration that no journal has: what is of it has to be prepared again.
UNPREPARED: Final = 0


@dataclasses.dataclass(slots=True)
class Posted:
    """A transaction in the books, as it is stored and sent."""

    #: The serialised `ledger.v1.Transaction`.
    encoded: bytes
    #: True if it was there already, posted by an equal request.
    replayed: bool

    @property
    def transaction(self) -> transactions_pb2.Transaction:
        """The same as a message, decoded anew each time."""
        return transactions_pb2.Transaction.FromString(self.encoded)


Result = Posted | LedgerError
#: One result for each command of a group, or why none of an atomic group was posted.
GroupResult = list[Result] | BatchRefusedError


class Group:
    """What one call wants posted: drafts that belong together, and who waits for them."""

    def __init__(
        self,
        commands: Sequence[PostCommand],
        prepared: Sequence[Prepared],
        config_version: int,
        *,
        atomic: bool,
    ) -> None:
        """Begin unanswered. Must be made inside a running event loop."""
        self.commands = commands
        self.prepared = prepared
        #: The configuration that `prepared` is good for.
        self.config_version = config_version
        self.atomic = atomic
        self.done: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()

    @property
    def entry_count(self) -> int:
        """Entries of all drafts; of those that take of what is left, as many as it may come to."""
        return sum(map(_entry_count, self.drafts()))

    def drafts(self) -> list[Draft]:
        """Return the commands that could be prepared, as drafts."""
        return [draft for draft in self.prepared if isinstance(draft, Draft)]

    def ids(self) -> Iterator[UUID | str]:
        """Give the ids and external ids that it takes if it is accepted.

        Of what is refused too: prepared again, it may be accepted.
        """
        for command in self.commands:
            yield command.transaction_id
            if command.external_id:
                yield command.external_id
        for draft in self.drafts():
            if draft.external_id:
                yield draft.external_id

    def needs_balances_only(self, books: JournalBooks) -> bool:
        """Tell whether balances are all that it needs of the batches before.

        What has to be prepared again may need more. And if the configuration changes from here on,
        the batch before is decided again under the new one, and this, of the old one, after it.
        Limits that look at more than balances count what a batch under way may add.
        """
        return (
            self.config_version == books.config_version
            and all(command.kind in DECIDED_BY_BALANCES for command in self.commands)
            and books.are_bound_by_balances(
                key.account_id for draft in self.drafts() for key in draft.keys
            )
        )

    def answer(self, results: GroupResult) -> None:
        """Hand the results to whoever still waits."""
        if isinstance(results, BatchRefusedError):
            self.fail(results)
        elif not self.done.done():
            self.done.set_result(results)

    def fail(self, refusal: LedgerError) -> None:
        """Hand a refusal of the whole to whoever still waits."""
        if not self.done.done():
            self.done.set_exception(refusal)


def _entry_count(draft: Draft) -> int:
    if draft.origin is None:
        assert draft.entries is not None, "what refers to nothing is evaluated"
        return len(draft.entries)
    assert isinstance(draft.origin, transactions_pb2.Transaction), "made by the store"
    # A part is spread over what is left of all of it; what captures a hold posts on two layers.
    return 2 * len(draft.origin.entries)


def posted_of(replay: Replay) -> Posted:
    """Return what was posted when the request came first."""
    record = replay.recorded.record
    assert isinstance(record, transactions_pb2.Transaction), "made by the store"
    return Posted(record.SerializeToString(), replayed=True)
