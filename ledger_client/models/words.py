"""The small words of the ledger: sides, layers, states, and how things are named in a call."""

import enum
from typing import Any, Final, TypeAlias
from uuid import UUID

#: How a journal, an account or an account set is named in a call: by its code or its id.
Reference: TypeAlias = str | UUID

#: The value of a param as callers give it: None, str, bool, int, Decimal, date, aware datetime,
#: UUID, or lists and string-keyed mappings of these. Never a float: a float is not exact.
ParamValue: TypeAlias = Any


class Direction(enum.StrEnum):
    """The side of an entry, or the side on which a balance normally stands."""

    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


class Layer(enum.StrEnum):
    """Which of a balance's three books an entry belongs to."""

    SETTLED = "SETTLED"  # what has happened
    PENDING = "PENDING"  # what is promised
    ENCUMBRANCE = "ENCUMBRANCE"  # what is planned


class AccountStatus(enum.StrEnum):
    """Whether an account takes entries."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"  # not until it is unlocked
    CLOSED = "CLOSED"  # never again


class TransactionKind(enum.StrEnum):
    """What a transaction does."""

    POSTING = "POSTING"  # posts a template's entries
    HOLD = "HOLD"  # places a hold: the entries on PENDING
    CAPTURE = "CAPTURE"  # entries on SETTLED, and the same taken from PENDING
    RELEASE = "RELEASE"  # gives back what is left of a hold
    EXPIRY = "EXPIRY"  # gives back what is left of a hold whose time has passed
    REVERSAL = "REVERSAL"  # takes another transaction back
    CLOSING = "CLOSING"  # closes a fiscal year


class HoldStatus(enum.StrEnum):
    """Whether and how a hold has ended."""

    OPEN = "OPEN"  # something is left
    CAPTURED = "CAPTURED"  # by a capture: nothing is left
    RELEASED = "RELEASED"  # by a release
    EXPIRED = "EXPIRED"  # by time


class VelocityMeasure(enum.StrEnum):
    """How a velocity limit counts."""

    GROSS = "GROSS"  # all that goes out on its side
    NET = "NET"  # less what comes in on the other


class VelocityWindow(enum.StrEnum):
    """Over which time a velocity limit counts; days are those of the journal's time zone."""

    DAY = "DAY"  # since midnight
    WEEK = "WEEK"  # since Monday's midnight
    MONTH = "MONTH"  # since midnight of the first
    ROLLING = "ROLLING"  # so many seconds up to now
    LIFE = "LIFE"  # since the beginning


class LimitScope(enum.StrEnum):
    """How a limit binds a set."""

    EACH_ACCOUNT = "EACH_ACCOUNT"  # each account in it, by itself
    WHOLE_SET = "WHOLE_SET"  # the sum of all accounts in it


class AccountCategory(enum.StrEnum):
    """Where an account set belongs in the statements."""

    ASSET = "ASSET"
    LIABILITY = "LIABILITY"
    EQUITY = "EQUITY"
    REVENUE = "REVENUE"
    EXPENSE = "EXPENSE"
    OFF_BALANCE = "OFF_BALANCE"


class ParamType(enum.StrEnum):
    """What values a template's param takes."""

    STRING = "STRING"
    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    BOOLEAN = "BOOLEAN"
    UUID = "UUID"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    JSON = "JSON"
    ACCOUNT = "ACCOUNT"
    CURRENCY = "CURRENCY"


class TrialBalanceRowKind(enum.StrEnum):
    """What a row of a trial balance stands for."""

    ACCOUNT = "ACCOUNT"
    ACCOUNT_SET = "ACCOUNT_SET"


class TrialBalanceForm(enum.StrEnum):
    """How the openings and closings of a trial balance are written."""

    NET = "NET"  # debits less credits: one of the two is zero
    GROSS = "GROSS"  # all debits and all credits


class ComparisonInterval(enum.StrEnum):
    """How far earlier columns of a report lie apart."""

    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


class SectionKind(enum.StrEnum):
    """Which part of the books a section shows."""

    ASSETS = "ASSETS"
    LIABILITIES = "LIABILITIES"
    EQUITY = "EQUITY"
    REVENUE = "REVENUE"
    EXPENSES = "EXPENSES"
    OFF_BALANCE = "OFF_BALANCE"
    UNMAPPED = "UNMAPPED"  # below no set with a category, or below sets of several


class NoDefault(enum.Enum):
    """Marks a param that the caller must give, as None is a default of its own."""

    REQUIRED = "REQUIRED"


#: The `default` of a param that has none.
REQUIRED: Final = NoDefault.REQUIRED
