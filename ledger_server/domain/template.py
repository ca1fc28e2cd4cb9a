"""What a transaction template says: its params, its fields and its entries, as written."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Final

#: A JSON value without fractions: what a param may hold.
Json = str | bool | int | None | Sequence["Json"] | Mapping[str, "Json"]

#: Bounds of one template. Each entry costs an evaluation for every posting.
PARAMS_MAX: Final = 64
ENTRY_DEFINITIONS_MAX: Final = 100


class ParamType(enum.IntEnum):
    """The type of a param. The contract's numbers."""

    STRING = 1
    INTEGER = 2
    DECIMAL = 3
    BOOLEAN = 4
    UUID = 5
    DATE = 6
    TIMESTAMP = 7
    JSON = 8
    ACCOUNT = 9
    CURRENCY = 10


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One param of a template."""

    name: str
    type: ParamType
    #: Whether a caller may leave it out.
    has_default: bool = False
    #: Taken when it is left out; None leaves it absent, which `has(params.x)` can tell.
    default: Json = None
    description: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFields:
    """The transaction's own fields as expressions; an empty one leaves the field alone."""

    effective_date: str = ""
    description: str = ""
    external_id: str = ""
    correlation_id: str = ""
    metadata: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EntryDefinition:
    """One entry as expressions, or as many as the list of `for_each` has elements."""

    account: str
    direction: str
    units: str
    currency: str
    layer: str = ""
    when: str = ""
    for_each: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One version of a template, as written."""

    code: str
    version: int
    description: str = ""
    params: tuple[Param, ...] = ()
    transaction: TransactionFields = TransactionFields()
    entries: tuple[EntryDefinition, ...] = ()
