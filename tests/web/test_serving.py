"""The page in a process that goes on without it."""

import asyncio
import re

import httpx2
import pytest

from ledger_client import LedgerClient
from ledger_client.web.serving import serve
from tests.watched_files import watched_but_closed


async def test_what_comes_after_it_in_the_same_loop_is_heard() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    async with LedgerClient.connect("127.0.0.1:1") as ledger:
        page = asyncio.create_task(serve(ledger, "127.0.0.1:0", on_ready=told.put_nowait))
        found = re.search(r"http://\S+?(?=/ )", await told.get())
        assert found
        async with httpx2.AsyncClient() as browser:
            answer = await browser.get(f"{found[0]}/static/ledger.css")
        assert answer.status_code == 200, "it is at work"
        await _cancel(page)
        assert watched_but_closed() == []


async def test_it_may_be_ended_while_it_starts() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    async with LedgerClient.connect("127.0.0.1:1") as ledger:
        page = asyncio.create_task(serve(ledger, "127.0.0.1:0", on_ready=told.put_nowait))
        await told.get()
        await _cancel(page)
        assert watched_but_closed() == []


async def _cancel(page: asyncio.Task[None]) -> None:
    page.cancel()
    with pytest.raises(asyncio.CancelledError):
        await page
