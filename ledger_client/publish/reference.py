"""What is published in place of an event that cannot be: where to find it.

A subscriber that gets one reads the event itself, with `ListEvents` after the sequence before. So
nothing is lost without notice, and nothing behind it waits.
"""

import json
from typing import Final
from uuid import UUID

from ledger_client.models import Event
from ledger_client.publish.message import Message, message_id

#: Tells a reference from events, in any envelope.
CONTENT_TYPE: Final = "application/vnd.ledger.event-reference+json"


def reference_of_message(message: Message, journal_id: UUID, problem: str) -> Message:
    """Return what takes the place of a message that the broker cannot carry: its id, type, headers.

    Args:
        message: too large.
        journal_id: whose event it is.
        problem: what is wrong with it, for people.
    """
    return Message(
        id=message.id,
        type=message.type,
        sequence=message.sequence,
        body=_body(journal_id, message.sequence, problem),
        content_type=CONTENT_TYPE,
        headers=message.headers,
    )


def reference_of_event(event: Event, journal_id: UUID, problem: str) -> Message:
    """Return what takes the place of an event that has no form in its envelope.

    Its type is the event's own, without what an envelope makes of it.
    """
    identity = message_id(journal_id, event)
    return Message(
        id=identity,
        type=event.type,
        sequence=event.sequence,
        body=_body(journal_id, event.sequence, problem),
        content_type=CONTENT_TYPE,
        headers={
            "event-id": identity,
            "event-type": event.type,
            "journal-id": str(journal_id),
            "sequence": str(event.sequence),
        },
    )


def _body(journal_id: UUID, sequence: int, problem: str) -> bytes:
    facts = {"journal_id": str(journal_id), "sequence": str(sequence), "problem": problem}
    return json.dumps(facts).encode()
