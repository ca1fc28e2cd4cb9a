"""The balances of a journal as this server left them: what need not be read again."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final
from uuid import UUID

from ledger_server.domain.books import BalanceState
from ledger_server.domain.transaction import BalanceKey

#: Balances remembered of one journal: about 1 kB each.
BALANCES_MAX: Final = 100_000


class KnownBalances:
    """Balances, and the one sequence of the journal at which they stand.

    A batch is decided on them and written only if the journal still is where they stand, so a
    memory that is behind can delay a posting but never decide one. Whatever is not certain any
    more is forgotten as a whole.
    """

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.states: dict[BalanceKey, BalanceState] = {}
        #: The sequence at which `states` stand, with all that is decided; None if not known.
        self.sequence: int | None = None
        #: The same without what is decided and not committed yet.
        self.committed: int | None = None
        #: Where each batch that is decided and not committed yet will leave the journal.
        self._under_way: list[int] = []
        #: The batch that was decided last; None if none was since all was forgotten.
        self.last_batch: UUID | None = None
        #: Grows when everything is forgotten: what was decided before is void.
        self.generation = 0

    @property
    def is_full(self) -> bool:
        """Tell whether they are too many: then nothing may be decided ahead, or they never go."""
        return len(self.states) > BALANCES_MAX

    def forget(self) -> None:
        """Know nothing any more."""
        # A new dict: what is being written keeps the old one.
        self.states = {}
        self.sequence = self.committed = self.last_batch = None
        self._under_way = []
        self.generation += 1

    def begin(self, head_sequence: int) -> bool:
        """Tell whether the journal, seen at `head_sequence`, is where the balances stand.

        If nothing is known, they stand there from now on.
        """
        if self.sequence is None:
            self.sequence = self.committed = head_sequence
        if self.sequence == self.committed and self.is_full:
            # The half that was read first goes.
            self.states = dict(islice(self.states.items(), len(self.states) // 2, None))
        # What is decided and under way may be committed or not when the journal was seen.
        return head_sequence == self.committed or head_sequence in self._under_way

    def missing(self, keys: Collection[BalanceKey]) -> list[BalanceKey]:
        """Return those of `keys` that have to be read."""
        # A set and a dict do not hash again what the other has hashed.
        absent = frozenset(keys).difference(self.states)
        return [key for key in keys if key in absent] if absent else []

    def learn(self, keys: Iterable[BalanceKey], found: dict[BalanceKey, BalanceState]) -> None:
        """Remember what was read for `keys`; a balance that is not there yet is zero."""
        assert self.sequence is not None, "begun, and not forgotten since"
        for key in keys:
            self.states[key] = found.get(key) or BalanceState.empty()

    def advance(self, count: int, batch_id: UUID) -> None:
        """Note that a batch was decided: each of its `count` postings is a step of the sequence."""
        assert self.sequence is not None, "begun"
        self.sequence += count
        self.last_batch = batch_id
        self._under_way.append(self.sequence)

    def commit(self, head_sequence: int) -> None:
        """Note that all up to `head_sequence` is committed. What was told before may be further."""
        self.committed = max(head_sequence, self.committed or 0)
        self._under_way = [end for end in self._under_way if end > head_sequence]
