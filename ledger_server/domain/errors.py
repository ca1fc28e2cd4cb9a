"""Every refusal the ledger knows. A reason is part of the API and never changes.

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


@dataclasses.dataclass(eq=False)
class FieldInvalidError(LedgerError):
    """A field of the request breaks a rule of its form."""

    reason = "FIELD_INVALID"
    kind = Kind.INVALID

    field: str
    problem: str

    def __str__(self) -> str:
        """Name the field and the rule."""
        return f"{self.field}: {self.problem}"

    def violations_found(self) -> tuple[Violation, ...]:
        """Return the one wrong field."""
        return (Violation(self.field, self.problem),)


@dataclasses.dataclass(eq=False)
class AmountInvalidError(LedgerError):
    """An amount is not a plain decimal above zero with no more decimals than its currency."""

    reason = "AMOUNT_INVALID"
    kind = Kind.INVALID

    field: str
    problem: str

    def __str__(self) -> str:
        """Name the field and the rule."""
        return f"{self.field}: {self.problem}"

    def violations_found(self) -> tuple[Violation, ...]:
        """Return the one wrong field."""
        return (Violation(self.field, self.problem),)


@dataclasses.dataclass(eq=False)
class PageTokenInvalidError(LedgerError):
    """A page token is damaged, or was given for another request."""

    reason = "PAGE_TOKEN_INVALID"
    kind = Kind.INVALID

    def __str__(self) -> str:
        """Say what page tokens are for."""
        return (
            "page_token is not one that this request gave: send the token of the page before, "
            "with all other fields as they were"
        )


@dataclasses.dataclass(eq=False)
class RequestIdReusedError(LedgerError):
    """A request_id was used before for another request."""

    reason = "REQUEST_ID_REUSED"
    kind = Kind.CONFLICT

    request_id: str

    def __str__(self) -> str:
        """Name the id."""
        return f"request_id {self.request_id!r} was used before for another request"


@dataclasses.dataclass(eq=False)
class JournalNotFoundError(LedgerError):
    """No journal has this code or id."""

    reason = "JOURNAL_NOT_FOUND"
    kind = Kind.NOT_FOUND

    journal: str

    def __str__(self) -> str:
        """Name the journal."""
        return f"no journal has the code or id {self.journal!r}"


@dataclasses.dataclass(eq=False)
class JournalExistsError(LedgerError):
    """A journal has this code already."""

    reason = "JOURNAL_EXISTS"
    kind = Kind.CONFLICT

    code: str

    def __str__(self) -> str:
        """Name the code."""
        return f"a journal with the code {self.code!r} is there already"


@dataclasses.dataclass(eq=False)
class CurrencyUnknownError(LedgerError):
    """A currency is not registered in the journal."""

    reason = "CURRENCY_UNKNOWN"
    kind = Kind.INVALID

    currency: str

    def __str__(self) -> str:
        """Name the currency."""
        return f"currency {self.currency!r} is not registered in this journal"


@dataclasses.dataclass(eq=False)
class CurrencyConflictError(LedgerError):
    """A currency is registered with another exponent."""

    reason = "CURRENCY_CONFLICT"
    kind = Kind.CONFLICT

    currency: str
    exponent: int
    registered_exponent: int

    def __str__(self) -> str:
        """State both exponents."""
        return (
            f"currency {self.currency} is registered with exponent {self.registered_exponent}, "
            f"not {self.exponent}; it can never change"
        )


@dataclasses.dataclass(eq=False)
class AccountNotFoundError(LedgerError):
    """No account of the journal has this code or id."""

    reason = "ACCOUNT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    account: str

    def __str__(self) -> str:
        """Name the account."""
        return f"no account has the code or id {self.account!r}"


@dataclasses.dataclass(eq=False)
class AccountIsSetError(LedgerError):
    """An entry names an account set; sets take no entries."""

    reason = "ACCOUNT_IS_SET"
    kind = Kind.INVALID

    account: str

    def __str__(self) -> str:
        """Name the set."""
        return f"{self.account!r} is an account set; entries go to accounts only"


@dataclasses.dataclass(eq=False)
class AccountExistsError(LedgerError):
    """An account has this code or id already."""

    reason = "ACCOUNT_EXISTS"
    kind = Kind.CONFLICT

    account: str

    def __str__(self) -> str:
        """Name the code or id that is taken."""
        return f"an account with the code or id {self.account!r} is there already"


@dataclasses.dataclass(eq=False)
class AccountNotActiveError(LedgerError):
    """An account is locked or closed and takes no entries."""

    reason = "ACCOUNT_NOT_ACTIVE"
    kind = Kind.REFUSED

    account: str
    status: str

    def __str__(self) -> str:
        """Name the account and its status."""
        return f"account {self.account!r} is {self.status} and takes no entries"


@dataclasses.dataclass(eq=False)
class AccountClosedError(LedgerError):
    """An account is closed for good."""

    reason = "ACCOUNT_CLOSED"
    kind = Kind.REFUSED

    account: str

    def __str__(self) -> str:
        """Name the account."""
        return f"account {self.account!r} is closed for good"


@dataclasses.dataclass(eq=False)
class AccountNotEmptyError(LedgerError):
    """An account is not at zero and cannot be closed."""

    reason = "ACCOUNT_NOT_EMPTY"
    kind = Kind.REFUSED

    account: str
    layer: str
    currency: str
    net_debit: str

    def __str__(self) -> str:
        """State what is left."""
        return (
            f"account {self.account!r} holds {self.net_debit} {self.currency} {self.layer} "
            "(debit less credit); only an account at zero in every layer and currency can be closed"
        )


@dataclasses.dataclass(eq=False)
class AccountSetNotFoundError(LedgerError):
    """No account set of the journal has this code or id."""

    reason = "ACCOUNT_SET_NOT_FOUND"
    kind = Kind.NOT_FOUND

    account_set: str

    def __str__(self) -> str:
        """Name the set."""
        return f"no account set has the code or id {self.account_set!r}"


@dataclasses.dataclass(eq=False)
class AccountSetExistsError(LedgerError):
    """An account set has this code or id already."""

    reason = "ACCOUNT_SET_EXISTS"
    kind = Kind.CONFLICT

    account_set: str

    def __str__(self) -> str:
        """Name the code or id that is taken."""
        return f"an account set with the code or id {self.account_set!r} is there already"


@dataclasses.dataclass(eq=False)
class AccountSetCycleError(LedgerError):
    """A set would come to contain itself."""

    reason = "ACCOUNT_SET_CYCLE"
    kind = Kind.REFUSED

    account_set: str
    member: str

    def __str__(self) -> str:
        """Name both sets."""
        return f"account set {self.account_set!r} would contain itself through {self.member!r}"


@dataclasses.dataclass(eq=False)
class MemberNotFoundError(LedgerError):
    """Something named is not a direct member of the set."""

    reason = "MEMBER_NOT_FOUND"
    kind = Kind.NOT_FOUND

    account_set: str
    member: str

    def __str__(self) -> str:
        """Name the set and the member."""
        return f"{self.member!r} is not a direct member of account set {self.account_set!r}"


@dataclasses.dataclass(eq=False)
class TemplateInvalidError(LedgerError):
    """A template has mistakes; each is a violation with its place."""

    reason = "TEMPLATE_INVALID"
    kind = Kind.INVALID

    code: str
    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        """Count the mistakes and state the first."""
        first = self.violations[0]
        return (
            f"template {self.code!r} has {len(self.violations)} mistake(s), "
            f"the first at {first.field}: {first.description}"
        )


@dataclasses.dataclass(eq=False)
class TemplateNotFoundError(LedgerError):
    """No template, or no such version of it."""

    reason = "TEMPLATE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    template: str
    version: int

    def __str__(self) -> str:
        """Name the template and version."""
        version = f" version {self.version}" if self.version else ""
        return f"no template {self.template!r}{version} in this journal"


@dataclasses.dataclass(eq=False)
class ParamInvalidError(LedgerError):
    """A param is missing, unknown, or not of its type."""

    reason = "PARAM_INVALID"
    kind = Kind.INVALID

    param: str
    problem: str

    def __str__(self) -> str:
        """Name the param and the problem."""
        return f"param {self.param!r}: {self.problem}"

    def violations_found(self) -> tuple[Violation, ...]:
        """Return the param as a field."""
        return (Violation(f"params.{self.param}", self.problem),)


@dataclasses.dataclass(eq=False)
class ExpressionFailedError(LedgerError):
    """An expression of a template could not be evaluated with these params."""

    reason = "EXPRESSION_FAILED"
    kind = Kind.INVALID

    place: str
    problem: str

    def __str__(self) -> str:
        """Name the expression and the problem."""
        return f"{self.place}: {self.problem}"


@dataclasses.dataclass(eq=False)
class NoEntriesError(LedgerError):
    """A template gave no entries with these params."""

    reason = "NO_ENTRIES"
    kind = Kind.INVALID

    template: str

    def __str__(self) -> str:
        """Name the template."""
        return f"template {self.template!r} gives no entries with these params"


@dataclasses.dataclass(eq=False)
class TooManyEntriesError(LedgerError):
    """A transaction or a call has more entries than allowed."""

    reason = "TOO_MANY_ENTRIES"
    kind = Kind.INVALID

    entries_max: int
    scope: str

    def __str__(self) -> str:
        """State the bound."""
        return f"more than {self.entries_max} entries in one {self.scope}"


@dataclasses.dataclass(eq=False)
class UnbalancedError(LedgerError):
    """The debits and credits of a transaction differ in one layer and currency."""

    reason = "UNBALANCED"
    kind = Kind.INVALID

    layer: str
    currency: str
    debits: str
    credits: str

    def __str__(self) -> str:
        """State the sums and the rule."""
        return (
            f"{self.layer} {self.currency}: debits {self.debits} != credits {self.credits}; "
            "entries must balance in each layer and currency"
        )


@dataclasses.dataclass(eq=False)
class TransactionIdReusedError(LedgerError):
    """A transaction id was used before for another request."""

    reason = "TRANSACTION_ID_REUSED"
    kind = Kind.CONFLICT

    transaction_id: str
    field: str

    def __str__(self) -> str:
        """Name the id and the first field that differs."""
        return (
            f"transaction {self.transaction_id} is there already, posted by another request: "
            f"the first field that differs is {self.field}"
        )


@dataclasses.dataclass(eq=False)
class ExternalIdReusedError(LedgerError):
    """An external id belongs to another transaction."""

    reason = "EXTERNAL_ID_REUSED"
    kind = Kind.CONFLICT

    external_id: str
    transaction_id: str

    def __str__(self) -> str:
        """Name the external id and its owner."""
        return f"external id {self.external_id!r} belongs to transaction {self.transaction_id}"


@dataclasses.dataclass(eq=False)
class TransactionNotFoundError(LedgerError):
    """No transaction of the journal has this id."""

    reason = "TRANSACTION_NOT_FOUND"
    kind = Kind.NOT_FOUND

    transaction_id: str

    def __str__(self) -> str:
        """Name the id."""
        return f"no transaction has the id {self.transaction_id}"


@dataclasses.dataclass(eq=False)
class PositionUnavailableError(LedgerError):
    """A sequence lies beyond the journal's head."""

    reason = "POSITION_UNAVAILABLE"
    kind = Kind.OUT_OF_RANGE

    sequence: int
    head_sequence: int

    def __str__(self) -> str:
        """State both positions."""
        return f"sequence {self.sequence} is beyond the journal's head {self.head_sequence}"


@dataclasses.dataclass(eq=False)
class BalanceOverflowError(LedgerError):
    """A sum would grow beyond what a balance can hold."""

    reason = "BALANCE_OVERFLOW"
    kind = Kind.REFUSED

    account: str
    currency: str

    def __str__(self) -> str:
        """Name the balance."""
        return f"the sums of account {self.account!r} in {self.currency} would pass 60 digits"


@dataclasses.dataclass(eq=False)
class OverloadedError(LedgerError):
    """More postings wait than the server accepts."""

    reason = "OVERLOADED"
    kind = Kind.TOO_MUCH

    waiting_max: int

    def __str__(self) -> str:
        """State the bound."""
        return f"{self.waiting_max} postings are waiting already; try again shortly"


@dataclasses.dataclass(eq=False)
class ContentionError(LedgerError):
    """Other servers' commits came in between too often."""

    reason = "CONTENTION"
    kind = Kind.CONTENTION

    attempts: int

    def __str__(self) -> str:
        """Count the attempts."""
        return (
            f"gave way to other commits {self.attempts} times; the same request may be sent again"
        )


@dataclasses.dataclass(eq=False)
class StorageUnavailableError(LedgerError):
    """The database cannot be reached, is read-only or full."""

    reason = "STORAGE_UNAVAILABLE"
    kind = Kind.UNAVAILABLE

    def __str__(self) -> str:
        """Say that the outcome may be open, and how to learn it."""
        return "the database does not answer; send the same request with the same id again"


@dataclasses.dataclass(eq=False)
class ShuttingDownError(LedgerError):
    """The server is stopping and takes no more postings."""

    reason = "SHUTTING_DOWN"
    kind = Kind.UNAVAILABLE

    def __str__(self) -> str:
        """Say what to do."""
        return "this server is stopping; send the same request to another one"


@dataclasses.dataclass(eq=False)
class InternalError(LedgerError):
    """A bug: the server met something that it does not know."""

    reason = "INTERNAL"
    kind = Kind.INTERNAL

    incident: str

    def __str__(self) -> str:
        """Name the log entry."""
        return f"internal error; the server's log has it under {self.incident}"


@dataclasses.dataclass(eq=False)
class LedgerInvariantError(LedgerError):
    """The database refused what the rules allowed: one of them is wrong."""

    reason = "LEDGER_INVARIANT"
    kind = Kind.BROKEN

    constraint: str

    def __str__(self) -> str:
        """Name the guard."""
        return f"the database's own check {self.constraint} refused a write; nothing was written"
