"""Transaction templates and what they are made of."""

import dataclasses
import datetime as dt
from collections.abc import Sequence

from ledger_client.models.words import REQUIRED, NoDefault, ParamType, ParamValue


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One param of a template."""

    #: 1 to 64 of letters, digits and `_`, a letter first.
    name: str
    #: What values it takes.
    type: ParamType
    #: What it is for, in units and words.
    description: str = ""
    #: Taken when the caller gives no value. None makes the param optional without a value.
    default: ParamValue | NoDefault = REQUIRED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFields:
    """The transaction's own fields as expressions; an empty one leaves the field to the request."""

    #: Gives a date.
    effective_date: str = ""
    #: Gives a string of up to 1,024 characters.
    description: str = ""
    #: Gives a string that is unique in the journal.
    external_id: str = ""
    #: Gives a string that ties transactions together.
    correlation_id: str = ""
    #: Gives a map of strings.
    metadata: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EntryDefinition:
    """One entry of a template, each field an expression."""

    #: Gives an account's code or id.
    account: str
    #: DEBIT, CREDIT or an expression that gives one of them.
    direction: str
    #: Gives a decimal above zero, in whole currency units.
    units: str
    #: Gives a currency's code.
    currency: str
    #: SETTLED, PENDING, ENCUMBRANCE or an expression; empty is SETTLED.
    layer: str = ""
    #: Gives a boolean; the entry is left out if it is false. Empty is true.
    when: str = ""
    #: Gives a list; the entry is made for each element, called `item`. Empty makes it once.
    for_each: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewTxTemplate:
    """A template to create."""

    #: 1 to 64 of letters, digits, `.`, `_` and `-`, a letter first.
    code: str
    #: 1 to 100.
    entries: Sequence[EntryDefinition]
    #: At most 64.
    params: Sequence[Param] = ()
    #: What it is for.
    description: str = ""
    #: The transaction's own fields.
    transaction: TransactionFields = dataclasses.field(default_factory=TransactionFields)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TxTemplate:
    """One version of a template. It never changes."""

    #: The template's code.
    code: str
    #: Counts from 1.
    version: int
    #: What it is for.
    description: str
    #: In the order of the definition.
    params: tuple[Param, ...]
    #: The transaction's own fields.
    transaction: TransactionFields
    #: In the order of the definition.
    entries: tuple[EntryDefinition, ...]
    #: When this version was created; None after `validate_only`.
    create_time: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TxTemplateResult:
    """What came of creating a template."""

    #: With its version.
    template: TxTemplate
    #: False if the newest version said the same already.
    created: bool
