"""`ledgerctl bank publish`, as typed."""

import asyncio
import datetime as dt
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from ledger_client.cli.program import app
from tests.banking.bank import START, TENANT, TestBank, bank_in_process, eventually
from tests.brokers import Nats
from tests.client.publish.publishing import read_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bank(ledger_dsn: str, bank_dsn: str) -> AsyncIterator[TestBank]:
    """A bank of which three days have ended."""
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as running:
        running.clock.set(START + dt.timedelta(days=3))

        async def ended() -> bool:
            return len(await running.events("time")) == 3

        await eventually(ended)
        yield running


def environment(bank: TestBank, token: str | None = None) -> dict[str, str]:
    return {
        "LEDGER_BANK_ADDRESS": bank.bank.address,
        "LEDGER_BANK_TENANT": TENANT,
        "LEDGER_BANK_TOKEN": str(bank.user) if token is None else token,
        "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
    }


async def test_once(bank: TestBank, shared_nats: Nats) -> None:
    """In a process of its own: it takes signals."""
    stream = f"cli-{uuid.uuid4().hex[:8]}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ledger_client.cli", "bank", "publish", "--module", "time"),
        *("--to", shared_nats.url, "--stream", stream, "--create-stream"),
        *("--subject-prefix", stream, "--once", "-o", "json"),
        env=os.environ | environment(bank),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    record = json.loads(said)
    assert record["published"] == record["position"] == record["head"] == 3
    assert len(await read_stream(shared_nats.url, stream)) == 3
    (cursor,) = json.loads((await run(bank, "cursors", "--module", "time", "-o", "json")).stdout)
    assert (cursor["name"], cursor["position"]) == (f"nats/{stream}", 3)
    assert not cursor["holder"], "given back"


async def run(bank: TestBank, *words: str, token: str | None = None) -> Any:
    """Run a command in a thread, as it has a loop of its own."""
    arguments, variables = ["bank", *words], environment(bank, token)
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=variables)


@pytest.mark.parametrize(
    ("options", "token", "exit_code", "said"),
    [
        (("--module", "nothing"), None, 4, "MODULE_UNKNOWN"),
        (("--module", "time"), "nobody", 6, "UNAUTHENTICATED"),
        (("--module", "time", "--tenant", "OTHER"), None, 6, "OTHER_TENANT"),
        (("--module", "time", "--address", "127.0.0.1:1"), None, 7, "is a bank running"),
        (("--module", "time", "--types", "core.deposit.x"), None, 2, "none of time's"),
        (("--module", "time", "--exchange", "E"), None, 2, "NATS takes --stream"),
    ],
)
async def test_what_is_wrong_is_told_at_once(
    bank: TestBank, options: tuple[str, ...], token: str | None, exit_code: int, said: str
) -> None:
    where = ("--to", "nats://127.0.0.1:1", "--stream", "S")
    done = await run(bank, "publish", *where, *options, token=token)
    assert said in " ".join(done.output.split()), done.output
    assert done.exit_code == exit_code
