"""Ids that sort by the time of their making: UUID version 7 (RFC 9562)."""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

_COUNTER_BITS: Final = 42
_RANDOM_BITS: Final = 32
_COUNTER_MAX: Final = (1 << _COUNTER_BITS) - 1
#: A fresh counter starts in the lower half, so that it can count up for long in one millisecond.
_COUNTER_START_BITS: Final = _COUNTER_BITS - 1


class IdMaker:
    """Makes ids of which each is greater than the one before, also when the clock goes back.

    Layout, from the top: 48 bits of milliseconds, version, 12 and 30 bits of a counter that
    starts at random each millisecond, with the variant between them, and 32 random bits.
    """

    def __init__(self, clock_ms: Callable[[], int] | None = None) -> None:
        """Start with nothing made. `clock_ms` gives milliseconds since 1970."""
        self._clock_ms = clock_ms or _now_ms
        self._lock = threading.Lock()
        self._last_ms = -1
        self._counter = 0

    def make(self) -> UUID:
        """Return a new id. Safe to call from any thread."""
        with self._lock:
            now_ms = self._clock_ms()
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                self._counter = secrets.randbits(_COUNTER_START_BITS)
            elif self._counter < _COUNTER_MAX:
                self._counter += 1
            else:
                self._last_ms += 1  # the counter is used up: borrow from the next millisecond
                self._counter = secrets.randbits(_COUNTER_START_BITS)
            return _layout(self._last_ms, self._counter, secrets.randbits(_RANDOM_BITS))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _layout(time_ms: int, counter: int, random: int) -> UUID:
    counter_high, counter_low = counter >> 30, counter & ((1 << 30) - 1)
    high = time_ms << 16 | 0x7 << 12 | counter_high
    low = 0b10 << 62 | counter_low << 32 | random
    return UUID(int=high << 64 | low)


_maker: Final = IdMaker()


def new_id() -> UUID:
    """Return a UUIDv7 greater than all that this process was given before."""
    return _maker.make()
