"""What both consumers promise, on real brokers and a real PostgreSQL."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ledger_client.consume import (
    Gap,
    InboxUnavailableError,
    ReceivedEvent,
    RejectEventError,
    SequenceWatch,
)
from ledger_client.consume.received import REFERENCE_CONTENT_TYPE
from ledger_client.publish.message import Message
from tests.client.consume.brokers_at_hand import BrokerAtHand, until
from tests.client.consume.effects import Effects, event_message, event_messages, running
from tests.client.publish.any_event import JOURNAL


async def settled(broker: BrokerAtHand, effects: Effects, count: int) -> None:
    """Wait until there are so many effects, and nothing is left to do."""

    async def done() -> bool:
        return await effects.count() >= count and await broker.left() == 0

    await until(done)


def reference(sequence: int) -> Message:
    """Return what a publisher sends for an event that is too large for the broker."""
    facts = {"journal_id": str(JOURNAL), "sequence": str(sequence), "problem": "too large"}
    return dataclasses.replace(
        event_message(sequence),
        body=json.dumps(facts).encode(),
        content_type=REFERENCE_CONTENT_TYPE,
    )


class Failing:
    """A handler that fails at one event."""

    def __init__(self, effects: Effects, sequence: int, *, times: int, error: Exception) -> None:
        self._effects = effects
        self._sequence = sequence
        self._times = times
        self._error = error
        self.failures = 0

    async def __call__(self, event: ReceivedEvent, connection: Any) -> None:
        await self._effects.handle(event, connection)
        if event.sequence == self._sequence and self.failures < self._times:
            self.failures += 1
            raise self._error


async def test_a_repeated_message_has_no_second_effect(
    broker: BrokerAtHand, effects: Effects
) -> None:
    messages = event_messages(30)
    await broker.publish([*messages, *messages[:20], messages[29]])
    async with running(broker.consumer(effects.inbox, effects.handle)) as consumer:
        await settled(broker, effects, 30)
    assert sorted(await effects.sequences()) == list(range(1, 31))
    assert (consumer.counts.handled, consumer.counts.repeated) == (30, 21)
    assert await broker.dead_letters() == []


async def test_what_always_fails_is_a_dead_letter_and_others_go_on(
    broker: BrokerAtHand, effects: Effects
) -> None:
    handler = Failing(effects, 3, times=10**6, error=ValueError("no such customer: ü\n"))
    await broker.publish(event_messages(20))
    async with running(broker.consumer(effects.inbox, handler)) as consumer:
        await settled(broker, effects, 19)
        await until(lambda: is_true(consumer.counts.dead == 1))
    assert sorted(await effects.sequences()) == [one for one in range(1, 21) if one != 3]
    assert effects.attempts.count(3) == 4
    assert consumer.counts.retried == 3
    (letter,) = await broker.dead_letters()
    assert letter.body == event_message(3).body
    assert letter.attempts == 4
    assert letter.reason.startswith("failed: ValueError: no such customer: ü")
    assert letter.headers["event-id"] == event_message(3).id


async def is_true(value: bool) -> bool:  # a condition
    return value


async def test_what_fails_for_a_while_is_handled(broker: BrokerAtHand, effects: Effects) -> None:
    handler = Failing(effects, 2, times=3, error=OSError("bank unreachable"))
    await broker.publish(event_messages(5))
    async with running(broker.consumer(effects.inbox, handler)):
        await settled(broker, effects, 5)
    assert sorted(await effects.sequences()) == [1, 2, 3, 4, 5]
    assert await broker.dead_letters() == []


async def test_a_dead_letter_that_is_replayed_begins_anew(
    broker: BrokerAtHand, effects: Effects
) -> None:
    handler = Failing(effects, 1, times=4 + 3, error=ValueError("not yet"))
    await broker.publish([event_message(1)])
    async with running(broker.consumer(effects.inbox, handler)) as consumer:
        await until(lambda: is_true(consumer.counts.dead == 1))
        await settled(broker, effects, 0)
        await broker.publish([event_message(1)])
        await settled(broker, effects, 1)
    assert handler.failures == 7


@pytest.mark.parametrize("in_order", [False, True])
async def test_what_can_never_be_handled_is_not_tried_again(
    broker: BrokerAtHand, effects: Effects, *, in_order: bool
) -> None:
    unreadable = dataclasses.replace(event_message(1), body=b"\xff{")
    foreign = dataclasses.replace(event_message(1), body=b'{"hello": "world"}')
    moved = reference(2)
    handler = Failing(effects, 3, times=1, error=RejectEventError("an account of no kind"))
    await broker.publish([unreadable, foreign, moved, event_message(3), event_message(4)])
    consumer = broker.consumer(effects.inbox, handler, in_order=in_order)
    async with running(consumer):
        await settled(broker, effects, 1)
    assert await effects.sequences() == [4]
    assert consumer.counts.retried == 0
    reasons = sorted(letter.reason.split(":", 2)[0:2] for letter in await broker.dead_letters())
    assert reasons == [
        ["rejected", " RejectEventError"],
        ["rejected", " RejectEventError"],
        ["unreadable", " UnreadableError"],
        ["unreadable", " UnreadableError"],
    ]


async def test_a_reference_is_resolved(broker: BrokerAtHand, effects: Effects) -> None:
    async def resolve(found: Any) -> ReceivedEvent:
        return ReceivedEvent(
            id="another",
            type=found.type,
            data={},
            journal_id=str(JOURNAL),
            sequence=found.sequence,
            correlation_id="",
            envelope={},
        )

    await broker.publish([reference(2), reference(2)])
    async with running(broker.consumer(effects.inbox, effects.handle, resolve=resolve)):
        await settled(broker, effects, 1)
    assert await effects.sequences() == [2]


async def test_in_order_what_fails_holds_up_what_is_behind_it(
    broker: BrokerAtHand, effects: Effects
) -> None:
    handler = Failing(effects, 3, times=2, error=ValueError("not yet"))
    await broker.publish(event_messages(10))
    async with running(broker.consumer(effects.inbox, handler, in_order=True)):
        await settled(broker, effects, 10)
    assert await effects.sequences() == list(range(1, 11))
    assert effects.attempts == [1, 2, 3, 3, 3, *range(4, 11)]


async def test_in_order_a_gap_is_told_before_what_is_behind_it(
    broker: BrokerAtHand, effects: Effects
) -> None:
    gaps: list[tuple[Gap, list[int]]] = []

    async def on_gap(gap: Gap) -> None:
        gaps.append((gap, await effects.sequences()))

    await broker.publish([event_message(one) for one in (4, 5, 5, 3, 8, 9)])
    watch = SequenceWatch({str(JOURNAL): 3})
    consumer = broker.consumer(
        effects.inbox, effects.handle, in_order=True, watch=watch, on_gap=on_gap
    )
    async with running(consumer):
        await settled(broker, effects, 5)
    gap = Gap(journal_id=str(JOURNAL), after_sequence=5, before_sequence=8)
    assert gaps == [(gap, [4, 5, 3])]


async def test_stopped_it_ends_what_it_began_and_gives_back_the_rest(
    broker: BrokerAtHand, effects: Effects
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: ReceivedEvent, connection: Any) -> None:
        begun.set()
        await go_on.wait()
        await effects.handle(event, connection)

    await broker.publish(event_messages(6))
    consumer = broker.consumer(effects.inbox, slow, concurrency=2)
    running_task = asyncio.create_task(consumer.run())
    async with asyncio.timeout(30):
        await begun.wait()
        consumer.stop()
        await asyncio.sleep(0.1)
        assert not running_task.done()
        go_on.set()
        await running_task
    handled = await effects.count()
    assert 1 <= handled <= 2
    assert consumer.counts.handled == handled
    async with running(broker.consumer(effects.inbox, effects.handle)) as other:
        await settled(broker, effects, 6)
    assert other.counts.handled == 6 - handled
    assert sorted(await effects.sequences()) == [1, 2, 3, 4, 5, 6]


async def test_an_inbox_that_is_away_is_no_fault_of_an_event(
    broker: BrokerAtHand, effects: Effects
) -> None:
    class Away:
        def __init__(self) -> None:
            self.times = 4

        @asynccontextmanager
        async def handling(self, event_id: str) -> AsyncIterator[Any]:
            self.times -= 1
            if self.times >= 0:
                raise InboxUnavailableError("the database restarts")
            async with effects.inbox.handling(event_id) as connection:
                yield connection

        def __getattr__(self, name: str) -> Any:
            return getattr(effects.inbox, name)

    await broker.publish(event_messages(2))
    inbox: Any = Away()
    async with running(broker.consumer(inbox, effects.handle, in_order=True)) as consumer:
        await settled(broker, effects, 2)
    assert (consumer.counts.retried, consumer.counts.dead) == (0, 0)
    attempts = await effects.pool.fetchval("SELECT max(attempts) FROM processed_events")
    assert attempts == 0


async def test_two_consumers_share_the_work(broker: BrokerAtHand, effects: Effects) -> None:
    messages = event_messages(40)
    await broker.publish([*messages, *messages])
    left, right = (broker.consumer(effects.inbox, effects.handle, concurrency=3) for _ in "ab")
    async with running(left), running(right):
        await settled(broker, effects, 40)
    assert sorted(await effects.sequences()) == list(range(1, 41))
    assert left.counts.handled + right.counts.handled == 40


async def test_a_bug_ends_it(broker: BrokerAtHand, effects: Effects) -> None:
    """What neither handler, inbox nor broker raised must not be waited out in silence."""

    class Broken:
        def handling(self, event_id: str) -> Any:
            raise SystemError(event_id)

        async def count_attempt(self, _event_id: str) -> int:
            raise SystemError("no table")

    inbox: Any = Broken()
    await broker.publish([event_message(1)])
    with pytest.raises(SystemError, match="no table"):
        await asyncio.wait_for(broker.consumer(inbox, effects.handle).run(), 30)


class TestOptions:
    def test_what_makes_no_sense(self, effects: Effects) -> None:
        from tests.client.consume.brokers_at_hand import OnNats  # noqa: PLC0415

        at_hand = OnNats("nats://127.0.0.1:1")
        with pytest.raises(ValueError, match="concurrency"):
            at_hand.consumer(effects.inbox, effects.handle, concurrency=0)
        with pytest.raises(ValueError, match="a watch needs in_order"):
            at_hand.consumer(effects.inbox, effects.handle, watch=SequenceWatch())
