"""Ports for programs that are stopped and started again on the same one."""

import random
import socket
from typing import Final

#: Below those that systems hand out to connections: one of these, which every test makes by the
#: hundred, could get a port between the end of a program and its next start.
_PORTS: Final = range(20_000, 32_000)


def free_port() -> int:
    """Return a port that nobody listens on and no connection is given."""
    while True:
        # Other processes look for one at the same time.
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def free_ports(count: int) -> list[int]:
    """Return so many different ones."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)
