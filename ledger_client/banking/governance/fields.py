"""Fields of requests: each is read here, or refused by its name."""

import re
import unicodedata
from typing import Final

from bank_proto.governance.v1 import governance_pb2 as pb
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.fields import uuid_of
from ledger_client.banking.governance.process import Status, subject_of
from ledger_client.banking.governance.rules import AUTO_APPROVAL, Rules

NAME_CHARACTERS_MAX: Final = 100
TARGET_CHARACTERS_MAX: Final = 255
REASON_CHARACTERS_MAX: Final = 500
THRESHOLD_MAX: Final = 1_000
#: Ten years.
EXPIRE_HOURS_MAX: Final = 87_600

_PROCESS_TYPE: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_SYSTEM: Final = re.compile(r"system:[a-z][a-z0-9-]{0,62}")
#: Control characters, and what breaks a line.
_UNWANTED: Final = frozenset({"Cc", "Zl", "Zp"})
_STATUSES: Final = {
    pb.PROCESS_STATUS_PENDING: Status.PENDING,
    pb.PROCESS_STATUS_APPROVED: Status.APPROVED,
    pb.PROCESS_STATUS_DENIED: Status.DENIED,
    pb.PROCESS_STATUS_EXPIRED: Status.EXPIRED,
}


def line(field: str, text: str, characters_max: int) -> str:
    """Return a text of one line that is not empty.

    Raises:
        FieldInvalidError: it is empty, too long, or has control characters or spaces at its ends.
    """
    if not 1 <= len(text) <= characters_max:
        raise FieldInvalidError(field, f"must have 1 to {characters_max} characters")
    if any(unicodedata.category(character) in _UNWANTED for character in text):
        raise FieldInvalidError(field, "must not contain control characters")
    if text != text.strip():
        raise FieldInvalidError(field, "must not begin or end with a space")
    return text


def process_type(text: str) -> str:
    """Return the name of a type of process.

    Raises:
        FieldInvalidError: it is not one.
    """
    if not _PROCESS_TYPE.fullmatch(text):
        raise FieldInvalidError(
            "process_type",
            "must be 1 to 64 lower-case letters, digits and hyphens, beginning with a letter",
        )
    return text


def initiator(text: str) -> str:
    """Return who asks for an approval, with a user's id in its one form.

    Raises:
        FieldInvalidError: it is neither a user nor a module.
    """
    if _SYSTEM.fullmatch(text):
        return text
    kind, _, user_id = text.partition(":")
    if kind != "user":
        raise FieldInvalidError("initiator", "must be user:<uuid> or system:<module>")
    return subject_of(uuid_of("initiator", user_id))


def status(value: int) -> str:
    """Return the word that lists are filtered by; empty for any.

    Raises:
        FieldInvalidError: it is no status.
    """
    if value == pb.PROCESS_STATUS_UNSPECIFIED:
        return ""
    found = _STATUSES.get(pb.ProcessStatus.ValueType(value))
    if found is None:
        raise FieldInvalidError("status", "is not a status that is known here")
    return found.value


def rules(message: pb.Rules) -> Rules:
    """Return the rules of a policy.

    Raises:
        FieldInvalidError: a field is wrong, or set where its kind has none.
    """
    if message.kind == pb.RULE_KIND_AUTO_APPROVE:
        for field, _ in message.ListFields():
            if field.name != "kind":
                raise FieldInvalidError(
                    f"rules.{field.name}", "must not be set with RULE_KIND_AUTO_APPROVE"
                )
        return AUTO_APPROVAL
    if message.kind != pb.RULE_KIND_COMMITTEE:
        raise FieldInvalidError("rules.kind", "must be RULE_KIND_AUTO_APPROVE or _COMMITTEE")
    if not 1 <= message.threshold <= THRESHOLD_MAX:
        raise FieldInvalidError("rules.threshold", f"must be from 1 to {THRESHOLD_MAX}")
    if not 0 <= message.expire_after_hours <= EXPIRE_HOURS_MAX:
        raise FieldInvalidError("rules.expire_after_hours", f"must be from 0 to {EXPIRE_HOURS_MAX}")
    return Rules(
        committee_id=uuid_of("rules.committee_id", message.committee_id),
        threshold=message.threshold,
        exclude_initiator=message.exclude_initiator,
        expire_after_hours=message.expire_after_hours,
    )
