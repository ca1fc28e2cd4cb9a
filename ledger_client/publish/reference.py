"""What is published in place of an event that cannot be: where to find it.

A subscriber that gets one reads the event itself, with `ListEvents` after the sequence before. So
nothing is lost without notice, and nothing behind it waits.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Final

from ledger_client.publish.message import Message

#: Tells a reference from events, in any envelope.
CONTENT_TYPE: Final = "application/vnd.ledger.event-reference+json"


def reference(message: Message, place: Mapping[str, str], problem: str) -> Message:
    """Return what takes the place of a message, with its id, type, sequence and headers.

    Args:
        message: that cannot be published; its body and content type may be empty.
        place: where the event is, beside its sequence: the journal, or tenant and module.
        problem: what is wrong with it, for people.
    """
    facts = {**place, "sequence": str(message.sequence), "problem": problem}
    return dataclasses.replace(message, body=json.dumps(facts).encode(), content_type=CONTENT_TYPE)
