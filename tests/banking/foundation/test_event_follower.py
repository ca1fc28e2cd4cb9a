"""An event of another module that cannot be handled never stops all behind it."""

import asyncio
import types
import uuid
from typing import Any

import grpc
import pytest

from ledger_client.banking.foundation import event_follower
from ledger_client.banking.foundation.event_follower import EventFollower
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.unit import Unit
from tests.banking.bank import TENANT, eventually
from tests.banking.foundation.probe import Probe, Thing, Told, an_event, probe_on


def _follower(probe: Probe, on_event: Any, followed: str) -> EventFollower:
    dispatcher: Any = types.SimpleNamespace(take=lambda calls: calls)
    return EventFollower(
        followed,
        TENANT,
        database=probe.database,
        channel=grpc.aio.insecure_channel("127.0.0.1:1"),
        credentials=tuple,
        own_work=probe.own_work,
        dispatcher=dispatcher,
        on_event=on_event,
    )


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_follower, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(event_follower, "RECONNECT_SECONDS", 0.01)


async def test_a_conflict_with_nobody_is_set_aside(bank_dsn: str) -> None:
    there = uuid.uuid4()

    async def on_event(unit: Unit, _event: Envelope) -> None:
        unit.change(Thing(id=there, tenant=TENANT), Told(what="made, whether it is there or not"))

    async with probe_on(bank_dsn) as probe:
        follower = _follower(probe, on_event, "conflicts")
        await follower._position()
        await follower._together([an_event(1)])
        async with asyncio.timeout(20):
            await follower._handle([an_event(2)])
        (letter,) = await probe.database.fetch("SELECT * FROM dead_letters")
        assert (letter["module"], letter["sequence"]) == ("conflicts", 2)
        assert "ConcurrentChangeError" in letter["error"]


async def test_what_nobody_thought_of_does_not_end_it(
    bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled = []

    async def on_event(_unit: Unit, event: Envelope) -> None:
        handled.append(event.sequence)
        raise ValueError("a\0b")

    tries = 0

    async def events(_self: EventFollower, position: int) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise KeyError("a message that no envelope is made of")
        yield [an_event(position + 1)]

    monkeypatch.setattr(EventFollower, "_batches", events)
    async with probe_on(bank_dsn) as probe:
        work = asyncio.create_task(_follower(probe, on_event, "surprises").run())

        async def has_gone_on() -> bool:
            assert not work.done()
            return 2 in handled

        await eventually(has_gone_on)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
