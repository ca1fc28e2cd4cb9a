"""What a verifier can find wrong, each with a stable name."""

import dataclasses
import enum


class Code(enum.StrEnum):
    """What is wrong. Scripts rely on these: they never change."""

    EVENT_MISSING = "EVENT_MISSING"  # sequences have a gap, or the head lies beyond the last event
    EVENT_MALFORMED = "EVENT_MALFORMED"  # bytes are not an event, or its parts contradict
    EVENT_CHANGED = "EVENT_CHANGED"  # an event is not the one that was signed
    RECORD_TIME_WRONG = "RECORD_TIME_WRONG"  # recorded before the event before it
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"  # an entry on an account that never came into being
    AMOUNT_WRONG = "AMOUNT_WRONG"  # not above zero, or not of the currency's decimals
    UNBALANCED = "UNBALANCED"  # debits and credits of a transaction differ
    BALANCE_AFTER_WRONG = "BALANCE_AFTER_WRONG"  # not what the entries so far add up to
    VERSION_WRONG = "VERSION_WRONG"  # versions of a balance have a gap, or one comes twice
    HOLD_WRONG = "HOLD_WRONG"  # placed is not captured, released and left
    REVERSAL_WRONG = "REVERSAL_WRONG"  # takes back what is not there, or more than there is
    ERASURE_UNRECORDED = "ERASURE_UNRECORDED"  # a personal part is gone, and no event says so
    ENTRY_ROW_WRONG = "ENTRY_ROW_WRONG"  # a row of entries is not what the event says
    ENTRY_ROW_MISSING = "ENTRY_ROW_MISSING"  # an entry of an event has no row
    ENTRY_ROW_EXTRA = "ENTRY_ROW_EXTRA"  # a row of entries that no event states
    TRANSACTION_ROW_WRONG = "TRANSACTION_ROW_WRONG"  # as for entries
    TRANSACTION_ROW_MISSING = "TRANSACTION_ROW_MISSING"
    TRANSACTION_ROW_EXTRA = "TRANSACTION_ROW_EXTRA"
    BALANCE_ROW_WRONG = "BALANCE_ROW_WRONG"  # a stored balance is not the sum of its entries
    DAY_ROW_WRONG = "DAY_ROW_WRONG"  # a stored daily sum is not the sum of its entries
    SIGNATURE_WRONG = "SIGNATURE_WRONG"  # a checkpoint was not signed by the key given
    CHECKPOINT_WRONG = "CHECKPOINT_WRONG"  # a checkpoint is none, or of another journal
    TAIL_MISSING = "TAIL_MISSING"  # a checkpoint covers more events than there are
    ROOT_WRONG = "ROOT_WRONG"  # the events do not give the root of a checkpoint
    HISTORY_REWRITTEN = "HISTORY_REWRITTEN"  # an older checkpoint is not the beginning of this tree
    PROOF_WRONG = "PROOF_WRONG"  # a proof does not lead to the root


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The first thing that is wrong."""

    code: Code
    #: One sentence for people.
    message: str
    #: Where: that of the event, 0 if it is not one event.
    sequence: int = 0
    #: Code of the account, or its id if the code is not known; empty if it is not about one.
    account: str = ""
    currency: str = ""
    #: What follows from all that came before.
    expected: str = ""
    #: What is there instead.
    found: str = ""


class WrongError(Exception):
    """Something is wrong: the journal is not what it says it is."""

    def __init__(self, finding: Finding) -> None:
        """Keep what was found."""
        super().__init__(f"{finding.code}: {finding.message}")
        self.finding = finding


def wrong(
    code: Code,
    message: str,
    *,
    sequence: int = 0,
    account: str = "",
    currency: str = "",
    expected: object = "",
    found: object = "",
) -> WrongError:
    """Return the error for a finding."""
    return WrongError(
        Finding(
            code=code,
            message=message,
            sequence=sequence,
            account=account,
            currency=currency,
            expected=str(expected),
            found=str(found),
        )
    )
