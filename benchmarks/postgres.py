"""The one PostgreSQL on which everything runs, and the databases in it."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from ledger_server import embedded

#: Settings that decide what a commit costs, shown with the results.
_SETTINGS: Final = (
    "synchronous_commit",
    "fsync",
    "full_page_writes",
    "wal_sync_method",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
)

_SUPERUSER: Final = "postgres"

#: Some 85 MB of the log at each fill: in all of them more than it has files for at first.
_CREATE_FILLER: Final = "CREATE TABLE filler (text text)"
_FILL: Final = """
INSERT INTO filler
SELECT repeat(md5(number::text), 50) FROM generate_series(1, 50000) AS number
"""
_DROP_FILLER: Final = "DROP TABLE filler"
_FILLS: Final = 10

#: How long autovacuum may keep a database from being copied or dropped.
_FREE_SECONDS_MAX: Final = 120


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Give the DSN of a PostgreSQL: BENCH_DSN, else the embedded one in a folder of its own."""
    if chosen := os.environ.get("BENCH_DSN"):
        yield chosen
        return
    folder = Path(tempfile.mkdtemp(prefix="ledger-bench-"))
    # Started by root, PostgreSQL runs as another user, who must get through.
    folder.chmod(0o711)
    try:
        postgres = embedded.start(folder / "data")
        try:
            yield postgres.dsn
        finally:
            postgres.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Databases:
    """Databases of our own in a cluster, dropped by `drop_all`."""

    def __init__(self, dsn: str) -> None:
        """Use the cluster of `dsn`, whose user may make databases."""
        self._dsn = dsn
        self._prefix = f"ledger_bench_{uuid.uuid4().hex[:8]}"
        self._made: list[str] = []

    async def create(self, name: str, *, like: str | None = None) -> str:
        """Make a database, a copy of the one made as `like` if given; return its DSN."""
        template = f' TEMPLATE "{self._prefix}_{like}"' if like else ""
        full_name = f"{self._prefix}_{name}"
        await self._when_free(f'CREATE DATABASE "{full_name}"{template}')
        self._made.append(full_name)
        return urlunsplit(urlsplit(self._dsn)._replace(path=f"/{full_name}"))

    async def drop_all(self) -> None:
        """Drop what was made."""
        while self._made:
            await self._when_free(f'DROP DATABASE IF EXISTS "{self._made.pop()}" WITH (FORCE)')

    async def checkpoint(self) -> bool:
        """Bring to disk what was written, and tell whether we may ask for that.

        What was loaded at once is on its way to the disk for minutes otherwise, and each page that
        a posting touches meanwhile goes whole into the log. The owner of a database may not ask,
        but the embedded PostgreSQL's file of passwords has its superuser's too.
        """
        for user in (None, _SUPERUSER):
            try:
                connection = await asyncpg.connect(self._dsn, user=user)
                try:
                    await connection.execute("CHECKPOINT")
                finally:
                    await connection.close()
            except (
                asyncpg.InsufficientPrivilegeError,
                asyncpg.InvalidAuthorizationSpecificationError,
            ):
                continue
            return True
        return False

    async def age(self) -> bool:
        """Write so much that files of the log are used again, as where a PostgreSQL has been up.

        In a new one each is made and filled with zeros first, which who writes more waits more for.

        Returns:
            Whether they will be at once, as `checkpoint`.
        """
        connection = await asyncpg.connect(await self.create("filler"))
        try:
            for _ in range(2):
                await connection.execute(_CREATE_FILLER)
                for _ in range(_FILLS):
                    await connection.execute(_FILL)
                await connection.execute(_DROP_FILLER)
                if not await self.checkpoint():
                    return False
        finally:
            await connection.close()
        return True

    async def describe(self) -> dict[str, str]:
        """Return the version and the settings that matter here."""
        connection = await asyncpg.connect(self._dsn)
        try:
            version = {"version": await connection.fetchval("SHOW server_version")}
            return version | {
                name: await connection.fetchval("SELECT current_setting($1)", name)
                for name in _SETTINGS
            }
        finally:
            await connection.close()

    async def _when_free(self, statement: str) -> None:
        """Run a statement on a database that autovacuum may be in, which only it can end."""
        for _ in range(_FREE_SECONDS_MAX):
            try:
                return await self._execute(statement)
            except (
                asyncpg.exceptions.ObjectInUseError,
                asyncpg.exceptions.InsufficientPrivilegeError,
            ):
                await asyncio.sleep(1)
        return await self._execute(statement)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
