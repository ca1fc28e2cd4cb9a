"""ListTransactions: filters, both orders, and pages while others post."""

import asyncio
import itertools
from typing import Any

import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import reason
from tests.ledger import (
    PostingLedger,
    transfer,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def ledger(posting: PostingLedger) -> PostingLedger:
    """A journal of the test's own."""
    return posting


FULL: dict[str, Any] = {
    "effective_date": "2026-01-31",
    "description": "January",
    "external_id": "invoice-1",
    "correlation_id": "order-1",
    "metadata": {"channel": "web"},
    "template_version": 1,
}


async def _pages(ledger: PostingLedger, **fields: Any) -> list[pb.Transaction]:
    found: list[pb.Transaction] = []
    token = ""
    while True:
        page = await ledger.list(page_token=token, **fields)
        found += page.transactions
        token = page.next_page_token
        if not token:
            return found


async def test_lists_filter_and_order(ledger: PostingLedger) -> None:
    days = ("2026-03-01", "2026-01-01", "2026-02-01", "2026-01-01")
    posted = [
        (
            await ledger.post(
                transfer(
                    credit="rent" if number % 3 else "income",
                    effective_date=days[number % 4],
                    external_id=f"x{number}",
                    correlation_id=f"c{number % 2}",
                )
            )
        ).transaction
        for number in range(20)
    ]
    # One account on both sides: listed once.
    both = (await ledger.post(transfer(debit="rent", credit="rent"))).transaction
    posted.append(both)
    for fields, kept in (
        ({}, lambda _one: True),
        ({"account": "rent"}, lambda one: "rent" in {leg.account_code for leg in one.entries}),
        ({"from_date": "2026-02-01"}, lambda one: one.effective_date >= "2026-02-01"),
        ({"to_date": "2026-01-31"}, lambda one: one.effective_date <= "2026-01-31"),
        (
            {"from_date": "2026-01-02", "to_date": "2026-02-28", "account": "income"},
            lambda one: (
                one.effective_date == "2026-02-01" and one.entries[1].account_code == "income"
            ),
        ),
        ({"external_id": "x7"}, lambda one: one.external_id == "x7"),
        ({"external_id": "x7", "account": "cash"}, lambda one: one.external_id == "x7"),
        ({"external_id": "none"}, lambda _one: False),
        ({"correlation_id": "c1"}, lambda one: one.correlation_id == "c1"),
        (
            {"correlation_id": "c1", "account": "rent"},
            lambda one: one.correlation_id == "c1" and one.entries[1].account_code == "rent",
        ),
    ):
        expected = sorted(
            (one for one in posted if kept(one)),
            key=lambda one: (one.effective_date, one.sequence),
        )
        for size in (0, 3, 1_000):
            assert await _pages(ledger, page_size=size, **fields) == expected, fields
            backwards = await _pages(ledger, page_size=size, newest_first=True, **fields)
            assert backwards == expected[::-1], fields
    assert await reason(ledger.list(account="nobody")) == "ACCOUNT_NOT_FOUND"
    token = (await ledger.list(page_size=1)).next_page_token
    assert await reason(ledger.list(page_token=token, newest_first=True)) == "PAGE_TOKEN_INVALID"
    assert await reason(ledger.list(page_size=-1)) == "FIELD_INVALID"


async def test_paging_while_others_post(ledger: PostingLedger) -> None:
    """What was there when the paging began is seen once; nothing is seen twice."""
    there = [
        (await ledger.post(transfer(effective_date=f"2026-01-{1 + number % 28:02}"))).transaction
        for number in range(60)
    ]
    stop = asyncio.Event()

    async def post() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            await ledger.post(transfer(effective_date=f"2026-01-{1 + number % 28:02}"))

    async with asyncio.TaskGroup() as group:
        group.create_task(post())
        for newest_first in (False, True):
            seen = [one.id for one in await _pages(ledger, page_size=7, newest_first=newest_first)]
            assert len(seen) == len(set(seen))
            assert {one.id for one in there} <= set(seen)
        stop.set()
