"""Several publishers of one journal, as processes: one publishes, and another takes over."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.brokers import Nats, RabbitMQ
from tests.client.publish.faults import Place, place
from tests.client.publish.publishing import PATIENCE_SECONDS, Books, first_arrivals
from tests.ledger import Serving

#: A broker that starts on a busy machine takes its time.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

LEASE_SECONDS = 3


class Publishers:
    """Processes of `ledgerctl publish` with one cursor, as many as are started."""

    def __init__(self, server: Serving, books: Books, log: Path, *options: str) -> None:
        self._arguments = ["--journal", books.journal.code, "--server", server.address, *options]
        self._books = books
        self._log = log
        self.processes: dict[int, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "ledger_client.cli", "publish", "--name", "test"),
                *("--lease", str(LEASE_SECONDS), *self._arguments),
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        self.processes[process.pid] = process

    async def holder(self, *, other_than: int = 0, beyond: int = 0) -> int:
        """Wait for one that holds the cursor and has come further; return its process id."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async for cursor in self._books.ledger.list_cursors(self._books.journal.code):
                    found = re.search(r":(\d+):", cursor.holder)
                    if found and int(found[1]) != other_than and cursor.position > beyond:
                        return int(found[1])
                await asyncio.sleep(0.1)

    async def reached(self, head: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._books.position() < head:  # noqa: ASYNC110  # the server tells no one
                await asyncio.sleep(0.1)

    async def end(self) -> None:
        """Have all end in good order, and see that they do."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        codes = [
            await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
            for process in self.processes.values()
        ]
        assert codes == [0] * len(codes), self._log.read_text()

    def kill_all(self) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()


@contextlib.asynccontextmanager
async def two_publishers(
    server: Serving, books: Books, log: Path, *options: str
) -> AsyncIterator[Publishers]:
    publishers = Publishers(server, books, log, *options)
    try:
        await publishers.start()
        await publishers.start()
        yield publishers
        await publishers.end()
    finally:
        publishers.kill_all()


async def race(where: Place, publishers: Publishers, books: Books, rounds: int) -> None:
    """Pause whoever publishes for longer than its lease; go on with it when another has taken over.

    Both are then at work for a moment, as each believes: the one that was paused has a batch in
    its hands that it was about to send, or had half sent.
    """
    over = asyncio.Event()

    async def post() -> None:
        while not over.is_set():
            await books.post(50)
            await asyncio.sleep(0.05)

    posting = asyncio.create_task(post())
    paused = 0
    for _ in range(rounds):
        paused = await publishers.holder(beyond=await books.position() if paused else 0)
        os.kill(paused, signal.SIGSTOP)
        stopped_at = await books.position()
        await publishers.holder(other_than=paused, beyond=stopped_at)
        os.kill(paused, signal.SIGCONT)
    over.set()
    await posting
    head = await books.post(50)
    await publishers.reached(head)
    assert first_arrivals(await where.arrivals()) == list(range(1, head + 1))


ROUNDS = [1, pytest.param(10, marks=[pytest.mark.nightly, pytest.mark.timeout(7_200)])]


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_on_rabbitmq(
    shared_rabbitmq: RabbitMQ, module_server: Serving, books: Books, tmp_path: Path, rounds: int
) -> None:
    async with place(shared_rabbitmq, books.journal.code) as where:
        options = ("--to", shared_rabbitmq.url, "--exchange", where.name)
        async with two_publishers(module_server, books, tmp_path / "log", *options) as publishers:
            await race(where, publishers, books, rounds)


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_on_nats(
    shared_nats: Nats, module_server: Serving, books: Books, tmp_path: Path, rounds: int
) -> None:
    async with place(shared_nats, books.journal.code) as where:
        options = ("--to", shared_nats.url, "--stream", where.name)
        async with two_publishers(module_server, books, tmp_path / "log", *options) as publishers:
            await race(where, publishers, books, rounds)
            assert len(await where.arrivals()) == await books.position(), "not one came again"
