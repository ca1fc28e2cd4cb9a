"""How much memory the embedded PostgreSQL takes: the machine's, or that of its container."""

import os
import resource
from pathlib import Path

import pytest

from ledger_server.embedded import memory

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
GB = 1024**3


def bytes_in(folder: Path, own: str, limits: dict[str, str]) -> int:
    """Return what may be used in the control groups `own`, with files of these contents."""
    (folder / "own").write_text(own, encoding="utf-8")
    for name, content in limits.items():
        file = folder / "fs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
    return memory.memory_bytes(folder / "own", folder / "fs")


@pytest.mark.parametrize(
    ("own", "limits", "expected"),
    [
        ("", {}, MACHINE),
        ("0::/\n", {"memory.max": "max"}, MACHINE),
        ("0::/\n", {"memory.max": "1073741824"}, GB),
        # The tightest of those around it counts.
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "1073741824"}, GB),
        ("0::/a/b\n", {"a/b/memory.max": "536870912", "a/memory.max": "1073741824"}, GB // 2),
        # The path is that of the host, of which the container shows its own part only.
        ("0::/docker/ab12\n", {"memory.max": "1073741824"}, GB),
        (
            "4:cpu,memory:/a\n1:name=systemd:/\n",
            {"memory/a/memory.limit_in_bytes": "1073741824"},
            GB,
        ),
        # What the first version writes for no limit.
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, MACHINE),
        ("4:memory:/\n0::/\n", {"memory/memory.limit_in_bytes": "1073741824"}, GB),
        ("0::/lxc/büro\n", {"lxc/büro/memory.max": "1073741824"}, GB),
        ("0::/a\0b\nnonsense\n\n", {"memory.max": "1073741824"}, GB),
    ],
)
def test_a_container_has_what_it_may_use(
    tmp_path: Path, own: str, limits: dict[str, str], expected: int
) -> None:
    assert bytes_in(tmp_path, own, limits) == expected


def test_a_system_without_control_groups_has_what_the_machine_has(tmp_path: Path) -> None:
    assert memory.memory_bytes(tmp_path / "none", tmp_path / "fs") == MACHINE


@pytest.mark.parametrize(
    ("gigabytes", "expected"), [(0.5, "256MB"), (2, "256MB"), (8, "512MB"), (1_000, "1024MB")]
)
def test_pages_are_kept_as_there_is_memory(
    monkeypatch: pytest.MonkeyPatch, gigabytes: float, expected: str
) -> None:
    monkeypatch.setattr(memory, "memory_bytes", lambda: int(gigabytes * GB))
    assert memory.shared_buffers() == expected


def test_a_limit_of_the_address_space_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (GB, resource.RLIM_INFINITY))
    assert memory.memory_bytes(tmp_path / "none", tmp_path / "fs") == GB


def test_a_machine_that_does_not_tell_is_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_name: str) -> int:
        raise ValueError

    monkeypatch.setattr(os, "sysconf", unknown)
    assert memory.shared_buffers() == "256MB"
