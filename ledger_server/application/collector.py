"""Memory while a large answer is made: when it is looked through, and when it is let go."""

import asyncio
import contextlib
import gc
from collections.abc import Iterator
from typing import Final

#: Until what an answer was made of is let go. By then the answer is on its way.
LATER_SECONDS: Final = 0.1


class _Pause:
    """Keeps the garbage collector from looking for as long as this object is there."""

    def __init__(self) -> None:
        # Only who finds the collector at work sets it to work again. So it comes to work however
        # many large answers overlap, and no pause outlasts the making of one.
        self._is_first = gc.isenabled()
        gc.disable()

    def __del__(self) -> None:
        # Not a method that is called: a loop that is closed drops what it was to call later.
        if self._is_first:
            gc.enable()


@contextlib.contextmanager
def large_answer() -> Iterator[list[object]]:
    """Make a large answer in the body; give a list for what it is made of.

    A report over a hundred thousand accounts makes a million objects and lets go of none before
    its end. Whatever the collector walks of them it walks for nothing, and to free them takes a
    tenth of a second: together a fifth of the time, which the caller need not wait.
    """
    kept: list[object] = [_Pause()]
    try:
        yield kept
    finally:
        # From the last to the first: the pause ends when all else is gone.
        asyncio.get_running_loop().call_later(LATER_SECONDS, kept.clear)
