"""The runner of migrations, on folders of the tests' own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from ledger_server.store import migrations
from ledger_server.store.migrations import (
    EditedMigrationError,
    FailedMigrationError,
    LockedDatabaseError,
    MigrationError,
    MigrationFileError,
    NewerDatabaseError,
    OutOfOrderMigrationError,
    PendingMigrationsError,
    UnreachableDatabaseError,
    UnsupportedServerError,
    check,
    migrate,
)

WriteFile = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    """Write a migration and return the folder."""

    def write_file(name: str, body: str) -> Path:
        (tmp_path / f"{name}.sql").write_text(f"-- migrate:up\n{body}\n", encoding="utf-8")
        return tmp_path

    return write_file


async def fetch(dsn: str, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row.values()) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_applies_each_file_once_in_order(empty_database_dsn: str, write: WriteFile) -> None:
    write("0002_rows", "INSERT INTO things VALUES (1), (2);")
    folder = write("0001_things", "CREATE TABLE things (id int); CREATE TABLE others (id int);")
    assert await migrate(empty_database_dsn, folder=folder) == ["0001_things", "0002_rows"]
    assert await migrate(empty_database_dsn, folder=folder) == []
    write("0003_more", "INSERT INTO things VALUES (3);")
    assert await migrate(empty_database_dsn, folder=folder) == ["0003_more"]
    assert await fetch(empty_database_dsn, "SELECT count(*) FROM things") == [(3,)]
    versions = await fetch(empty_database_dsn, "SELECT version FROM schema_migrations ORDER BY 1")
    assert versions == [("0001",), ("0002",), ("0003",)]


async def test_five_starters_at_once_apply_everything_exactly_once(
    empty_database_dsn: str, write: WriteFile
) -> None:
    folder = write("0001_slow", "CREATE TABLE things (id int); SELECT pg_sleep(0.2);")
    write("0002_rows", "INSERT INTO things VALUES (1);")
    applied = await asyncio.gather(*(migrate(empty_database_dsn, folder=folder) for _ in range(5)))
    assert sorted(applied) == [[], [], [], [], ["0001_slow", "0002_rows"]]
    assert await fetch(empty_database_dsn, "SELECT count(*) FROM things") == [(1,)]


async def test_a_file_that_fails_leaves_nothing_and_can_be_mended(
    empty_database_dsn: str, write: WriteFile
) -> None:
    write("0001_good", "CREATE TABLE good (id int);")
    folder = write("0002_bad", "CREATE TABLE half (id int);\nSELECT wrong FROM nowhere;")
    with pytest.raises(FailedMigrationError, match=r"0002_bad failed in line 3: .*nowhere.*42P01"):
        await migrate(empty_database_dsn, folder=folder)
    assert await fetch(empty_database_dsn, "SELECT to_regclass('half')::text") == [(None,)]
    assert await fetch(empty_database_dsn, "SELECT version FROM schema_migrations") == [("0001",)]
    write("0002_bad", "CREATE TABLE half (id int);")
    assert await migrate(empty_database_dsn, folder=folder) == ["0002_bad"]


async def test_refuses_a_file_edited_after_it_was_applied(
    empty_database_dsn: str, write: WriteFile
) -> None:
    folder = write("0001_things", "CREATE TABLE things (id int);")
    await migrate(empty_database_dsn, folder=folder)
    write("0001_things", "CREATE TABLE things (id bigint);")
    for run in (migrate, check):
        with pytest.raises(EditedMigrationError, match="0001_things was edited after it was"):
            await run(empty_database_dsn, folder=folder)


async def test_refuses_a_file_older_than_what_was_applied(
    empty_database_dsn: str, write: WriteFile
) -> None:
    folder = write("0002_things", "CREATE TABLE things (id int);")
    await migrate(empty_database_dsn, folder=folder)
    write("0001_late", "CREATE TABLE late (id int);")
    with pytest.raises(OutOfOrderMigrationError, match="0001_late was never applied"):
        await migrate(empty_database_dsn, folder=folder)


async def test_refuses_a_database_newer_than_the_build(
    empty_database_dsn: str, write: WriteFile
) -> None:
    folder = write("0001_things", "CREATE TABLE things (id int);")
    write("0002_more", "CREATE TABLE more (id int);")
    await migrate(empty_database_dsn, folder=folder)
    (folder / "0002_more.sql").unlink()
    for run in (migrate, check):
        with pytest.raises(NewerDatabaseError, match="0002 that this build does not know"):
            await run(empty_database_dsn, folder=folder)


async def test_check_changes_nothing(empty_database_dsn: str, write: WriteFile) -> None:
    folder = write("0001_things", "CREATE TABLE things (id int);")
    with pytest.raises(PendingMigrationsError, match="0001_things"):
        await check(empty_database_dsn, folder=folder)
    assert await fetch(empty_database_dsn, "SELECT to_regclass('schema_migrations')::text") == [
        (None,)
    ]
    await migrate(empty_database_dsn, folder=folder)
    await check(empty_database_dsn, folder=folder)


async def test_takes_over_what_dbmate_applied(empty_database_dsn: str, write: WriteFile) -> None:
    await execute(
        empty_database_dsn,
        "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
        "INSERT INTO schema_migrations VALUES ('0001')",
    )
    folder = write("0001_things", "CREATE TABLE things (id int);")
    await check(empty_database_dsn, folder=folder)
    write("0002_more", "CREATE TABLE more (id int);")
    assert await migrate(empty_database_dsn, folder=folder) == ["0002_more"]


async def test_runs_outside_a_transaction_on_request(
    empty_database_dsn: str, write: WriteFile
) -> None:
    folder = write("0001_things", "CREATE TABLE things (id int);")
    (folder / "0002_index.sql").write_text(
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY things_id ON things (id);\n"
    )
    results = await asyncio.gather(*(migrate(empty_database_dsn, folder=folder) for _ in range(3)))
    assert sorted(results) == [[], [], ["0001_things", "0002_index"]]


async def test_a_file_cannot_bend_the_session_for_the_next(
    empty_database_dsn: str, write: WriteFile
) -> None:
    folder = write("0001_path", "CREATE SCHEMA other; SET search_path = other;")
    write("0002_things", "CREATE TABLE things (id int);")
    await migrate(empty_database_dsn, folder=folder)
    assert await fetch(empty_database_dsn, "SELECT to_regclass('public.things')::text") == [
        ("things",)
    ]


async def test_gives_up_when_another_holds_the_lock_for_too_long(
    empty_database_dsn: str, write: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_WAIT_S", 0.1)
    folder = write("0001_things", "CREATE TABLE things (id int);")
    connection = await asyncpg.connect(empty_database_dsn)
    await connection.execute(
        f"SELECT pg_advisory_lock({migrations.LOCK_CLASS}, {migrations.LOCK_OBJECT})"
    )
    with pytest.raises(LockedDatabaseError, match="another server has been migrating"):
        await migrate(empty_database_dsn, folder=folder)
    await connection.close()
    assert await migrate(empty_database_dsn, folder=folder) == ["0001_things"]


async def test_refuses_an_old_server(
    empty_database_dsn: str, write: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "SERVER_MAJOR_MIN", 99)
    folder = write("0001_things", "CREATE TABLE things (id int);")
    with pytest.raises(UnsupportedServerError, match="99 is the oldest that works"):
        await migrate(empty_database_dsn, folder=folder)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("1_short.sql", "-- migrate:up\n", "not named like"),
        ("0001-dash.sql", "-- migrate:up\n", "not named like"),
        ("0001_first.sql", "CREATE TABLE x (id int);\n", "the first line"),
        ("0001_first.sql", "-- migrate:up transaction:maybe\n", "the first line"),
        ("0001_down.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n", "no way back"),
    ],
)
def test_refuses_a_file_that_is_not_a_migration(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(MigrationFileError, match=message):
        migrations.read_folder(tmp_path)


def test_refuses_two_files_of_one_number(write: WriteFile) -> None:
    write("0001_one", "SELECT 1;")
    with pytest.raises(MigrationFileError, match="the same number"):
        migrations.read_folder(write("0001_two", "SELECT 2;"))


@pytest.mark.parametrize(
    "dsn", ["postgresql://ledger:hidden@127.0.0.1:1/ledger", "nonsense", "postgresql://[x/y"]
)
async def test_says_when_there_is_no_database_but_not_the_password(
    dsn: str, write: WriteFile
) -> None:
    folder = write("0001_things", "CREATE TABLE things (id int);")
    with pytest.raises(UnreachableDatabaseError) as refusal:
        await migrate(dsn, folder=folder)
    assert "hidden" not in str(refusal.value)
    assert isinstance(refusal.value, MigrationError)


async def test_the_migrations_of_the_engine_are_found_and_applied(database_dsn: str) -> None:
    await check(database_dsn)
    assert await migrate(database_dsn) == []
