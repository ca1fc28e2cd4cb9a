"""How long to wait before the next try."""

import dataclasses
import math
import random
from collections.abc import Callable
from typing import Final

#: Beyond it the bound has long been reached; a larger exponent would overflow.
_DOUBLINGS_MAX: Final = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double up to a bound, each cut by chance so that many do not return in step."""

    #: Bound of the first wait.
    first_seconds: float
    #: Bound of the longest.
    most_seconds: float

    def __post_init__(self) -> None:
        """Refuse bounds that cannot work.

        Raises:
            ValueError: the first is negative or above the longest.
        """
        if not 0 <= self.first_seconds <= self.most_seconds:
            raise ValueError("the first wait must lie between 0 and the longest")

    def seconds(self, failures: int, jitter: Callable[[], float] = random.random) -> float:
        """Return the wait after so many failures in a row, from 1.

        Args:
            failures: how many there were.
            jitter: gives numbers from 0 to 1; a wait is between half of its bound and all of it.
        """
        doublings = min(failures - 1, _DOUBLINGS_MAX)
        bound = min(math.ldexp(self.first_seconds, doublings), self.most_seconds)
        return bound * (0.5 + 0.5 * jitter())
