"""Why a subscriber cannot go on. What it can wait out, such as a server that restarts, is none."""

from uuid import UUID


class SubscriberError(Exception):
    """A subscriber stopped where it stood; going on would lose or repeat something."""


class CheckpointDamagedError(SubscriberError):
    """The checkpoint is there but cannot be read. It is not taken for a new one."""


class CheckpointOfOtherJournalError(SubscriberError):
    """The checkpoint was made on another journal, of which its position says nothing here."""

    def __init__(self, place: str, *, found: UUID, wanted: UUID) -> None:
        """State both journals."""
        super().__init__(
            f"{place} belongs to journal {found}, not to {wanted}: "
            "give each journal a checkpoint of its own"
        )
        self.found = found
        self.wanted = wanted


class CheckpointAheadError(SubscriberError):
    """The checkpoint is beyond the journal's head: the journal was restored from an older copy."""

    def __init__(self, position: int, detail: str) -> None:
        """State the position and what the server said."""
        super().__init__(
            f"the checkpoint stands at {position}, where the journal has not come to ({detail}): "
            "its events up to there are not those that were handled"
        )
        self.position = position


class CheckpointMovedError(SubscriberError):
    """Somebody put the checkpoint back, or took it away, while the subscriber was at work."""


class CheckpointInUseError(SubscriberError):
    """Another process works with this checkpoint."""


class StreamBrokenError(SubscriberError):
    """The stream left out an event or sent one twice, which a ledger never does."""


class PoisonEventError(SubscriberError):
    """An event could not be handled and the subscriber was told to stop at such a one."""

    def __init__(self, sequence: int, attempts: int, error: str) -> None:
        """State which, how often it was tried, and the last failure."""
        super().__init__(f"event {sequence} failed {attempts} times, the last with {error}")
        self.sequence = sequence
        self.attempts = attempts


class HandlerNotAsyncError(SubscriberError):
    """The handler returned something that cannot be awaited: it is no `async def` function."""


class TransactionEndedError(SubscriberError):
    """A handler committed or rolled back the transaction that its checkpoint belongs to."""


class StoreUnavailableError(Exception):
    """Where the checkpoint is kept does not answer now. The subscriber waits and tries again."""


class HandlerError(Exception):
    """The handler failed, or what it did could not be kept; the cause says why."""


class StoppedError(Exception):
    """The subscriber was asked to stop while it waited."""
