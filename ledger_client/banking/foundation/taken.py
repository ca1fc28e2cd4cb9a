"""A call in this process's hands."""

import dataclasses
import json
from typing import Any

from ledger_client.banking.foundation.calls import Call
from ledger_client.banking.foundation.cause import Cause


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A call, why it is made, and which attempt this is."""

    call: Call
    cause: Cause
    attempts: int

    @property
    def tenant(self) -> str:
        """Whose call it is."""
        return self.cause.tenant


def taken_of_row(row: Any) -> Taken:
    """Return a call as a row of `calls` has it."""
    return Taken(call=call_of_row(row), cause=cause_of_row(row), attempts=row["attempts"])


def call_of_row(row: Any) -> Call:
    """Return what is to be called."""
    return Call(
        id=row["id"],
        kind=row["kind"],
        body=json.loads(row["body"]),
        entity_kind=row["entity_kind"],
        entity_id=row["entity_id"],
    )


def cause_of_row(row: Any, causation_id: str = "") -> Cause:
    """Return why a call was made: the cause of all that comes of it."""
    return Cause(
        tenant=row["tenant"],
        subject=row["subject"],
        audit_entry_id=row["audit_entry_id"],
        trace_id=row["trace_id"],
        correlation_id=row["correlation_id"],
        causation_id=causation_id or row["causation_id"],
    )
