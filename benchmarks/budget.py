"""Where the time of a posting goes: `python -m benchmarks.budget [--batch 500]`.

Runs the servicer in this process, one call at a time, with a watch on each phase. Times are
microseconds a posting: `cpu` is this thread's own work, `wait` is what it waits for PostgreSQL.
"""

import argparse
import contextlib
import decimal
import functools
import importlib
import inspect
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.books import open_books
from benchmarks.postgres import Databases, running_postgres
from benchmarks.workload import Shape, batch_requests, transfers
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.api.paging import PageTokens
from ledger_server.api.transactions import TransactionServicer
from ledger_server.application.journal_books import Library
from ledger_server.application.post import Poster
from ledger_server.domain.primitives import EXACT
from ledger_server.store.database import Database

#: The phases in the order in which they run, and the functions that are each of them.
_PHASES: Final[dict[str, Sequence[str]]] = {
    "decode": ("ledger_server.api.transactions:transaction_command",),
    "evaluate": ("ledger_server.application.post:prepare",),
    "read balances": ("ledger_server.store.postings:read_balances_at_head_in_tx",),
    "find": ("ledger_server.store.postings:find_known_in_tx",),
    "decide": ("ledger_server.application.batch:decide_group",),
    "sum up days": ("ledger_server.application.batch:settle_days",),
    "encode events": ("ledger_server.application.batch:posting_event",),
    "encode answers": ("ledger_server.api.transactions:_answer",),
    "columns": ("ledger_server.store.postings:encode_batch",),
    "write": ("ledger_server.store.postings:write_batch_in_tx",),
}
_WARM_UP_CALLS: Final = 10


class Watch:
    """Adds up the time of phases; a phase within another is taken off the outer one."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.wait: defaultdict[str, float] = defaultdict(float)
        self._inner: list[tuple[float, float]] = []

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the body."""
        self._inner.append((0.0, 0.0))
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
            inner_cpu, inner_wall = self._inner.pop()
            self.cpu[name] += cpu - inner_cpu
            self.wait[name] += max(0.0, wall - cpu - (inner_wall - inner_cpu))
            if self._inner:
                outer_cpu, outer_wall = self._inner[-1]
                self._inner[-1] = (outer_cpu + cpu, outer_wall + wall)

    def attach(self) -> None:
        """Put this watch around the functions of all phases, and around each statement."""
        for name, places in _PHASES.items():
            for place in places:
                module_name, _, attribute = place.partition(":")
                module = importlib.import_module(module_name)
                timed = self._timed(_always(name), getattr(module, attribute))
                setattr(module, attribute, timed)
        transaction = importlib.import_module("ledger_server.store.database").Tx
        transaction.fetch = self._timed(lambda given: _statement(given[1]), transaction.fetch)

    def _timed(self, name_of: Callable[[Any], str], function: Any) -> Any:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def timed(*given: Any, **named: Any) -> Any:
                with self.phase(name_of(given)):
                    return await function(*given, **named)

        else:

            @functools.wraps(function)
            def timed(*given: Any, **named: Any) -> Any:
                with self.phase(name_of(given)):
                    return function(*given, **named)

        return timed


def _always(name: str) -> Callable[[Any], str]:
    return lambda _: name


def _statement(query: str) -> str:
    """Return the name that the first line of a query gives."""
    return f"SQL {query.partition(chr(10))[0].removeprefix('-- ')[:40]}"


async def _measure(dsn: str, batch: int, calls: int) -> Watch:
    """Post `calls` batches and return what was seen of all but the first."""
    decimal.setcontext(EXACT.copy())
    database = await Database.connect(dsn)
    poster = Poster(database, Library(database), lambda: datetime.now(UTC))
    servicer = TransactionServicer(database, PageTokens(b"unused"), poster)
    watch = Watch()
    watch.attach()
    transactions = transfers(Shape.SPREAD, batch * (calls + _WARM_UP_CALLS), seed=1)
    for number, request in enumerate(batch_requests(transactions, batch)):
        if number == _WARM_UP_CALLS:
            watch.cpu.clear()
            watch.wait.clear()
        with watch.phase("BEGIN, COMMIT, queue, the rest"):
            with watch.phase("parse request"):
                parsed = pb.PostTransactionsRequest.FromString(request)
            await servicer.PostTransactions(parsed, None)
    await poster.close()
    await database.close()
    return watch


async def _run(dsn: str, batch: int, calls: int) -> Watch:
    databases = Databases(dsn)
    with tempfile.TemporaryDirectory() as folder:
        try:
            ledger = await databases.create("ledger")
            await open_books(ledger, Path(folder) / "server.log")
            return await _measure(ledger, batch, calls)
        finally:
            await databases.drop_all()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.budget", description=__doc__)
    parser.add_argument("--batch", type=int, default=500, help="transactions a call")
    parser.add_argument("--calls", type=int, default=40, help="how many calls")
    options = parser.parse_args()
    with running_postgres() as dsn:
        watch = uvloop.run(_run(dsn, options.batch, options.calls))
    count = options.batch * options.calls
    table = Table("phase", "cpu", "wait", title=f"us a posting, batches of {options.batch}")
    for name in ("parse request", *_PHASES, *(set(watch.cpu) - {"parse request", *_PHASES})):
        table.add_row(
            name, *(f"{times[name] * 1e6 / count:.1f}" for times in (watch.cpu, watch.wait))
        )
    table.add_row(
        "all", *(f"{sum(times.values()) * 1e6 / count:.1f}" for times in (watch.cpu, watch.wait))
    )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
