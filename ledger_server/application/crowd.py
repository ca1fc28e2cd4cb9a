"""Whether callers are so many that a batch had better wait for more of them: learnt by looking."""

from typing import Final

#: Calls that came together and tell that callers are many.
CALLS_OF_CROWD: Final = 24
#: Gatherings in a row to which fewer came, after which the crowd is gone. One of them tells little:
#: the callers' machine, or this one, was busy with something else for a moment.
_SHORT_MAX: Final = 3
#: The most batches between two looks for a crowd. A look costs few callers a moment of nothing.
_INTERVAL_MAX: Final = 32


class Crowd:
    """What was learnt of the number of callers, and when to look again."""

    def __init__(self) -> None:
        """Begin without a crowd; the first batch is a look."""
        self._is_there = False
        #: Gatherings in a row that fell short.
        self._short = 0
        #: Batches from a look that found no crowd to the next, and those of them still to come.
        self._interval = 1
        self._left = 0

    def is_to_be_gathered(self) -> bool:
        """Tell whether the next batch is to wait for more calls. Asked once a batch."""
        if self._is_there or not self._left:
            return True
        self._left -= 1
        return False

    def learn(self, calls: int) -> None:
        """Take note of how many calls came to a batch that waited for them."""
        if calls >= CALLS_OF_CROWD:
            self._is_there, self._short, self._interval = True, 0, 1
        elif self._is_there:
            self._short += 1
            self._is_there = self._short < _SHORT_MAX
        else:
            # Sooner at first: a crowd that seemed gone is often there, and costs a batch for every
            # few of its calls until it is found again.
            self._left = self._interval
            self._interval = min(2 * self._interval, _INTERVAL_MAX)
