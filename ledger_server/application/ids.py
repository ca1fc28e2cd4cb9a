"""Ids that the server gives where a caller chose none."""

import secrets
import time
from typing import Final
from uuid import UUID

_RANDOM_BITS: Final = 62


def new_id() -> UUID:
    """Return a UUID of version 7: rows that are made one after another lie side by side."""
    milliseconds = time.time_ns() // 1_000_000
    high = milliseconds << 16 | 0x7 << 12 | secrets.randbits(12)
    return UUID(int=high << 64 | 0b10 << 62 | secrets.randbits(_RANDOM_BITS))
