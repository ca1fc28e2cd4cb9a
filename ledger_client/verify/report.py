"""What a verification is asked, and what it answers where nothing is wrong."""

import dataclasses
from collections.abc import Sequence

from ledger_client.errors import LedgerError
from ledger_client.models import Journal
from ledger_client.verify import state
from ledger_client.verify.note import SignedCheckpoint, VerifierKey


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be checked, and against what."""

    #: Without it no signature is checked.
    key: VerifierKey | None = None
    #: Checkpoints that were kept, by where they come from.
    kept: Sequence[tuple[str, SignedCheckpoint]] = ()
    #: Where to go on from; None for the whole journal.
    start: state.Start | None = None
    #: Whether to return the state for the next check.
    save: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was checked, and found right."""

    journal: Journal
    #: The check went on from here; 0 if it began with the first event.
    after_sequence: int
    #: The head of the snapshot that was checked.
    head_sequence: int
    #: All up to the head, counted from where the state began.
    transactions: int
    entries: int
    balances: int
    days: int
    #: Events whose facts this verifier does not know: hashed, but nobody looked at what they state.
    unknown: int
    #: False if what accounts stood at after `after_sequence` was not known.
    whole: bool
    #: Whether signatures were checked.
    signed: bool
    #: The newest, whose root the events give; None if the server has none.
    checkpoint: SignedCheckpoint | None
    #: Why it has none.
    refusal: LedgerError | None
    #: For the next check; None if it was not asked for or cannot be had.
    state: str | None

    @property
    def unsigned(self) -> int:
        """Events that no checkpoint covers yet."""
        covered = self.checkpoint.size if self.checkpoint else 0
        return max(0, self.head_sequence - covered)
