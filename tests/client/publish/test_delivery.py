"""Delivery without a broker: whatever a target does, all arrives, first in order."""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.client import LedgerClient
from ledger_client.models import Event, EventBatch, Journal
from ledger_client.publish import reference
from ledger_client.publish.delivery import Delivery, Route, unpublished
from ledger_client.publish.journal_feed import JournalFeed
from ledger_client.publish.lease import Lease
from ledger_client.publish.message import Message, UnpublishableError
from ledger_client.publish.status import Alert, State, Status
from ledger_client.publish.target import (
    FencedError,
    MessageTooLargeError,
    Origin,
    Published,
    PublishError,
    TargetUnavailableError,
    UnroutableError,
)
from ledger_client.publish.troubles import GaveUpError, Troubles
from ledger_proto.v1 import events_pb2

JOURNAL = UUID("0192b7a0-1111-7000-8000-000000000001")
NOW = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)


def event(sequence: int, kind: str = "journal.posted") -> Event:
    return Event(
        sequence=sequence,
        record_time=NOW,
        actor="",
        type=kind,
        fact={},
        message=events_pb2.Event(sequence=sequence),
    )


def message(sequence: int, identity: str = "", kind: str = "journal.posted") -> Message:
    return Message(
        id=identity or f"id-{sequence}",
        type=kind,
        sequence=sequence,
        body=b"{}",
        content_type="application/json",
        headers={},
    )


def batch(*sequences: int) -> EventBatch:
    events = tuple(map(event, sequences))
    return EventBatch(events=events, position=sequences[-1], head_sequence=sequences[-1])


class PlainEnvelope:
    """Has no form for the events whose sequences it is told."""

    def __init__(self, *without: int) -> None:
        self._without = without

    def message(self, event: Event) -> Message:
        if event.sequence in self._without:
            raise UnpublishableError("no form")
        return message(event.sequence, kind=event.type)


@dataclasses.dataclass
class Attempt:
    """How a target answers once."""

    #: How many of the messages it takes, and how many of those it says that it took.
    taken: int
    confirmed: int
    error: type[PublishError] | None
    #: Whether it refuses to be opened, if it is closed.
    shut: bool = False


class ScriptedTarget:
    """Fails as it is told to, then works."""

    name = "scripted"

    def __init__(self, script: Sequence[Attempt], *, remembers: bool = False) -> None:
        self._script = list(script)
        self._remembers = remembers
        self.is_open = False
        self.taken: list[Message] = []

    async def open(self, _origin: Origin) -> Published | None:
        if self._script and self._script[0].shut:
            self._script.pop(0)
            raise TargetUnavailableError("shut")
        self.is_open = True
        if self._remembers and self.taken:
            return Published(self.taken[-1].sequence, self.taken[-1].id)
        return None

    async def publish(self, messages: Sequence[Message]) -> None:
        assert self.is_open, "published without being opened"
        attempt = self._script.pop(0) if self._script else Attempt(len(messages), 0, None)
        if attempt.error is None:
            self.taken += messages
            return
        taken = min(attempt.taken, len(messages))
        self.taken += messages[:taken]
        # Something failed, so not all is confirmed.
        confirmed = min(attempt.confirmed, taken, len(messages) - 1)
        raise attempt.error("no", confirmed=confirmed)

    async def close(self) -> None:
        self.is_open = False


class HeldLease:
    """A cursor that is never lost."""

    def __init__(self) -> None:
        self.position = 0

    async def ensure(self) -> None:
        pass

    def advance(self, position: int) -> None:
        self.position = max(self.position, position)


class NoPause(Troubles):
    async def pause(self, seconds: float) -> None:
        assert seconds > 0
        await asyncio.sleep(0)


class LedgerAt100:
    async def get_head(self, _journal: str) -> Any:
        return dataclasses.make_dataclass("Head", ["sequence"])(100)


class Run:
    """A delivery with everything around it."""

    def __init__(
        self,
        target: ScriptedTarget,
        *,
        envelope: PlainEnvelope | None = None,
        unpublishable: Literal["stop", "refer"] = "stop",
        give_up_seconds: float | None = None,
    ) -> None:
        self.status = Status()
        self.alerts: list[Alert] = []
        self.troubles = NoPause(self.status, self.alerts.append, give_up_seconds)
        self.lease = HeldLease()
        journal = Journal(
            id=JOURNAL, code="J", name="J", time_zone="UTC", create_time=NOW, head_sequence=0
        )
        self.delivery = Delivery(
            Route(
                feed=JournalFeed(cast("LedgerClient", LedgerAt100()), journal),
                origin=Origin("J", "test"),
                target=target,
                envelope=envelope or PlainEnvelope(),
                unpublishable=unpublishable,
            ),
            self.status,
            self.troubles,
        )

    async def deliver(self, *batches: EventBatch) -> bool:
        done = True
        for one in batches:
            done = await self.delivery.deliver(cast("Lease", self.lease), one)
        return done


async def test_a_broker_that_lost_what_it_had_confirmed_is_told_of() -> None:
    """As one whose machine lost power before it had written all to its disk."""
    target = ScriptedTarget([], remembers=True)
    run = Run(target)
    assert await run.deliver(batch(1, 2, 3), batch(4, 5))
    await run.delivery.close()
    assert await run.deliver(batch(6))
    assert run.alerts == []
    await run.delivery.close()
    del target.taken[3:]
    assert await run.deliver(batch(7))
    (alert,) = run.alerts
    assert alert.kind == "ConfirmedMessagesLost"
    assert "ends with event 3, and had confirmed event 6" in alert.message
    assert [one.sequence for one in target.taken] == [1, 2, 3, 7]


attempts = st.builds(
    Attempt,
    taken=st.integers(0, 12),
    confirmed=st.integers(0, 12),
    error=st.sampled_from([TargetUnavailableError, FencedError, UnroutableError]),
    shut=st.booleans(),
)


@given(st.lists(attempts, max_size=12), st.booleans())
def test_all_arrives_first_in_order_whatever_fails(script: list[Attempt], remembers: bool) -> None:
    target = ScriptedTarget(script, remembers=remembers)
    run = Run(target)
    assert asyncio.run(run.deliver(batch(*range(1, 8)), batch(8), batch(9, 10, 12)))
    firsts = list(dict.fromkeys(one.sequence for one in target.taken))
    assert firsts == [*range(1, 11), 12]
    assert len({(one.sequence, one.id) for one in target.taken}) == 11
    assert (run.lease.position, run.status.position) == (12, 12)
    if remembers:
        assert len(target.taken) == 11, "what the target has is not sent again"


@given(st.integers(0, 5), st.integers(0, 5))
def test_a_position_is_noted_only_for_what_is_confirmed(taken: int, confirmed: int) -> None:
    confirmed = min(taken, confirmed)
    target = ScriptedTarget([Attempt(taken, confirmed, TargetUnavailableError)])
    run = Run(target, give_up_seconds=0)
    with pytest.raises(GaveUpError):
        asyncio.run(run.deliver(batch(*range(11, 17))))
    assert run.lease.position == 10 + confirmed


def test_balances_of_one_event_count_only_together() -> None:
    """Several messages with one sequence: the position is behind it until all are confirmed."""
    target = ScriptedTarget([Attempt(2, 2, TargetUnavailableError)])
    run = Run(target, give_up_seconds=0)
    with pytest.raises(GaveUpError):
        asyncio.run(run.deliver(batch(5, 5, 5)))
    assert run.lease.position == 4


def test_what_is_too_large_stops_all_behind_it() -> None:
    target = ScriptedTarget([Attempt(1, 1, MessageTooLargeError)])
    run = Run(target, give_up_seconds=0)
    with pytest.raises(GaveUpError):
        asyncio.run(run.deliver(batch(1, 2, 3)))
    assert [one.sequence for one in target.taken] == [1]
    assert (run.status.state, run.lease.position) == (State.STUCK, 1)
    assert "before event 2" in run.alerts[0].message
    assert run.alerts[0].sequence == 2


def test_or_a_reference_takes_its_place() -> None:
    target = ScriptedTarget([Attempt(1, 1, MessageTooLargeError)])
    run = Run(target, unpublishable="refer")
    assert asyncio.run(run.deliver(batch(1, 2, 3)))
    assert [one.id for one in target.taken] == ["id-1", "id-2", "id-3"]
    assert [one.content_type == reference.CONTENT_TYPE for one in target.taken] == [
        False,
        True,
        False,
    ]
    assert b'"sequence": "2"' in target.taken[1].body
    assert run.status.referred == 1
    assert len(run.alerts) == 1


def test_what_has_no_form_stops_all_behind_it_and_nothing_before() -> None:
    target = ScriptedTarget([])
    run = Run(target, envelope=PlainEnvelope(3), give_up_seconds=0)
    with pytest.raises(GaveUpError):
        asyncio.run(run.deliver(batch(1, 2, 3, 4)))
    assert [one.sequence for one in target.taken] == [1, 2]
    assert run.lease.position == 2


def test_or_is_referred_to() -> None:
    target = ScriptedTarget([])
    run = Run(target, envelope=PlainEnvelope(1, 3), unpublishable="refer")
    assert asyncio.run(run.deliver(batch(1, 2, 3, 4)))
    assert [one.sequence for one in target.taken] == [1, 2, 3, 4]
    assert run.status.referred == 2
    assert target.taken[0].id != target.taken[2].id


def test_ends_when_told_to_with_what_is_left_unpublished() -> None:
    target = ScriptedTarget([])
    run = Run(target)

    async def end_first() -> bool:
        run.troubles.stopping.set()
        return await run.deliver(batch(1))

    assert not asyncio.run(end_first())
    assert target.taken == []
    assert run.lease.position == 0


def test_an_alert_comes_once_a_minute_and_again_after_a_recovery() -> None:
    failing = [Attempt(0, 0, TargetUnavailableError)] * 5
    run = Run(ScriptedTarget([*failing, Attempt(0, 0, None), *failing]))
    asyncio.run(run.deliver(batch(1), batch(2)))
    assert [alert.kind for alert in run.alerts] == ["TargetUnavailableError"] * 2
    assert run.status.retried == 10
    assert run.status.state is State.PUBLISHING


def test_what_a_target_has_is_left_out_over_several_batches() -> None:
    target = ScriptedTarget([], remembers=True)
    target.taken = [message(sequence) for sequence in range(1, 8)]
    run = Run(target)
    assert asyncio.run(run.deliver(batch(1, 2, 3), batch(4, 5, 6), batch(7), batch(8), batch(9)))
    assert [one.sequence for one in target.taken] == list(range(1, 10))
    assert (run.status.skipped, run.status.published) == (7, 2)
    assert run.lease.position == 9


def test_a_target_from_another_past_is_refused() -> None:
    """The journal's head is 100: nobody can have published 101 of it."""
    target = ScriptedTarget([], remembers=True)
    target.taken = [message(101)]
    run = Run(target, give_up_seconds=0)
    with pytest.raises(GaveUpError, match="another past"):
        asyncio.run(run.deliver(batch(1, 2, 3)))
    assert len(target.taken) == 1
    assert run.alerts[0].kind == "TargetSetupError"


MESSAGES = [message(1), message(2), message(2, "b"), message(2, "c"), message(3)]


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (None, MESSAGES),
        (Published(1, "id-1"), MESSAGES[1:]),
        (Published(2, "b"), MESSAGES[3:]),
        (Published(2, "another's"), MESSAGES[1:]),
        (Published(3, "id-3"), []),
        (Published(9, "later"), []),
        (Published(0, "earlier"), MESSAGES),
    ],
)
def test_only_what_is_not_there_yet_is_published(
    found: Published | None, left: list[Message]
) -> None:
    assert unpublished(MESSAGES, found) == left
