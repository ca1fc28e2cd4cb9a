"""The code of the page about publishing, word for word, against a real server and broker."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from ledger_client import LedgerClient
from tests.brokers import Nats
from tests.client.publish.publishing import read_stream
from tests.own_loop import run_sync

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "publishing.md").read_text(encoding="utf-8")


def test_the_publisher_publishes(server_address: str, shared_nats: Nats, tmp_path: Path) -> None:
    """Only addresses, and the stream, are others."""

    async def prepare() -> None:
        async with LedgerClient.connect(server_address) as ledger:
            await ledger.create_journal("MAIN")
            await ledger.register_currency("MAIN", "ETH", 18)

    run_sync(prepare)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    stream = f"PAGE_{os.getpid()}"
    for words, by in (
        ("127.0.0.1:7070", server_address),
        ("nats://127.0.0.1:4222", shared_nats.url),
        ("LEDGER_MAIN", stream),
    ):
        assert words in block
        block = block.replace(words, by)
    script = tmp_path / "script.py"
    script.write_text(block)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2 0\n"
    assert len(asyncio.run(read_stream(shared_nats.url, stream))) == 2


def test_every_option_that_it_names_is_there() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ledger_client.cli", "publish", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "COLUMNS": "200",
            "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
        },
    )
    known = set(re.findall(r"--[a-z][a-z-]+", done.stdout))
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) - known == set()
