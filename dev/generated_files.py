"""Files that are generated and checked in: written, or held against what would be written."""

import argparse
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NoReturn

from dev.contract_comments import ROOT


def is_check(description: str | None) -> bool:
    """Return whether the command line asks only whether what is there is up to date."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true")
    check: bool = parser.parse_args().check
    return check


def write_or_check(
    description: str | None,
    found: Mapping[Path, str],
    target: Path,
    *,
    by_others: Collection[Path] = (),
) -> None:
    """Write what is not as generated and remove what is left over; with `--check` only tell of it.

    Args:
        description: of the program.
        found: the text of each file, by its place below `target`.
        target: their folder.
        by_others: files and folders below `target` that are none of these.
    """
    names = outdated(found, target, by_others=by_others)
    if is_check(description):
        if names:
            stale(target, *names)
        return
    for name in names:
        path = target / name
        if name in found:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found[name], encoding="utf-8")
        else:
            path.unlink()


def outdated(
    found: Mapping[Path, str], target: Path, *, by_others: Collection[Path] = ()
) -> list[Path]:
    """Return the places of files that are not as they would be generated, or left over."""
    there = {path.relative_to(target) for path in target.rglob("*") if path.is_file()}
    wrong = {
        name
        for name, text in found.items()
        if name not in there or (target / name).read_text(encoding="utf-8") != text
    }
    left_over = {
        name for name in there - found.keys() if not {name, *name.parents} & set(by_others)
    }
    return sorted(wrong | left_over)


def stale(target: Path, *names: Path) -> NoReturn:
    """End with the news that `target`, or these files below it, are out of date."""
    which = f" ({', '.join(map(str, names))})" if names else ""
    sys.exit(f"{target.relative_to(ROOT)} is not as generated: run `make generate`{which}")
