"""The refusals of holds, reversals, limits and periods by one name while they are being built.

They stand in `domain/errors/`, and are imported from there when this has been merged.
"""

from ledger_server.domain.errors import (
    AlreadyReversedError,
    CaptureExceedsError,
    ExpireTimePassedError,
    HoldLayerError,
    HoldNotFoundError,
    HoldNotOpenError,
    LimitExceededError,
    LimitExistsError,
    LimitInvalidError,
    LimitNotAttachedError,
    LimitNotFoundError,
    NotReversibleError,
    PeriodClosedError,
    PeriodLockedError,
    PeriodOrderError,
    ReversalExceedsError,
)

__all__ = [
    "AlreadyReversedError",
    "CaptureExceedsError",
    "ExpireTimePassedError",
    "HoldLayerError",
    "HoldNotFoundError",
    "HoldNotOpenError",
    "LimitExceededError",
    "LimitExistsError",
    "LimitInvalidError",
    "LimitNotAttachedError",
    "LimitNotFoundError",
    "NotReversibleError",
    "PeriodClosedError",
    "PeriodLockedError",
    "PeriodOrderError",
    "ReversalExceedsError",
]
