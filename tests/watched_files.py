"""What an event loop watches."""

import asyncio
import os
from typing import Any


def watched_but_closed() -> list[int]:
    """Return the numbers of files that the loop watches although nothing is open under them."""
    loop: Any = asyncio.get_running_loop()
    return [number for number in loop._selector.get_map() if not _is_open(number)]


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
