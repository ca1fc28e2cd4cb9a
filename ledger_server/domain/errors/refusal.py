"""What a refusal is: a reason that never changes, what the caller can do, and the facts.

`kind` says what the caller can do; `api/errors.py` gives each kind its gRPC code. The fields of a
refusal are its facts: they travel as the metadata of `google.rpc.ErrorInfo`.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, ClassVar


class Kind(enum.Enum):
    """What a caller can do about a refusal."""

    INVALID = enum.auto()  # change the request; it can never succeed as it is
    OUT_OF_RANGE = enum.auto()  # ask for something that is there
    NOT_FOUND = enum.auto()  # name something else, or create it
    CONFLICT = enum.auto()  # the id or code is taken; choose another
    REFUSED = enum.auto()  # wait for, or bring about, another state of the ledger
    CONTENTION = enum.auto()  # try the same again
    TOO_MUCH = enum.auto()  # ask for less, or later
    UNAVAILABLE = enum.auto()  # try the same again later
    INTERNAL = enum.auto()  # report a bug
    BROKEN = enum.auto()  # the ledger contradicts itself: stop and verify


@dataclasses.dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field: its path in the request and what is wrong with it."""

    field: str
    description: str


@dataclasses.dataclass(eq=False)
class LedgerError(Exception):
    """Base of all refusals."""

    reason: ClassVar[str]
    kind: ClassVar[Kind]

    def facts(self) -> Mapping[str, str]:
        """Return the variable facts of the message by name."""
        return {
            field.name: str(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name != "violations"
        }

    def violations_found(self) -> tuple[Violation, ...]:
        """Return the wrong fields, if this refusal is about fields."""
        found: Any = getattr(self, "violations", ())
        return tuple(found)
