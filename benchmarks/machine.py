"""Where a result comes from: a number without its machine says nothing."""

import importlib.metadata
import math
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Final

_STEPS: Final = 100_000
_TREE: Final = Path(__file__).resolve().parents[1]


def describe() -> dict[str, object]:
    """Return cores, processor, memory, Python, gRPC and the commit."""
    return {
        "cores": os.cpu_count(),
        "processor": _first_line_with("/proc/cpuinfo", "model name") or platform.processor(),
        "memory": _first_line_with("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, {platform.python_compiler()}",
        "grpcio": importlib.metadata.version("grpcio"),
        "python_steps_per_us": _steps_per_us(),
        "commit": _commit(),
    }


def load_average() -> float:
    """Return the processes that wanted to run, over the last minute."""
    return round(os.getloadavg()[0], 2)


def _steps_per_us() -> float:
    """Return how fast the interpreter is: one that was built without optimisations is half as fast.

    The best of some runs over a fixed loop of dicts, tuples and texts, as a posting's Python is.
    """
    best = math.inf
    for _ in range(5):
        sums: dict[tuple[int, str], int] = {}
        began = time.perf_counter()
        for number in range(_STEPS):
            key = number % 1_000, "USD"
            sums[key] = sums.get(key, 0) + len(str(number))
        best = min(best, time.perf_counter() - began)
    return round(_STEPS / best / 1e6, 1)


def _first_line_with(path: str, name: str) -> str | None:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(name)), None)
    return found.partition(":")[2].strip() if found else None


def _commit() -> str:
    """Return the commit, with a plus if the tree has changes, or nothing outside of git."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        return f"{commit}+" if _git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], check=True, capture_output=True, text=True, cwd=_TREE
    )
    return done.stdout.strip()
