"""The code of the page about subscribers, word for word, against a real server."""

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger_client import LedgerClient
from ledger_client.subscriber import (
    POSTGRES_TABLES,
    Connection,
    FailurePolicy,
    JournalSubscriber,
    MemoryCheckpoints,
    PostgresCheckpoints,
)
from tests.own_loop import run_sync

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "following.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}


@pytest.fixture
def books(server_address: str) -> str:
    """A journal with a posting."""
    ledgerctl("journal", "create", "MAIN", server=server_address)
    for code in ("bank", "cash"):
        ledgerctl("account", "create", code, "--normal-side=debit", server=server_address)
    post(server_address)
    return server_address


def ledgerctl(*arguments: str, server: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ledger_client.cli", *arguments, "--server", server],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    )
    return done.stdout


def post(server: str) -> None:
    params = ("from=bank", "to=cash", "amount=5", "currency=USD", "memo=Lunch")
    ledgerctl("post", "TRANSFER", *params, server=server)


def script(block: str, folder: Path, replaced: dict[str, str]) -> Path:
    for words, by in replaced.items():
        assert words in block
        block = block.replace(words, by)
    path = folder / "script.py"
    path.write_text(block)
    return path


def start(path: Path, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, text=True, cwd=folder, env=ENVIRONMENT
    )


def test_the_first_program_goes_on_where_it_was(books: str, tmp_path: Path) -> None:
    path = script(BLOCKS[0], tmp_path, {"127.0.0.1:7070": books})
    lines = []
    for _ in range(2):
        with start(path, tmp_path) as process:
            assert process.stdout is not None
            lines.append(process.stdout.readline().split())
            # The position is written when nothing more waits.
            position = f'"position": {lines[-1][0]}'
            while position not in (tmp_path / "main.checkpoint").read_text():
                time.sleep(0.01)
            process.kill()
        post(books)
    assert [line[1:] for line in lines] == [["journal.posted", "Lunch"]] * 2
    assert int(lines[1][0]) == int(lines[0][0]) + 1


def test_the_second_program_writes_with_its_position(
    books: str, tmp_path: Path, empty_database_dsn: str
) -> None:
    async def query(text: str) -> Any:
        connection = await asyncpg.connect(empty_database_dsn)
        try:
            return await connection.fetch(text)
        finally:
            await connection.close()

    run_sync(lambda: query("CREATE TABLE legs (sequence bigint, account text, units numeric)"))
    replaced = {
        "127.0.0.1:7070": books,
        "postgresql://reports@127.0.0.1/reports": empty_database_dsn,
    }
    with start(script(BLOCKS[1], tmp_path, replaced), tmp_path) as process:
        while not run_sync(lambda: query("SELECT * FROM legs")):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    rows = run_sync(lambda: query("SELECT account, units FROM legs ORDER BY account"))
    assert [tuple(row) for row in rows] == [("bank", 5), ("cash", 5)]


async def test_the_pieces_run(books: str, empty_database_dsn: str) -> None:
    """The batches, and a policy with an alert, in the surroundings that the page leaves out."""
    store = PostgresCheckpoints(empty_database_dsn, consumer="page")
    connection = await asyncpg.connect(empty_database_dsn)
    await connection.execute("CREATE TABLE seen (sequence bigint, type text)")
    async with LedgerClient.connect(books) as ledger:
        subscriber = JournalSubscriber(ledger, "MAIN", store)
        whole = BLOCKS[2].replace("seconds_max=0.1)", "seconds_max=0.1, until_head=True)")
        surroundings: dict[str, Any] = {"subscriber": subscriber, "Connection": Connection}
        code = "from collections.abc import Sequence\nfrom ledger_client import Event\n"
        body = "".join(f"    {line}\n" for line in whole.splitlines())
        exec(f"{code}async def main():\n{body}", surroundings)  # of our own page
        await surroundings["main"]()
        head = (await ledger.get_head("MAIN")).sequence
        assert await connection.fetchval("SELECT count(*) FROM seen") == head
        pieces: dict[str, Any] = {
            "JournalSubscriber": JournalSubscriber,
            "FailurePolicy": FailurePolicy,
            "ledger": ledger,
            "checkpoints": MemoryCheckpoints(),
            "page_somebody": print,
        }
        exec(BLOCKS[3], pieces)  # of our own page
        policy = pieces["subscriber"]._failures
        assert policy == FailurePolicy(), "the page says what the default is"
    await connection.close()
    await asyncio.sleep(0)


def test_the_tables_are_ours() -> None:
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    assert block == POSTGRES_TABLES


def test_its_commands_are_ours() -> None:
    """Each with its options: `--help` would not know others."""
    commands = re.findall(r"^ledgerctl (.*?)(?: \|.*)?$", PAGE, re.MULTILINE)
    assert len(commands) == 7
    for command in commands:
        words = command.split()
        shown = subprocess.run(
            [sys.executable, "-m", "ledger_client.cli", *words[:2], "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={**ENVIRONMENT, "COLUMNS": "200"},
        )
        for option in (word for word in words if word.startswith("--")):
            assert option in shown.stdout, command
