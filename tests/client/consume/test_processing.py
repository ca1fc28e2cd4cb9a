"""What becomes of a delivery, without a broker."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.consume import Gap, MemoryInbox, ReceivedEvent, Retries, SequenceWatch
from ledger_client.consume.processing import (
    DeadLetter,
    Delivery,
    Handled,
    Processor,
    Repeated,
    Retry,
)
from tests.client.consume.effects import event_message
from tests.client.publish.any_event import JOURNAL

RETRIES = Retries(first_wait_ms=1_000, factor=4)


def delivery(sequence: int = 1, *, redelivered: bool = False) -> Delivery:
    return Delivery(
        body=event_message(sequence).body,
        content_type="",
        message_id="",
        message_type="",
        request_id="",
        redelivered=redelivered,
    )


class Handling:
    """Fails as often as it is told to."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.seen: list[int | None] = []

    async def __call__(self, event: ReceivedEvent, _transaction: Any) -> None:
        self.seen.append(event.sequence)
        if self.errors:
            raise self.errors.pop(0)


async def test_waits_grow_and_end() -> None:
    handler = Handling(*[ValueError(str(number)) for number in range(4)])
    processor = Processor(MemoryInbox(), handler, retries=RETRIES)
    outcomes = [await processor.process(delivery()) for _ in range(4)]
    assert outcomes == [
        Retry(1, 1.0, "failed: ValueError: 0"),
        Retry(2, 4.0, "failed: ValueError: 1"),
        Retry(3, 16.0, "failed: ValueError: 2"),
        DeadLetter("failed: ValueError: 3", 4, event_message(1).id),
    ]
    assert await processor.process(delivery()) == Handled()
    assert await processor.process(delivery()) == Repeated()


async def test_without_retries_the_first_failure_is_the_last() -> None:
    processor = Processor(MemoryInbox(), Handling(ValueError()), retries=Retries(count=0))
    assert isinstance(await processor.process(delivery()), DeadLetter)


class Killed(BaseException):
    """Stands for SIGKILL: nothing runs after it."""


async def test_what_kills_is_counted_before_it_does() -> None:
    inbox = MemoryInbox()
    for number in range(5):
        processor = Processor(inbox, Handling(Killed()), retries=RETRIES)
        with pytest.raises(Killed):
            await processor.process(delivery(redelivered=number > 0))
    processor = Processor(inbox, Handling(ValueError("at last it only fails")), retries=RETRIES)
    outcome = await processor.process(delivery(redelivered=True))
    assert isinstance(outcome, DeadLetter)
    assert outcome.attempts == 5


async def test_what_nobody_began_counts_nothing() -> None:
    """A connection that is cut gives back messages that no handler has seen."""
    inbox = MemoryInbox()
    processor = Processor(inbox, Handling(), retries=Retries(count=0))
    assert await processor.process(delivery(redelivered=True)) == Handled()
    assert await processor.process(delivery(redelivered=True)) == Repeated()


async def test_a_reason_is_bounded() -> None:
    processor = Processor(MemoryInbox(), Handling(ValueError("x" * 10_000)), retries=RETRIES)
    outcome = await processor.process(delivery())
    assert isinstance(outcome, Retry)
    assert len(outcome.reason) == 500


async def test_a_gap_that_may_not_be_is_a_failure() -> None:
    async def refuse(gap: Gap) -> None:
        raise RuntimeError(f"{gap.after_sequence + 1} is missing")

    handler = Handling()
    watch = SequenceWatch({str(JOURNAL): 1})
    processor = Processor(MemoryInbox(), handler, retries=RETRIES, watch=watch, on_gap=refuse)
    outcome = await processor.process(delivery(4))
    assert isinstance(outcome, Retry)
    assert outcome.reason == "failed: RuntimeError: 2 is missing"
    for sequence in (2, 3, 4):
        assert await processor.process(delivery(sequence)) == Handled()
    assert handler.seen == [2, 3, 4]


@given(st.lists(st.integers(1, 12), max_size=20), st.integers(0, 5))
def test_a_gap_is_told_exactly_where_something_is_missing(sequences: list[int], start: int) -> None:
    watch = SequenceWatch({"j": start})
    highest = start
    for sequence in sequences:
        event = ReceivedEvent(
            id="x",
            type="t",
            data={},
            journal_id="j",
            sequence=sequence,
            correlation_id="",
            envelope={},
        )
        gap = watch.gap_before(event)
        assert (gap is not None) == (sequence > highest + 1)
        if gap is not None:
            assert (gap.after_sequence, gap.before_sequence) == (highest, sequence)
        watch.passed(event)
        highest = max(highest, sequence)


async def test_memory_forgets_the_oldest() -> None:
    inbox = MemoryInbox(events_max=2)
    seen = []
    for event_id in ("a", "b", "c", "b", "a"):
        async with inbox.handling(event_id) as transaction:
            seen.append(transaction is not None)
    assert seen == [True, True, True, False, True]


async def test_memory_keeps_no_attempts_of_what_was_handled() -> None:
    """What comes again after its acknowledgement was lost is counted first."""
    inbox = MemoryInbox()
    for _ in range(2):
        await inbox.count_attempt("a")
        async with inbox.handling("a"):
            pass
    assert inbox._attempts == {}
