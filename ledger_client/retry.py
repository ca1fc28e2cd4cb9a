"""When a failed call is worth repeating, and after how long."""

import dataclasses
import math
import random
from collections.abc import Callable
from typing import Final

import grpc

from ledger_client.errors import LedgerError

#: The reason of an ABORTED call that lost a race for locks and may win the next.
_CONTENTION: Final = "CONTENTION"
#: Statuses after which nobody knows whether the call happened.
_OUTCOME_UNKNOWN: Final = frozenset(
    {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE}
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how fast a call is repeated, always within the call's own deadline."""

    #: Calls in all, the first included; 1 never repeats.
    attempts: int = 5
    #: Bound of the first wait. Each next bound is twice as long.
    backoff_seconds: float = 0.1
    #: The longest bound of a wait.
    backoff_seconds_max: float = 2.0
    #: Bound of one attempt, so that a lost answer leaves time for another; None for no bound
    #: but the call's own deadline.
    attempt_timeout_seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse a policy that cannot work.

        Raises:
            ValueError: names the field.
        """
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {self.attempts}")
        if not 0 <= self.backoff_seconds <= self.backoff_seconds_max:
            raise ValueError("backoff_seconds must lie between 0 and backoff_seconds_max")
        if self.attempt_timeout_seconds is not None and self.attempt_timeout_seconds <= 0:
            raise ValueError("attempt_timeout_seconds must be above 0")

    def wait_seconds(
        self,
        error: LedgerError,
        *,
        attempt: int,
        repeatable: bool,
        jitter: Callable[[], float] = random.random,
    ) -> float | None:
        """Return how long to wait before the next attempt, or None to give up.

        Args:
            error: what the attempt failed with.
            attempt: how many attempts were made, from 1.
            repeatable: whether the call can happen only once however often it is sent: it is a
                read or carries an id.
            jitter: gives numbers from 0 to 1, so that many callers do not return in step.
        """
        if attempt >= self.attempts or not _worth_repeating(error, repeatable=repeatable):
            return None
        bound = min(math.ldexp(self.backoff_seconds, attempt - 1), self.backoff_seconds_max)
        return max(error.retry_after_seconds or 0.0, bound * (0.5 + 0.5 * jitter()))


def _worth_repeating(error: LedgerError, *, repeatable: bool) -> bool:
    if error.status in _OUTCOME_UNKNOWN:
        return repeatable
    if error.status is grpc.StatusCode.ABORTED:
        return error.reason == _CONTENTION
    if error.status is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return error.retry_after_seconds is not None
    return False


#: Never repeats: each call is sent once.
NO_RETRY: Final = RetryPolicy(attempts=1)
