"""A database cluster on disk: made once, whole or not at all."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from ledger_server.embedded.account import Account
from ledger_server.embedded.binaries import Binaries, find_other_major
from ledger_server.embedded.errors import EmbeddedPostgresError

#: The role that owns the ledger's database, and the name of that database.
OWNER = "ledger"
DATABASE = "ledger"
_SUPERUSER = "postgres"
_UNFINISHED_PREFIX = "postgres.unfinished-"
#: initdb of PostgreSQL 18 takes half a second; a slow disk may need a hundred times that.
_INITDB_TIMEOUT_S = 120
#: From this major on the locale C.UTF-8 is built in, the same on every system.
_BUILTIN_LOCALE_MAJOR_MIN = 17


def password_file(data_dir: Path) -> Path:
    """Return the file of the roles' passwords, in the form of libpq's .pgpass."""
    return data_dir / "pgpass"


def cluster_dir(data_dir: Path) -> Path:
    """Return what PostgreSQL calls its data directory."""
    return data_dir / "postgres"


def prepare_cluster(data_dir: Path, binaries: Binaries, account: Account) -> None:
    """Leave in `data_dir` a cluster with the ledger's role and database, making it if need be.

    Raises:
        EmbeddedPostgresError: when it cannot be made or belongs to another PostgreSQL.
    """
    cluster = cluster_dir(data_dir)
    if cluster.is_dir():
        _check_major(cluster, binaries, account)
        if not password_file(data_dir).is_file():
            raise EmbeddedPostgresError(
                f"{password_file(data_dir)} is missing, without it the database in {cluster} "
                "cannot be opened; restore it from the backup of the data directory"
            )
        return
    # Made beside its place and renamed there when whole, so what was cut short is never used.
    # Its name is new each time: an initdb whose server was killed may still be at work.
    for abandoned in data_dir.glob(f"{_UNFINISHED_PREFIX}*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    unfinished = data_dir / f"{_UNFINISHED_PREFIX}{secrets.token_hex(4)}"
    superuser_password, owner_password = secrets.token_hex(24), secrets.token_hex(24)
    _write_private(
        password_file(data_dir),
        f"*:*:*:{_SUPERUSER}:{superuser_password}\n*:*:*:{OWNER}:{owner_password}\n",
        account,
    )
    _initdb(unfinished, superuser_password, binaries, account)
    _create_owner_and_database(unfinished, owner_password, binaries, account)
    unfinished.rename(cluster)
    _sync_directory(data_dir)


def environment() -> dict[str, str]:
    """Return our environment without what would bend PostgreSQL: its variables and the locale."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    # Messages are in English, for we look for some of them.
    return {**kept, "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


def _check_major(cluster: Path, binaries: Binaries, account: Account) -> None:
    written_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    if written_by == str(binaries.major):
        return
    matching = find_other_major(account, int(written_by)) if written_by.isdecimal() else None
    advice = (
        f"set LEDGER_PG_BINDIR={matching}"
        if matching
        else f"set LEDGER_PG_BINDIR to the bin folder of a PostgreSQL {written_by}"
    )
    raise EmbeddedPostgresError(
        f"{cluster} was made by PostgreSQL {written_by} and {binaries.bin_dir} is "
        f"{binaries.version}, which cannot open it; {advice}, "
        "then move to the newer with pg_dump or pg_upgrade"
    )


def _initdb(cluster: Path, superuser_password: str, binaries: Binaries, account: Account) -> None:
    locale = ["--locale=C", "--encoding=UTF8"]
    if binaries.major >= _BUILTIN_LOCALE_MAJOR_MIN:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    first_password = cluster.parent / "initdb-password"
    _write_private(first_password, superuser_password + "\n", account)
    try:
        _run(
            [
                binaries.program("initdb"),
                f"--pgdata={cluster}",
                f"--username={_SUPERUSER}",
                f"--pwfile={first_password}",
                "--auth=scram-sha-256",
                "--data-checksums",
                *locale,
            ],
            account,
        )
    finally:
        first_password.unlink()


def _create_owner_and_database(
    cluster: Path, owner_password: str, binaries: Binaries, account: Account
) -> None:
    """Create them before the first start, in single-user mode: one statement a line."""
    _run(
        [
            binaries.program("postgres"),
            "--single",
            "-j",
            "-D",
            str(cluster),
            # Should the statement with the password fail, it must not be logged.
            *("-c", "log_min_error_statement=panic"),
            "postgres",
        ],
        account,
        # The owner may make databases (a restore is tried in one) and roles (the server's own).
        statements=(
            f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD '{owner_password}';\n\n"
            f"CREATE DATABASE {DATABASE} OWNER {OWNER};\n\n"
        ),
    )


def _run(command: list[str], account: Account, *, statements: str = "") -> None:
    program = Path(command[0]).name
    try:
        outcome = subprocess.run(  # noqa: S603  # PostgreSQL's own, no shell
            command,
            check=False,
            capture_output=True,
            input=statements,
            text=True,
            errors="replace",
            cwd="/",
            env=environment(),
            timeout=_INITDB_TIMEOUT_S,
            **account.popen_arguments(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedPostgresError(
            f"{program} could not make the database ({error}); "
            "remove the data directory if it is new, and start again"
        ) from error
    # In single-user mode a failed statement does not show in the exit status.
    failed = outcome.returncode != 0 or "ERROR:" in outcome.stderr
    if failed:
        said = " / ".join(line.strip() for line in outcome.stderr.splitlines() if line.strip())
        raise EmbeddedPostgresError(
            f"{program} could not make the database (exit {outcome.returncode}): {said[-600:]}; "
            "correct that and start again"
        )


def _write_private(path: Path, text: str, account: Account) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        account.give(path)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
