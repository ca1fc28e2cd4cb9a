"""Effects in PostgreSQL that can be counted, and events that have them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from ledger_client.consume import Consumer, PostgresInbox, ReceivedEvent
from ledger_client.publish.envelopes import envelope
from ledger_client.publish.message import Message
from ledger_proto.v1 import events_pb2
from tests.client.publish.any_event import JOURNAL, of_message

TABLE = "CREATE TABLE IF NOT EXISTS effects (place serial PRIMARY KEY, event_id text, sequence int)"


class Effects:
    """What handlers did. A row may be there twice: nothing but the inbox prevents it."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.inbox = PostgresInbox(pool, "test")
        #: Sequences in the order of attempts.
        self.attempts: list[int] = []

    async def handle(self, event: ReceivedEvent, connection: Any) -> None:
        """Have the effect of an event."""
        assert event.sequence is not None
        self.attempts.append(event.sequence)
        await connection.execute(
            "INSERT INTO effects (event_id, sequence) VALUES ($1, $2)", event.id, event.sequence
        )

    async def sequences(self) -> list[int]:
        """Return the sequences of all effects, in the order in which they were had."""
        rows = await self.pool.fetch("SELECT sequence FROM effects ORDER BY place")
        return [row["sequence"] for row in rows]

    async def count(self) -> int:
        count: int = await self.pool.fetchval("SELECT count(*) FROM effects")
        return count


@contextlib.asynccontextmanager
async def effects_in(dsn: str) -> AsyncIterator[Effects]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=12) as pool:
        await pool.execute(TABLE)
        found = Effects(pool)
        await found.inbox.create_table()
        yield found


@contextlib.asynccontextmanager
async def running(consumer: Consumer[Any]) -> AsyncIterator[Consumer[Any]]:
    """Let a consumer run until the block is left, then stop it as it is meant to be stopped."""
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        consumer.stop()
        async with asyncio.timeout(30):
            await task


def event_message(sequence: int, *, name: str = "cloudevents") -> Message:
    """Return the message of a posting."""
    event = events_pb2.Event(sequence=sequence)
    event.record_time.FromJsonString("2026-01-31T10:30:00Z")
    event.journal_posted.transaction.id = f"00000000-0000-7000-8000-{sequence:012}"
    return envelope(name, JOURNAL).message(of_message(event))


def event_messages(count: int) -> list[Message]:
    """Return the messages of postings 1 to `count`."""
    return [event_message(sequence) for sequence in range(1, count + 1)]
