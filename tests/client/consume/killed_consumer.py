"""A consumer in a process of its own, which dies at a chosen moment, as by SIGKILL.

    killed_consumer.py BROKER URL NAME DSN WHEN AFTER

`after-commit`: when so many events are committed, before the last is acknowledged.
`in-handler`: in the handler of the event with that sequence, each time that it comes.
`never`: goes on until it is killed from outside.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from ledger_client.consume import ReceivedEvent
from tests.client.consume.brokers_at_hand import OnNats, OnRabbitMQ
from tests.client.consume.effects import effects_in


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingInbox:
    """Dies when a transaction has committed, before anybody can know it."""

    def __init__(self, inbox: Any, after: int) -> None:
        self._inbox = inbox
        self._left = after

    @contextlib.asynccontextmanager
    async def handling(self, event_id: str) -> AsyncIterator[Any]:
        async with self._inbox.handling(event_id) as connection:
            yield connection
        self._left -= 1
        if self._left == 0:
            die()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inbox, name)


async def main() -> None:
    broker, url, name, dsn, when, after = sys.argv[1:]
    at_hand = {"rabbitmq": OnRabbitMQ, "nats": OnNats}[broker](url)
    at_hand.name = name
    async with effects_in(dsn) as effects:

        async def handle(event: ReceivedEvent, connection: Any) -> None:
            await effects.handle(event, connection)
            if when == "in-handler" and event.sequence == int(after):
                die()

        inbox: Any = effects.inbox
        if when == "after-commit":
            inbox = DyingInbox(inbox, int(after))
        await at_hand.consumer(inbox, handle, concurrency=4).run()


if __name__ == "__main__":
    asyncio.run(main())
