"""Follow a journal from Python: every event handled, in order, over every interruption."""

from ledger_client.subscriber.checkpoint import CheckpointStore, Work
from ledger_client.subscriber.dead_letter import DeadLetter, LetterState
from ledger_client.subscriber.delivery import Alert, FailurePolicy, OnPoison, log_dead_letter
from ledger_client.subscriber.failures import (
    CheckpointAheadError,
    CheckpointDamagedError,
    CheckpointInUseError,
    CheckpointMovedError,
    CheckpointOfOtherJournalError,
    HandlerError,
    HandlerNotAsyncError,
    PoisonEventError,
    StoreUnavailableError,
    StreamBrokenError,
    SubscriberError,
    TransactionEndedError,
)
from ledger_client.subscriber.file_checkpoints import FileCheckpoints
from ledger_client.subscriber.journal_subscriber import JournalSubscriber
from ledger_client.subscriber.memory_checkpoints import MemoryCheckpoints
from ledger_client.subscriber.postgres_checkpoints import Connection, PostgresCheckpoints
from ledger_client.subscriber.postgres_tables import POSTGRES_TABLES
from ledger_client.subscriber.replaying import DeadLetterStore, discard, replay

__all__ = [
    "POSTGRES_TABLES",
    "Alert",
    "CheckpointAheadError",
    "CheckpointDamagedError",
    "CheckpointInUseError",
    "CheckpointMovedError",
    "CheckpointOfOtherJournalError",
    "CheckpointStore",
    "Connection",
    "DeadLetter",
    "DeadLetterStore",
    "FailurePolicy",
    "FileCheckpoints",
    "HandlerError",
    "HandlerNotAsyncError",
    "JournalSubscriber",
    "LetterState",
    "MemoryCheckpoints",
    "OnPoison",
    "PoisonEventError",
    "PostgresCheckpoints",
    "StoreUnavailableError",
    "StreamBrokenError",
    "SubscriberError",
    "TransactionEndedError",
    "Work",
    "discard",
    "log_dead_letter",
    "replay",
]
