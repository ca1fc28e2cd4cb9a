"""A consumer as its own process, to be killed: `consumer_process.py STORE PLACE ADDRESS...`.

STORE is `file` or `postgres`, with `-batches` if it takes batches. What it is given becomes a line
of JSON in PLACE.effects, or a row of the table `effects` in the database PLACE.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from ledger_client import Event, LedgerClient, Transaction
from ledger_client.subscriber import (
    Connection,
    FileCheckpoints,
    JournalSubscriber,
    PostgresCheckpoints,
)


def record(event: Event) -> dict[str, Any]:
    """Return what balances can be rebuilt from."""
    entries = event.fact.entries if isinstance(event.fact, Transaction) else ()
    return {
        "sequence": event.sequence,
        "type": event.type,
        "entries": [
            [
                *(entry.account_code, entry.currency, entry.layer, entry.direction),
                *(str(entry.units), entry.balance_after.version),
                *(str(entry.balance_after.debit), str(entry.balance_after.credit)),
            ]
            for entry in entries
            if entry.balance_after is not None
        ],
    }


class ToFile:
    def __init__(self, place: str) -> None:
        self.store = FileCheckpoints(place, save_seconds=0.02)
        self._file = os.open(f"{place}.effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def one(self, event: Event) -> None:
        await self.many([event])

    async def many(self, events: Sequence[Event]) -> None:
        for event in events:
            os.write(self._file, f"{json.dumps(record(event))}\n".encode())


class ToPostgres:
    def __init__(self, place: str, consumer: str) -> None:
        self.store = PostgresCheckpoints(place, consumer=consumer)
        self._consumer = consumer

    async def one(self, event: Event, connection: Connection) -> None:
        await self.many([event], connection)

    async def many(self, events: Sequence[Event], connection: Connection) -> None:
        await connection.executemany(
            "INSERT INTO effects (consumer, record) VALUES ($1, $2)",
            [(self._consumer, json.dumps(record(event))) for event in events],
        )


async def follow(kind: str, place: str, addresses: Sequence[str]) -> None:
    clients = [LedgerClient.connect(address, timeout_seconds=2) for address in addresses]
    target: Any = ToFile(place) if kind.startswith("file") else ToPostgres(place, kind)
    subscriber: Any = JournalSubscriber(clients, "main", target.store, heartbeat_seconds=1)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, subscriber.stop)
    print("ready", flush=True)  # noqa: T201  # to whoever waits to kill us
    if "batches" in kind:
        await subscriber.run_batches(target.many, events_max=50, seconds_max=0.02)
    else:
        await subscriber.run(target.one)
    for client in clients:
        await client.close()


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1], sys.argv[2], sys.argv[3:]))
