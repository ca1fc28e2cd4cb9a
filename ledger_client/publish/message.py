"""What is handed to a broker: the seam between envelopes, which make it, and publishers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar
from urllib.parse import quote, unquote
from uuid import UUID

from ledger_client.models import Event

#: Under which ids of messages are made. Never changes: consumers remember ids for years.
_IDS: Final = UUID("0f5d3a52-3c1b-5c0e-9a53-3f5a5c2b9d10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event in its envelope. The same event gives the same message, byte for byte."""

    #: A UUID made from journal and place, so that a repeated message can be told.
    id: str
    #: As the envelope names it, such as `journal.posted`. It is the routing key on RabbitMQ and
    #: the end of the subject on NATS.
    type: str
    #: The event's; several `balance.updated` share that of the event they follow from.
    sequence: int
    body: bytes
    #: Such as `application/cloudevents+json`.
    content_type: str
    #: For brokers' headers: what is asked for most, without parsing the body. Names and values
    #: are printable ASCII.
    headers: Mapping[str, str]


class UnpublishableError(Exception):
    """No message can be made of an event; made again it would fail again.

    An event of a type that only a newer client knows, or whose params have no JSON form.
    """


E_contra = TypeVar("E_contra", contravariant=True)


class Envelope(Protocol[E_contra]):
    """A form of messages. Pure: no clock, no randomness, no state."""

    def message(self, event: E_contra) -> Message:
        """Return the event in this envelope.

        Raises:
            UnpublishableError: it has no form here.
        """
        ...


def message_id(journal_id: UUID, event: Event) -> str:
    """Return the id of an event's message, whatever its envelope: the same for ever.

    A `balance.updated` has no place of its own; account, currency and version name it once.
    """
    place = f"{journal_id}/{event.sequence}"
    if event.message.HasField("balance_updated"):
        update = event.message.balance_updated
        place += f"/{update.account_id}/{update.currency}/{update.balance.version}"
    return str(uuid.uuid5(_IDS, place))


#: Printable ASCII that stands in a header as it is: all but space and the escape itself.
_PLAIN: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")


def header_text(value: str) -> str:
    """Return a value as headers carry it, percent-encoded where it must be.

    A line break in a caller's correlation id would else begin a header of the caller's own on
    NATS, such as another message id.
    """
    return quote(value, safe=_PLAIN)


def from_header_text(text: str) -> str:
    """Return the value that `header_text` was given."""
    return unquote(text)
