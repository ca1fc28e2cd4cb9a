"""How long to wait before the next attempt."""

import random
from typing import Final

#: Bound of the first wait; each next is twice as long.
BACKOFF_SECONDS: Final = 0.2
#: The longest bound: a broker that is back is used that soon.
BACKOFF_SECONDS_MAX: Final = 5.0


class Backoff:
    """Waits that grow while nothing works, a little random so that many do not come in step."""

    def __init__(self) -> None:
        """Begin with the shortest."""
        self._bound = BACKOFF_SECONDS

    def reset(self) -> None:
        """Begin anew: something worked."""
        self._bound = BACKOFF_SECONDS

    def next_seconds(self) -> float:
        """Return how long to wait now: half of the bound up to all of it."""
        bound = self._bound
        self._bound = min(bound * 2, BACKOFF_SECONDS_MAX)
        return bound * random.uniform(0.5, 1.0)  # noqa: S311  # no secret hangs on it
