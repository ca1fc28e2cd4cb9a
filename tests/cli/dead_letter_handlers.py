"""Handlers for the tests of `ledgerctl dead-letters replay`: what they take stands in a file."""

import os
from collections.abc import Sequence
from pathlib import Path

from ledger_client import Event
from ledger_client.subscriber import Connection


def _take(event: Event) -> None:
    with Path(os.environ["TAKEN"]).open("a") as file:
        file.write(f"{event.sequence} {event.type}\n")


async def take(event: Event) -> None:
    _take(event)


async def take_many(events: Sequence[Event]) -> None:
    for event in events:
        _take(event)


async def take_with_connection(event: Event, connection: Connection) -> None:
    assert connection.is_in_transaction()
    await connection.execute("CREATE TABLE IF NOT EXISTS taken (sequence bigint)")
    await connection.execute("INSERT INTO taken VALUES ($1)", event.sequence)
    _take(event)


async def refuse(event: Event) -> None:
    raise RuntimeError(f"not {event.sequence}")


def no_coroutine(event: Event) -> None:
    _take(event)
