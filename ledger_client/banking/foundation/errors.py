"""Refusals of banking modules, and those that all of them share.

A module declares its own in its `errors`: a dataclass with a reason that never changes and a kind
that says what the caller can do. Its fields are the facts, sent as `ErrorInfo.metadata`.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID


class Kind(enum.Enum):
    """What a caller can do about a refusal."""

    INVALID = enum.auto()  # change the request: it can never succeed as it is
    NOT_FOUND = enum.auto()  # name something else
    CONFLICT = enum.auto()  # choose another name or id
    REFUSED = enum.auto()  # bring about another state
    CONTENTION = enum.auto()  # send the same again
    UNAUTHENTICATED = enum.auto()  # say who you are
    DENIED = enum.auto()  # ask for a permission
    UNAVAILABLE = enum.auto()  # send the same again later
    INTERNAL = enum.auto()  # report a bug


@dataclasses.dataclass(eq=False)
class BankError(Exception):
    """Base of all refusals. `str()` is one sentence for people."""

    reason: ClassVar[str]
    kind: ClassVar[Kind]

    def facts(self) -> Mapping[str, str]:
        """Return the variable facts of the message by name."""
        return {field.name: str(getattr(self, field.name)) for field in dataclasses.fields(self)}


@dataclasses.dataclass(eq=False)
class FieldInvalidError(BankError):
    """A field of the request is wrong."""

    reason = "FIELD_INVALID"
    kind = Kind.INVALID

    #: Its name in the contract, as `amount` or `rules.threshold`.
    field: str
    #: What is wrong with it.
    problem: str

    def __str__(self) -> str:
        """Name the field and the mistake."""
        return f"{self.field}: {self.problem}"


@dataclasses.dataclass(eq=False)
class EntityNotFoundError(BankError):
    """The tenant has no such thing."""

    reason = "NOT_FOUND"
    kind = Kind.NOT_FOUND

    #: Such as `deposit_account`.
    entity: str
    #: Its id, or what it was asked for by.
    key: UUID | str

    def __str__(self) -> str:
        """Name what is not there."""
        return f"no {self.entity.replace('_', ' ')} {self.key}"


@dataclasses.dataclass(eq=False)
class KeyTakenError(BankError):
    """Another thing of the tenant has this name."""

    reason = "KEY_TAKEN"
    kind = Kind.CONFLICT

    #: Such as `customer`.
    entity: str
    #: The name, such as an e-mail address.
    key: str

    def __str__(self) -> str:
        """Name what is there already."""
        return f"there is already a {self.entity.replace('_', ' ')} {self.key!r}"


@dataclasses.dataclass(eq=False)
class RequestIdReusedError(BankError):
    """The request id belongs to another request."""

    reason = "REQUEST_ID_REUSED"
    kind = Kind.CONFLICT

    request_id: str

    def __str__(self) -> str:
        """Say what an id is for."""
        return f"request_id {self.request_id} was used for another request; each needs its own"


@dataclasses.dataclass(eq=False)
class ConcurrentChangeError(BankError):
    """Others changed the same thing, again and again, while this was decided."""

    reason = "CONCURRENT_CHANGE"
    kind = Kind.CONTENTION

    entity: str
    id: UUID

    def __str__(self) -> str:
        """Name what changed."""
        return f"{self.entity.replace('_', ' ')} {self.id} was changed meanwhile; try again"


@dataclasses.dataclass(eq=False)
class UnauthenticatedError(BankError):
    """Nobody is known by these credentials."""

    reason = "UNAUTHENTICATED"
    kind = Kind.UNAUTHENTICATED

    #: What is wrong with them, without repeating them.
    problem: str

    def __str__(self) -> str:
        """Say how to come back."""
        return f"{self.problem}; send `authorization: Bearer <token>`"


@dataclasses.dataclass(eq=False)
class PermissionDeniedError(BankError):
    """The caller is known and may not do this."""

    reason = "PERMISSION_DENIED"
    kind = Kind.DENIED

    #: Such as `user:0192...`.
    subject: str
    #: Such as `deposit:withdrawal:initiate`.
    action: str
    #: Such as `deposit/withdrawal/*`.
    object: str

    def __str__(self) -> str:
        """Name what is missing."""
        return f"{self.subject} may not {self.action} on {self.object}"


@dataclasses.dataclass(eq=False)
class OtherTenantError(BankError):
    """The caller belongs to another tenant."""

    reason = "OTHER_TENANT"
    kind = Kind.DENIED

    #: That the request names.
    tenant: str

    def __str__(self) -> str:
        """Say what is wanted."""
        return f"{self.tenant!r} is not your tenant"


@dataclasses.dataclass(eq=False)
class LedgerRefusedError(BankError):
    """The ledger refused what the command would have posted."""

    reason = "LEDGER_REFUSED"
    kind = Kind.REFUSED

    #: The ledger's own reason, such as `LIMIT_EXCEEDED`.
    ledger_reason: str
    #: The ledger's own sentence.
    ledger_message: str

    def __str__(self) -> str:
        """Pass the ledger's word on."""
        return f"the ledger refused it: {self.ledger_reason}: {self.ledger_message}"


@dataclasses.dataclass(eq=False)
class UnavailableError(BankError):
    """Something that the command needs does not answer."""

    reason = "UNAVAILABLE"
    kind = Kind.UNAVAILABLE

    #: Such as `the ledger`.
    what: str

    def __str__(self) -> str:
        """Say that a repetition is safe."""
        return f"{self.what} does not answer; send the same again, with the same request_id"


@dataclasses.dataclass(eq=False)
class InternalError(BankError):
    """A bug of ours. The caller gets the number of the log's entry and nothing else."""

    reason = "INTERNAL"
    kind = Kind.INTERNAL

    incident: str

    def __str__(self) -> str:
        """Say what to report."""
        return f"internal error; incident {self.incident}"
