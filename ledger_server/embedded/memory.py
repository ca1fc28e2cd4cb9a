"""How much memory PostgreSQL may use on this machine, or in this container."""

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MB: Final = 1024 * 1024
#: Fits a machine of 2 GB beside the ledger and its modules.
_SHARED_MB_MIN: Final = 256
#: The pages that postings over 10,000 accounts touch again and again in a journal of 10,000,000
#: entries fit in, and what is appended meanwhile.
_SHARED_MB_MAX: Final = 1_024
#: One part in so many of the memory. PostgreSQL's manual has a quarter for a machine of its own;
#: this one has other work.
_SHARE: Final = 16

_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN_CGROUPS: Final = Path("/proc/self/cgroup")


def shared_buffers() -> str:
    """Return the setting for the pages that PostgreSQL keeps. They are taken as they are used."""
    wanted = memory_bytes() // _SHARE // _MB
    return f"{min(max(wanted, _SHARED_MB_MIN), _SHARED_MB_MAX)}MB"


def memory_bytes(own_cgroups: Path = _OWN_CGROUPS, cgroups: Path = _CGROUPS) -> int:
    """Return the bytes that processes here may use: the machine's or what it is limited to.

    Args:
        own_cgroups: what `/proc/self/cgroup` says, in the format of cgroups(7).
        cgroups: where the hierarchies of control groups are.
    """
    return min([_machine(), _address_space(), *_limits(own_cgroups, cgroups)])


def _machine() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return 0  # it does not tell


def _address_space() -> int:
    """Return the limit of `ulimit -v`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _limits(own_cgroups: Path, cgroups: Path) -> Iterator[int]:
    """Give the limits of our control groups and of those around them, of both versions."""
    for line in _read(own_cgroups).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            root, name = cgroups, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = cgroups / "memory", "memory.limit_in_bytes"
        else:
            continue
        inside = Path(path.lstrip("/"))
        # In a container the path may be that of the host, and only the root be there.
        for folder in (inside, *inside.parents):
            limit = _read(root / folder / name).strip()
            if limit.isdecimal():  # else "max", or no such group
                yield int(limit)


def _read(file: Path) -> str:
    try:
        # Names of groups may be any bytes.
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError):
        return ""  # not on this system, or a path with a NUL
