"""What must hold after a campaign: `python -m tests.banking.campaign.checking`.

The module's deposits and withdrawals and the ledger's transactions are the same, one to one; what
was reserved was captured or released once; each domain event is there once; the books balance.
"""

import argparse
import asyncio
import collections
import json
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import nats
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from ledger_client import HoldStatus, LedgerClient, Transaction
from ledger_client.banking.foundation.entity import derived_id
from tests.banking.campaign.cluster import STREAM

#: After the last kill everything that was under way comes to its end within this.
SETTLE_SECONDS = 120.0

_OPEN = "SELECT count(*) FROM bank_{}.calls WHERE state = 'pending'"
_ENTITIES = """
SELECT entity.id, entity.state, event.body
  FROM bank_deposit.entities AS entity
  JOIN bank_deposit.stored_events AS event ON event.entity_id = entity.id AND event.version = 1
 WHERE entity.kind = $1"""
_EVENTS = "SELECT event_type, aggregate_id, sequence FROM bank_{}.outbox ORDER BY sequence"
_LAG = """
SELECT followed.module, coalesce(followed.position, 0) AS position
  FROM bank_{}.followed AS followed"""
MODULES = ("access", "time", "governance", "customer", "deposit")


class Check:
    """Reads both sides and compares them."""

    def __init__(self, bank: Any, ledger: LedgerClient, tenant: str) -> None:
        self._bank = bank
        self._ledger = ledger
        self._tenant = tenant
        self.counts: collections.Counter[str] = collections.Counter()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while left := await self._left():
            assert time.monotonic() < deadline, f"still under way: {left}"
            await asyncio.sleep(0.5)

    async def _left(self) -> dict[str, int]:
        left = {}
        for module in MODULES:
            pending = await self._bank.fetchval(_OPEN.format(module))
            if pending:
                left[f"calls of {module}"] = pending
            for row in await self._bank.fetch(_LAG.format(module)):
                table = f"bank_{row['module']}.outbox_heads"
                head = await self._bank.fetchval(f"SELECT max(sequence) FROM {table}")
                if (head or 0) > row["position"]:
                    left[f"{module} behind {row['module']}"] = head - row["position"]
        return left

    async def run(self) -> None:
        """Compare everything."""
        transactions = {
            transaction.id: transaction
            async for transaction in self._ledger.list_transactions(self._tenant)
        }
        holds = {hold.id: hold async for hold in self._ledger.list_holds(self._tenant)}
        expected: set[UUID] = set()
        expected |= await self._deposits(transactions)
        expected |= await self._withdrawals(transactions, holds)
        assert set(transactions) == expected, "the ledger has what the module has, no more, no less"
        await self._domain_events()
        await self._books()

    async def _deposits(self, transactions: dict[UUID, Transaction]) -> set[UUID]:
        expected = set()
        for row in await self._bank.fetch(_ENTITIES, "deposit"):
            state, body = row["state"], json.loads(row["body"])
            self.counts[f"deposit {state}"] += 1
            assert state in {"confirmed", "refused", "reverted"}, f"deposit {row['id']} is {state}"
            if state == "refused":
                continue
            expected.add(row["id"])
            assert _amount(transactions[row["id"]]) == Decimal(body["amount"])
            if state == "reverted":
                (reversal,) = [one for one in transactions.values() if one.reverses == row["id"]]
                expected.add(reversal.id)
        return expected

    async def _withdrawals(
        self, transactions: dict[UUID, Transaction], holds: dict[UUID, Any]
    ) -> set[UUID]:
        expected = set()
        ends = {
            "confirmed": (HoldStatus.CAPTURED, "capture"),
            "denied": (HoldStatus.RELEASED, "release"),
            "cancelled": (HoldStatus.RELEASED, "release"),
            "pending-approval": (HoldStatus.OPEN, None),
        }
        for row in await self._bank.fetch(_ENTITIES, "withdrawal"):
            state, body = row["state"], json.loads(row["body"])
            self.counts[f"withdrawal {state}"] += 1
            if state == "refused":
                assert row["id"] not in transactions
                continue
            status, end = ends[state]
            assert holds[row["id"]].status is status, f"withdrawal {row['id']} is {state}"
            assert _amount(transactions[row["id"]]) == Decimal(body["amount"])
            expected.add(row["id"])
            if end is not None:
                expected.add(derived_id(row["id"], end))
        assert len(holds) == len(expected & set(holds)), "a hold for each withdrawal"
        return expected

    async def _domain_events(self) -> None:
        for module in MODULES:
            aside = await self._bank.fetchval(f"SELECT count(*) FROM bank_{module}.dead_letters")
            assert aside == 0, f"{module} handled every event that it was told of"
            rows = await self._bank.fetch(_EVENTS.format(module))
            assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
            if module != "deposit":
                continue
            told = collections.Counter((row["event_type"], row["aggregate_id"]) for row in rows)
            assert max(told.values(), default=1) == 1, "each once"
            kinds = collections.Counter(event for event, _ in told)
            done = self.counts
            assert kinds["core.deposit.deposit-initialized"] == (
                done["deposit confirmed"] + done["deposit reverted"]
            )
            assert kinds["core.deposit.deposit-reverted"] == done["deposit reverted"]
            assert kinds["core.deposit.withdrawal-confirmed"] == done["withdrawal confirmed"]
            assert kinds["core.deposit.withdrawal-denied"] == done["withdrawal denied"]
            assert kinds["core.deposit.withdrawal-cancelled"] == done["withdrawal cancelled"]

    async def published(self, broker: str) -> None:
        """Wait until every domain event of deposit is in the broker."""
        rows = await self._bank.fetch("SELECT id FROM bank_deposit.outbox")
        expected = {str(row["id"]) for row in rows}
        connection = await nats.connect(broker)
        try:
            stream = connection.jetstream()
            found: set[str] = set()
            deadline = time.monotonic() + SETTLE_SECONDS
            reader = await self._reader(stream, deadline)
            while not expected <= found:
                left = len(expected - found)
                assert time.monotonic() < deadline, f"{left} events are not published"
                try:
                    messages = await reader.fetch(500, timeout=1)
                except TimeoutError:
                    continue
                for message in messages:
                    found.add(json.loads(message.data)["id"])
                    await message.ack()
            assert found == expected, "nothing else was published"
            self.counts["published"] = len(found)
        finally:
            await connection.close()

    @staticmethod
    async def _reader(
        stream: JetStreamContext, deadline: float
    ) -> JetStreamContext.PullSubscription:
        """Read the stream that the publisher makes, as soon as it is there."""
        while True:
            try:
                return await stream.pull_subscribe(">", stream=STREAM)
            except NotFoundError:
                assert time.monotonic() < deadline, "nothing was ever published"
                await asyncio.sleep(0.2)

    async def _books(self) -> None:
        balance = await self._ledger.get_trial_balance(self._tenant)
        assert all(total.balanced for total in balance.totals)
        sheet = await self._ledger.get_balance_sheet(self._tenant)
        for total in sheet.totals:
            assert not any(total.unexplained)
            assert not any(total.difference), "A = L + E"


def _amount(transaction: Transaction) -> Decimal:
    return transaction.entries[0].units


async def _main(given: argparse.Namespace) -> None:
    bank = await asyncpg.connect(given.dsn)
    try:
        async with LedgerClient.connect(given.ledger) as ledger:
            check = Check(bank, ledger, given.tenant)
            await check.settle()
            await check.run()
            await check.published(given.broker)
    finally:
        await bank.close()
    print(json.dumps(check.counts), flush=True)


def main() -> None:
    """Check; an AssertionError says what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True, help="of the bank's database, as its owner")
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--broker", required=True, help="NATS, where the events are published")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
