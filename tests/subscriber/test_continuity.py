"""A stream that leaves out or repeats is found out, whatever its form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.subscriber import StreamBrokenError
from ledger_client.subscriber.continuity import Continuity, Step
from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1 import events_pb2

#: How many balance updates follow each event.
histories = st.lists(st.integers(0, 3), min_size=1, max_size=30)


def posted(sequence: int) -> events_pb2.Event:
    return events_pb2.Event(sequence=sequence, journal_posted=events_pb2.JournalPosted())


def update(sequence: int) -> events_pb2.Event:
    return events_pb2.Event(sequence=sequence, balance_updated=events_pb2.BalanceUpdated())


def messages(updates: list[int], first: int = 1) -> list[events_pb2.Event]:
    found = []
    for number, count in enumerate(updates):
        found += [posted(first + number), *(update(first + number) for _ in range(count))]
    return found


def response(events: list[events_pb2.Event], position: int | None = None) -> Any:
    last = events[-1].sequence if events else 0
    return pb.SubscribeResponse(events=events, position=last if position is None else position)


@given(histories, st.integers(1, 1_000), st.data())
def test_takes_a_whole_stream_however_it_is_cut(
    updates: list[int], first: int, data: st.DataObject
) -> None:
    continuity = Continuity(first - 1, has_gaps=False)
    found: list[Step] = []
    number = 0
    while number < len(updates):
        count = data.draw(st.integers(1, len(updates) - number))
        found += continuity.steps(response(messages(updates[number:][:count], first + number)))
        assert continuity.steps(response([], continuity.position)) == []
        number += count
    assert [step.sequence for step in found] == [first + at for at in range(len(updates))]
    assert [len(step.messages) for step in found] == [1 + count for count in updates]
    assert continuity.position == first + len(updates) - 1


@given(histories, st.data())
def test_finds_what_is_missing(updates: list[int], data: st.DataObject) -> None:
    """An event with what follows from it, in the middle, at the begin or at the end."""
    sent = messages(updates)
    gone = data.draw(st.integers(1, len(updates)))
    left = [event for event in sent if event.sequence != gone]
    with pytest.raises(StreamBrokenError):
        Continuity(0, has_gaps=False).steps(response(left, len(updates)))


@given(histories, st.booleans(), st.data())
def test_finds_what_comes_twice(updates: list[int], has_gaps: bool, data: st.DataObject) -> None:
    sent = messages(updates)
    again = data.draw(st.integers(1, len(updates)))
    later = data.draw(st.integers(again, len(updates)))
    place = max(at for at, event in enumerate(sent) if event.sequence == later) + 1
    with pytest.raises(StreamBrokenError, match=f"event {again} came again"):
        Continuity(0, has_gaps=has_gaps).steps(
            response([*sent[:place], posted(again), *sent[place:]], len(updates))
        )


@given(histories, st.data())
def test_a_filter_may_leave_out(updates: list[int], data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.integers(1, len(updates))))
    sent = [event for event in messages(updates) if event.sequence in kept]
    continuity = Continuity(0, has_gaps=True)
    steps = continuity.steps(response(sent, len(updates)))
    assert [step.sequence for step in steps] == sorted(kept)
    assert continuity.position == len(updates)


@pytest.mark.parametrize("has_gaps", [False, True])
def test_an_event_behind_the_position_is_a_repeat(has_gaps: bool) -> None:
    """Also the first of a stream: a server that begins too early."""
    with pytest.raises(StreamBrokenError, match="event 7 came again"):
        Continuity(7, has_gaps=has_gaps).steps(response([posted(7), posted(8)]))


def test_a_position_never_goes_back() -> None:
    with pytest.raises(StreamBrokenError, match="came to 4"):
        Continuity(5, has_gaps=True).steps(response([], 4))


def test_a_position_behind_its_own_events() -> None:
    with pytest.raises(StreamBrokenError, match="came to 2"):
        Continuity(0, has_gaps=True).steps(response([posted(3)], 2))


@pytest.mark.parametrize("sent", [[update(1)], [posted(1), update(2)]])
def test_an_update_follows_its_event(sent: list[events_pb2.Event]) -> None:
    with pytest.raises(StreamBrokenError, match=r"balance\.updated"):
        Continuity(0, has_gaps=True).steps(response(sent, 9))
