"""What comes from a broker, read: an event in any of the three envelopes, whoever sent it."""

import dataclasses
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

#: What publishers send in place of an event that the broker would not carry.
REFERENCE_CONTENT_TYPE: Final = "application/vnd.ledger.event-reference+json"
#: Of an id or a type, in characters: what is longer is a mistake, and is kept in no table.
TEXT_LENGTH_MAX: Final = 512
#: Positions are 64 bits wide.
SEQUENCE_DIGITS_MAX: Final = 20


class UnreadableError(Exception):
    """A message is no event in any envelope; it never will be."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """One event as its message states it."""

    #: The same however often it comes.
    id: str
    #: As the envelope names it, such as `journal.posted`.
    type: str
    #: The payload. Numbers with a fraction are `Decimal`; a ledger's amounts are strings.
    data: Mapping[str, Any]
    #: Id of the journal; empty if the sender is no ledger.
    journal_id: str
    #: Place in the journal, or among the events of a bank's module, from 1; None if the sender
    #: tells none.
    sequence: int | None
    #: What it belongs to; may be empty.
    correlation_id: str
    #: The whole envelope.
    envelope: Mapping[str, Any]

    @property
    def series(self) -> str:
        """What its sequence counts in: the journal, or of a bank `<tenant>/core.<module>`."""
        if self.journal_id or "tenant" not in self.envelope:
            return self.journal_id
        return f"{self.envelope['tenant']}/{self.type.rpartition('.')[0]}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventReference:
    """Where an event is that no message could carry: read it from the ledger, or the module."""

    #: That the event's message would have had.
    id: str
    type: str
    #: Empty if it is a bank's.
    journal_id: str
    sequence: int
    #: Why there is no message.
    problem: str
    #: Code of the journal that is a bank's tenant; empty if it is a ledger's.
    tenant: str = ""
    #: That published the event; empty if it is a ledger's.
    module: str = ""

    @property
    def place(self) -> str:
        """Whose events it is among, for people."""
        return f"{self.module} of {self.tenant}" if self.module else f"journal {self.journal_id}"


Received: TypeAlias = ReceivedEvent | EventReference

#: By the attribute that tells an envelope: id, type, payload, correlation.
_FORMS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "specversion": ("id", "type", "data", "correlationid"),
    "event_id": ("event_id", "event_type", "data", ""),
    "event_type": ("id", "event_type", "payload", "trace_id"),
}


def read(
    body: bytes,
    *,
    content_type: str = "",
    message_id: str = "",
    message_type: str = "",
    request_id: str = "",
) -> Received:
    """Return what a message states.

    Args:
        body: JSON.
        content_type: of the message; tells references from events.
        message_id: of the message, as properties or headers say; only a reference needs it.
        message_type: its type, likewise.
        request_id: what the headers say that it belongs to, where the envelope does not.

    Raises:
        UnreadableError: it is no event, or one without id, type or payload.
    """
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"no JSON: {error}") from error
    if not isinstance(found, dict):
        raise UnreadableError("no JSON object")
    if content_type == REFERENCE_CONTENT_TYPE:
        return _reference(found, message_id, message_type)
    form = next((form for name, form in _FORMS.items() if name in found), None)
    if form is None:
        raise UnreadableError("no envelope that is known: neither CloudEvents, lana nor imagy")
    identity, kind, payload, correlation = form
    if not isinstance(found.get(payload), dict):
        raise UnreadableError(f"{payload} is no object")
    return ReceivedEvent(
        id=_text(found, identity),
        type=_text(found, kind),
        data=found[payload],
        journal_id=str(found.get("partitionkey") or found.get("journal_id") or ""),
        sequence=_sequence(found),
        correlation_id=str(found.get(correlation) or request_id),
        envelope=found,
    )


def _reference(found: Mapping[str, Any], message_id: str, message_type: str) -> EventReference:
    sequence = _sequence(found)
    if sequence is None:
        raise UnreadableError("a reference without sequence")
    is_of_bank = "module" in found
    return EventReference(
        id=_text({"id": message_id}, "id"),
        type=_text({"type": message_type}, "type"),
        journal_id="" if is_of_bank else _text(found, "journal_id"),
        sequence=sequence,
        problem=str(found.get("problem", "")),
        tenant=_text(found, "tenant") if is_of_bank else "",
        module=_text(found, "module") if is_of_bank else "",
    )


def _text(found: Mapping[str, Any], name: str) -> str:
    text = found.get(name)
    # A zero character can be in no text of PostgreSQL, a lone surrogate in no UTF-8.
    if not isinstance(text, str) or not 0 < len(text) <= TEXT_LENGTH_MAX or not _storable(text):
        raise UnreadableError(f"{name} is no text of 1 to {TEXT_LENGTH_MAX} characters")
    return text


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _sequence(found: Mapping[str, Any]) -> int | None:
    text = found.get("sequence")
    if text is None:
        return None
    if type(text) is int and text >= 0:
        text = str(text)
    plain = isinstance(text, str) and text.isascii() and text.isdigit()
    if not plain or len(text) > SEQUENCE_DIGITS_MAX:
        raise UnreadableError("sequence is neither a text of digits nor an integer")
    return int(text)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
