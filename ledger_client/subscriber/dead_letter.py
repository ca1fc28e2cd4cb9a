"""Events that could not be handled, set aside for people."""

import dataclasses
import datetime as dt
import enum
import traceback
from typing import Final

from ledger_client.convert import events as convert
from ledger_client.models import Event
from ledger_client.subscriber.continuity import Step
from ledger_proto.v1 import events_pb2

#: Characters of an error's line and of its traceback that are kept: enough to find the place.
ERROR_LENGTH_MAX: Final = 1_000
TRACEBACK_LENGTH_MAX: Final = 10_000


class LetterState(enum.StrEnum):
    """What became of a dead letter."""

    #: Nobody has dealt with it yet.
    OPEN = "OPEN"
    #: It was handed to a handler again, which took it.
    REPLAYED = "REPLAYED"
    #: Somebody decided that it need not be handled.
    DISCARDED = "DISCARDED"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that failed as often as it was allowed to."""

    #: Its place in the journal.
    sequence: int
    #: Such as `journal.posted`.
    type: str
    #: The event as it was sent, and the `balance.updated` with it: serialised `ledger.v1.Event`.
    messages: tuple[bytes, ...]
    #: Class and text of the last failure, on one line.
    error: str
    #: Where it was raised.
    traceback: str
    #: How often it was tried.
    attempts: int
    #: When it was set aside, by the clock of the subscriber.
    time: dt.datetime
    #: What became of it.
    state: LetterState = LetterState.OPEN
    #: When it was replayed or discarded; None while it is open.
    settle_time: dt.datetime | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        """The event, and the `balance.updated` with it.

        Raises:
            ValueError: this client cannot read it.
        """
        return tuple(
            convert.event(events_pb2.Event.FromString(message)) for message in self.messages
        )


def dead_letter(step: Step, error: BaseException, attempts: int) -> DeadLetter:
    """Return the record of a step that is given up."""
    return DeadLetter(
        sequence=step.sequence,
        type=convert.type_of(step.messages[0]),
        messages=tuple(message.SerializeToString() for message in step.messages),
        error=error_line(error),
        traceback=traceback_of(error),
        attempts=attempts,
        time=dt.datetime.now(dt.UTC),
    )


def error_line(error: BaseException) -> str:
    """Return class and text of an error on one line."""
    text = " ".join(str(error).split())
    return _storable(f"{type(error).__name__}: {text}")[:ERROR_LENGTH_MAX]


def traceback_of(error: BaseException) -> str:
    """Return an error's traceback in letters that every store and log takes."""
    return _storable("".join(traceback.format_exception(error)))[-TRACEBACK_LENGTH_MAX:]


def _storable(text: str) -> str:
    """Return a text that every store takes: without NUL and lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
