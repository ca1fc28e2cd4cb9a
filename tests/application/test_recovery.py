"""Connections that break, servers and databases that die: what was answered is in the books."""

import asyncio
import contextlib
import os
import random
import signal
import sys
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import grpc
import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from tests.databases import database_of
from tests.ledger import PostingLedger, check_books, serving, transfer

#: How long a caller goes on with one request before it gives up: a restart fits in.
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


class Proxy:
    """Stands between a server and PostgreSQL and cuts connections at commits."""

    def __init__(self, dsn: str, seed: int) -> None:
        self._parts = urllib.parse.urlsplit(dsn)
        self._choose = random.Random(seed)
        self.cut_chance = 0.0
        #: Cut before PostgreSQL had the COMMIT, and after it had answered it.
        self.cuts_before = 0
        self.cuts_after = 0
        self._cut = asyncio.Condition()
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    async def has_cut(self, count: int) -> None:
        """Wait until there were as many cuts of each kind."""
        async with self._cut:
            await self._cut.wait_for(lambda: min(self.cuts_before, self.cuts_after) >= count)

    @property
    def dsn(self) -> str:
        """The DSN with the proxy's address in place of PostgreSQL's."""
        query = dict(urllib.parse.parse_qsl(self._parts.query))
        query.pop("host", None)
        user = self._parts.netloc.rpartition("@")[0]
        return urllib.parse.urlunsplit(
            self._parts._replace(
                netloc=f"{user}@127.0.0.1:{self.port}", query=urllib.parse.urlencode(query)
            )
        )

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = dict(urllib.parse.parse_qsl(self._parts.query)).get("host") or self._parts.hostname
        port = self._parts.port or 5432
        if host and host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host or "127.0.0.1", port)

    async def _serve(
        self, from_server: asyncio.StreamReader, to_server: asyncio.StreamWriter
    ) -> None:
        from_postgres, to_postgres = await self._connect()
        cut_at_answer = asyncio.Event()

        async def upwards() -> None:
            # One with holds is another statement than one without.
            writing = set[bytes]()
            while chunk := await from_server.read(65_536):
                # What commits: the statement that writes a batch, where it is alone, once it is
                # prepared; else a simple query of the driver's own.
                commits = b"COMMIT;" in chunk or any(name in chunk for name in writing)
                writing |= _prepared_writes(chunk)
                if commits and self._choose.random() < self.cut_chance:
                    if self._choose.random() < 0.5:
                        self.cuts_before += 1
                        return
                    cut_at_answer.set()
                to_postgres.write(chunk)
                await to_postgres.drain()

        async def downwards() -> None:
            while chunk := await from_postgres.read(65_536):
                if cut_at_answer.is_set():
                    self.cuts_after += 1
                    return
                to_server.write(chunk)
                await to_server.drain()

        ways = [asyncio.create_task(upwards()), asyncio.create_task(downwards())]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for writer in (to_server, to_postgres):
            writer.transport.abort()
        async with self._cut:
            self._cut.notify_all()


def _prepared_writes(chunk: bytes) -> set[bytes]:
    """Return the name under which the driver prepares a statement that writes a batch, if any."""
    before, found, _ = chunk.partition(b"\0-- postings.write_batch")
    return {b"\0__asyncpg_stmt_%b\0" % before.rpartition(b"__asyncpg_stmt_")[2]} if found else set()


async def _insist(
    ledger: Callable[[], PostingLedger], asked: pb.TransactionRequest
) -> pb.Transaction:
    """Post until there is an answer, as a caller should: the same request with the same id."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return (await ledger().post(asked)).transaction
            except grpc.aio.AioRpcError as error:
                # Nothing else may come of a fault below: never INTERNAL, never a refusal.
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            await asyncio.sleep(0.05)


async def _load(
    ledger: Callable[[], PostingLedger],
    answered: dict[str, tuple[pb.TransactionRequest, pb.Transaction]],
    stop: asyncio.Event,
) -> None:
    """Post one transaction after another and note each that was answered."""
    while not stop.is_set():
        asked = transfer(amount="0.01")
        answered[asked.transaction_id] = asked, await _insist(ledger, asked)


async def _check(
    dsn: str,
    ledger: PostingLedger,
    answered: dict[str, tuple[pb.TransactionRequest, pb.Transaction]],
) -> None:
    """Every acknowledged transaction is there once, as it was answered, and nothing else is."""
    assert answered
    assert (await ledger.balance("cash")).version == len(answered)
    pairs = list(answered.values())
    for start in range(0, len(pairs), 1_000):
        part = pairs[start : start + 1_000]
        results = await ledger.post_all([asked for asked, _ in part])
        for (_, answer), result in zip(part, results, strict=True):
            assert result.replayed
            assert result.transaction == answer
    await check_books(dsn, ledger.journal)


async def _faults_under_load(
    ledger: Callable[[], PostingLedger],
    callers: int,
    faults: Callable[[], Awaitable[None]],
) -> dict[str, tuple[pb.TransactionRequest, pb.Transaction]]:
    answered: dict[str, tuple[pb.TransactionRequest, pb.Transaction]] = {}
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(_load(ledger, answered, stop))
        await faults()
        stop.set()
    return answered


async def test_connections_cut_at_commit(dsn: str) -> None:
    await _cut_at_commit(dsn, "cut", seed=1, cuts_min=8)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
async def test_connections_cut_at_commit_many_times(dsn: str) -> None:
    await _cut_at_commit(dsn, "cut-long", seed=random.randrange(10**6), cuts_min=400)


async def _cut_at_commit(dsn: str, journal: str, seed: int, cuts_min: int) -> None:
    proxy = Proxy(dsn, seed)
    async with proxy.running(), serving(dsn) as direct, serving(proxy.dsn) as cut:
        await direct.ledger.of(journal).open("cash", "income")
        ledger = cut.ledger.of(journal)

        async def faults() -> None:
            proxy.cut_chance = 0.3
            async with asyncio.timeout(cuts_min * PATIENCE_SECONDS / 10):
                await proxy.has_cut(cuts_min // 2)
            proxy.cut_chance = 0.0

        answered = await _faults_under_load(lambda: ledger, 8, faults)
        await _check(dsn, direct.ledger.of(journal), answered)
        await _check(dsn, ledger, answered)


async def test_backends_terminated_under_load(dsn: str) -> None:
    async with serving(dsn) as one:
        ledger = one.ledger.of("terminated")
        await ledger.open("cash", "income")
        connection = await asyncpg.connect(dsn)

        async def faults() -> None:
            chooser = random.Random(2)
            for _ in range(12):
                await asyncio.sleep(chooser.uniform(0.02, 0.2))
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'ledger-server'"
                )

        try:
            answered = await _faults_under_load(lambda: ledger, 8, faults)
            await _check(dsn, ledger, answered)
        finally:
            await connection.close()


async def test_reads_recover_from_terminated_backends(dsn: str) -> None:
    """A read either answers or says UNAVAILABLE, and the next one finds a new connection."""
    async with serving(dsn) as one:
        ledger = one.ledger.of("reads")
        await ledger.open("cash", "income")
        await ledger.post(transfer())
        connection = await asyncpg.connect(dsn)
        try:
            for _ in range(5):
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'ledger-server'"
                )
                answers = 0
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while answers < 3:
                        try:
                            assert (await ledger.balance("cash")).version == 1
                            answers += 1
                        except grpc.aio.AioRpcError as error:
                            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                                raise
        finally:
            await connection.close()


class ServerProcess:
    """A real `ledger-server` on an embedded PostgreSQL, started again as often as needed."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._process: asyncio.subprocess.Process | None = None
        self._channel: grpc.aio.Channel | None = None
        self.ledger: PostingLedger | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "ledger_server", "--data-dir", str(self._data_dir), "--listen", "127.0.0.1:0"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = (await self._process.stdout.readline()).decode()
        assert line.startswith("ledger-server ready on "), line
        self._channel = grpc.aio.insecure_channel(line.split()[-1])
        self.ledger = PostingLedger(self._channel)

    def current(self) -> PostingLedger:
        assert self.ledger is not None, "started"
        return self.ledger

    async def kill(self) -> None:
        assert self._process is not None, "started"
        self._process.kill()
        await self.ended()

    async def ended(self) -> None:
        """Wait until the server is gone, by itself or not."""
        assert self._process is not None, "started"
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._process.wait()

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self.ended()
        if self._channel is not None:
            await self._channel.close()

    def postmaster(self) -> int:
        (found,) = self._data_dir.rglob("postmaster.pid")
        return int(found.read_text().splitlines()[0])


async def test_kill_of_the_server_and_of_postgres(data_dir: Path) -> None:
    """Both die in the middle of postings, by SIGKILL; callers only ever see UNAVAILABLE."""
    server = ServerProcess(data_dir)
    try:
        await server.start()
        await server.current().open("cash", "income")

        async def faults() -> None:
            await asyncio.sleep(0.5)
            await server.kill()
            await server.start()
            await asyncio.sleep(0.5)
            os.kill(server.postmaster(), signal.SIGKILL)
            await server.ended()
            await server.start()
            await asyncio.sleep(0.3)

        answered = await _faults_under_load(server.current, 8, faults)
        ledger = server.current()
        assert (await ledger.balance("cash")).version == len(answered)
        asked = list(answered.values())[:1_000]
        results = await ledger.post_all([one for one, _ in asked])
        for (_, answer), result in zip(asked, results, strict=True):
            assert result.replayed
            assert result.transaction == answer
        listed: list[int] = []
        token = ""
        while True:
            page = await ledger.list(page_size=1_000, page_token=token)
            listed += [one.sequence for one in page.transactions]
            token = page.next_page_token
            if not token:
                break
        # Gap-free: the journal, two accounts and two templates, then postings only.
        assert listed == list(range(6, 6 + len(answered)))
        assert await ledger.head() == listed[-1]
        report = await ledger.trial_balance()
        assert [total.balanced for total in report.totals] == [True]
    finally:
        await server.close()
