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
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from benchmarks.workload import JOURNAL, Shape, transfers
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.api.paging import PageTokens
from ledger_server.api.transactions import TransactionServicer
from ledger_server.application.journal_books import Library
from ledger_server.application.post import Poster
from ledger_server.domain.primitives import EXACT, JournalId
from ledger_server.store.database import Database, Row, Tx

#: A query and its arguments.
Statement = tuple[str, tuple[object, ...]]


@dataclasses.dataclass(slots=True)
class Recording:
    """The committed transactions of a writer, and the settings of its connection."""

    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    transactions: list[list[Statement]] = dataclasses.field(default_factory=list)


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

    recording: Recording

    @contextlib.asynccontextmanager
    async def writer_transaction(self) -> AsyncIterator[Tx]:
        statements: list[Statement] = []
        async with super().writer_transaction() as tx:
            if not self.recording.settings:
                rows = await tx.fetch("SELECT name, setting FROM pg_settings WHERE source='client'")
                self.recording.settings = {row["name"]: row["setting"] for row in rows}
            yield _RecordingTx(tx, statements)
        self.recording.transactions.append(statements)


async def record(dsn: str, count: int, seed: int) -> Recording:
    """Post `count` transfers on the books of `dsn`, one at a time, and return what was sent."""
    decimal.setcontext(EXACT.copy())
    database = await _RecordingDatabase.connect(dsn)
    database.recording = Recording()
    poster = Poster(database, Library(database), lambda: datetime.now(UTC))
    servicer = TransactionServicer(database, PageTokens(b"unused"), poster)
    try:
        for transaction in transfers(Shape.SPREAD, count, seed):
            request = pb.PostTransactionRequest(journal=JOURNAL, transaction=transaction)
            await servicer.PostTransaction(request, None)
    finally:
        await poster.close()
        await database.close()
    assert len(database.recording.transactions) == count, "one transaction a posting"
    return database.recording


class Replay:
    """Runs a recording on an equal copy of the books, on one connection, in order."""

    def __init__(self, connection: Any, recording: Recording) -> None:
        """Use `open`."""
        self._connection = connection
        self._waiting = iter(recording.transactions)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, dsn: str, recording: Recording) -> AsyncIterator["Replay"]:
        """Connect as the server does."""
        connection = await asyncpg.connect(dsn, server_settings=recording.settings)
        try:
            yield cls(connection, recording)
        finally:
            await connection.close()

    async def run(self, count: int) -> float:
        """Run the next `count` transactions; return the median of their latencies in us."""
        latencies_us: list[float] = []
        connection = self._connection
        for _ in range(count):
            statements = next(self._waiting)
            began = time.perf_counter()
            async with connection.transaction():
                for query, values in statements:
                    await connection.fetch(query, *values)
            latencies_us.append((time.perf_counter() - began) * 1e6)
        return statistics.median(latencies_us)
