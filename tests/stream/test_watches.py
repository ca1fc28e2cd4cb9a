"""An event wakes those that it may be for, and nobody else: as if each had looked at each."""

from hypothesis import given
from hypothesis import strategies as st

from ledger_server.store.event_codec import StreamEvent
from ledger_server.stream.matching import marks_of
from ledger_server.stream.watches import Interest, Watches

TYPES = (12, 21, 22)
MARKS = ("a", "b", "c")

#: Type and marks of events, whose sequences count from 1.
histories = st.lists(st.tuples(st.sampled_from(TYPES), st.sets(st.sampled_from(MARKS))))
some_types = st.frozensets(st.sampled_from(TYPES), min_size=1)
some_marks = st.frozensets(st.sampled_from(MARKS), min_size=1)
interests = st.one_of(
    st.builds(Interest, types=some_types, marks=st.none()),
    st.builds(Interest, types=st.none() | some_types, marks=some_marks),
)


@given(histories, st.lists(st.tuples(interests, st.integers(0, 5)), max_size=6), st.data())
def test_wakes_whom_it_is_for(
    history: list[tuple[int, set[str]]],
    waiting: list[tuple[Interest, int]],
    data: st.DataObject,
) -> None:
    events = [StreamEvent(number, kind, b"", b"") for number, (kind, _) in enumerate(history, 1)]
    marks = {number: found for number, (_, found) in enumerate(history, 1)}
    watches = Watches(lambda event: marks[event.sequence])
    added = [watches.add(interest, after) for interest, after in waiting]
    gone = data.draw(st.sets(st.sampled_from(range(len(added))))) if added else set()
    for number in gone:
        watches.remove(added[number])
    cut = data.draw(st.integers(0, len(events)))
    watches.note(events[:cut])
    watches.note(events[cut:])
    for number, (watch, (interest, after)) in enumerate(zip(added, waiting, strict=True)):
        fitting = [
            event.sequence
            for event in events
            if event.sequence > after
            and (interest.types is None or event.type in interest.types)
            and (interest.marks is None or interest.marks & marks[event.sequence])
        ]
        expected = fitting[0] if fitting and number not in gone else None
        assert watch.first == expected
        assert watch.woken.is_set() == (expected is not None)


@given(st.lists(interests, max_size=6))
def test_keeps_nothing_of_those_who_left(waiting: list[Interest]) -> None:
    watches = Watches(lambda _: MARKS)
    added = [watches.add(interest, 0) for interest in waiting]
    watches.wake_all()
    assert all(watch.woken.is_set() for watch in added)
    for watch in added:
        watches.remove(watch)
    assert watches._waiting == {}
    assert not watches._marked_types


def test_nobody_is_decoded_for_a_type() -> None:
    """Marks are asked for only if somebody waits for marks, of events of his types."""

    def refuse(event: StreamEvent) -> tuple[str, ...]:
        raise AssertionError(f"event {event.sequence} was decoded")

    watches = Watches(refuse)
    watch = watches.add(Interest(frozenset({12}), None), 0)
    watches.add(Interest(frozenset({22}), frozenset({"a"})), 0)
    watches.note([StreamEvent(1, 21, b"", b""), StreamEvent(2, 12, b"", b"")])
    assert watch.first == 2


def test_what_cannot_be_read_may_be_for_anybody() -> None:
    """Who waits for marks is woken before it, instead of moving on past it and what follows."""

    def marks(event: StreamEvent) -> tuple[str, ...]:
        if event.sequence == 1:
            raise ValueError("damaged")
        return ("a",)

    watches = Watches(marks)
    waiting = [watches.add(Interest(None, frozenset({mark})), 0) for mark in "ab"]
    watches.note([StreamEvent(1, 21, b"", b""), StreamEvent(2, 21, b"", b"")])
    assert [watch.first for watch in waiting] == [1, 1]


def test_a_fact_that_only_a_newer_server_knows_has_no_marks() -> None:
    unknown = b"\x9a\x06\x02\x08\x01"  # field 99 of an event
    assert list(marks_of(StreamEvent(1, 99, b"", unknown))) == []
