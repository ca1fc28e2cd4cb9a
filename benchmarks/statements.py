"""The ledger's own statements without the ledger: recorded once, run again by asyncpg alone.

What one posting sends to the database is recorded by posting in this process on one copy of the
books. Replayed on another copy that is equal, with arguments ready made, it is the least that a
posting can take: the difference to the server's latency is gRPC and Python.
"""

import contextlib
import dataclasses
import decimal
import statistics
import time
import types
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from benchmarks.workload import ACCOUNT_COUNT, JOURNAL, Shape, batch_requests, transfers
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.api.paging import PageTokens
from ledger_server.api.transactions import TransactionServicer
from ledger_server.application.journal_books import Library
from ledger_server.application.post import Poster
from ledger_server.domain.primitives import EXACT, JournalId
from ledger_server.store.database import Database, Row, Tx

_BATCH: Final = 500
_NOTHING: Final = contextlib.nullcontext()

#: A query and its arguments.
Statement = tuple[str, tuple[object, ...]]


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """Statements that were sent together, and whether BEGIN and COMMIT were around them."""

    statements: list[Statement]
    is_transaction: bool


@dataclasses.dataclass(slots=True)
class Recording:
    """What a writer sent, and the settings of its connection."""

    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    #: Until every account and balance was remembered.
    warm_up: list[Unit] = dataclasses.field(default_factory=list)
    #: Of each posting.
    postings: list[list[Unit]] = dataclasses.field(default_factory=list)


class _RecordingTx(Tx):
    """Notes each statement on its way."""

    def __init__(self, tx: Tx, statements: list[Statement]) -> None:
        self._tx = tx
        self._statements = statements

    def appended(self, journal_id: JournalId, head_sequence: int) -> None:
        self._tx.appended(journal_id, head_sequence)

    async def fetch(self, query: str, *values: object) -> Sequence[Row]:
        self._statements.append((query, values))
        return await self._tx.fetch(query, *values)


class _RecordingDatabase(Database):
    """Hands out recording transactions to writers."""

    settings: Mapping[str, str] = types.MappingProxyType({})
    units: list[Unit]

    @contextlib.asynccontextmanager
    async def writer_transaction(self) -> AsyncIterator[Tx]:
        async with super().writer_transaction() as tx:
            yield await self._recording(tx, is_transaction=True)

    @contextlib.asynccontextmanager
    async def writer_connection(self) -> AsyncIterator[Tx]:
        async with super().writer_connection() as tx:
            yield await self._recording(tx, is_transaction=False)

    async def _recording(self, tx: Tx, *, is_transaction: bool) -> Tx:
        if not self.settings:
            rows = await tx.fetch("SELECT name, setting FROM pg_settings WHERE source='client'")
            self.settings = {row["name"]: row["setting"] for row in rows}
        unit = Unit([], is_transaction)
        self.units.append(unit)
        return _RecordingTx(tx, unit.statements)


async def record(dsn: str, count: int, seed: int) -> Recording:
    """Post `count` transfers on the books of `dsn`, one at a time, and return what was sent.

    Before that every account is posted to once, as it is on the server that is measured.
    """
    decimal.setcontext(EXACT.copy())
    database = await _RecordingDatabase.connect(dsn)
    database.units = []
    poster = Poster(database, Library(database), lambda: datetime.now(UTC))
    servicer = TransactionServicer(database, PageTokens(b"unused"), poster)
    recording = Recording()
    try:
        warm_up = transfers(Shape.EACH, ACCOUNT_COUNT // 2, seed - 1)
        for request in batch_requests(warm_up, _BATCH):
            await servicer.PostTransactions(pb.PostTransactionsRequest.FromString(request), None)
        recording.warm_up, database.units = database.units, []
        for transaction in transfers(Shape.SPREAD, count, seed):
            asked = pb.PostTransactionRequest(journal=JOURNAL, transaction=transaction)
            await servicer.PostTransaction(asked, None)
            recording.postings.append(database.units)
            database.units = []
    finally:
        await poster.close()
        await database.close()
    recording.settings = dict(database.settings)
    return recording


class Replay:
    """Runs a recording on an equal copy of the books, on one connection, in order."""

    def __init__(self, connection: Any, recording: Recording) -> None:
        """Use `open`."""
        self._connection = connection
        self._waiting = iter(recording.postings)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, dsn: str, recording: Recording) -> AsyncIterator["Replay"]:
        """Connect as the server does."""
        connection = await asyncpg.connect(dsn, server_settings=recording.settings)
        try:
            replay = cls(connection, recording)
            await replay.send(recording.warm_up)
            yield replay
        finally:
            await connection.close()

    async def run(self, count: int) -> float:
        """Run the next `count` postings; return the median of their latencies in us."""
        latencies_us: list[float] = []
        for _ in range(count):
            units = next(self._waiting)
            began = time.perf_counter()
            await self.send(units)
            latencies_us.append((time.perf_counter() - began) * 1e6)
        return statistics.median(latencies_us)

    async def send(self, units: Sequence[Unit]) -> None:
        """Send what was recorded, as it was sent."""
        rows: Sequence[object] = ()
        for unit in units:
            around = self._connection.transaction() if unit.is_transaction else _NOTHING
            async with around:
                for query, values in unit.statements:
                    rows = await self._connection.fetch(query, *values)
        assert rows, "the last statement writes, and only if the books are as they were"
