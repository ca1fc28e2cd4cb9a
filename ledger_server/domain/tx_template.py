"""Templates at work: compiled once, evaluated for each posting."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from decimal import Inexact as InexactError
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from ledger_server.domain.account import AccountFacts
from ledger_server.domain.errors import (
    AmountInvalidError,
    CurrencyUnknownError,
    ExpressionFailedError,
    NoEntriesError,
    TooManyEntriesError,
)
from ledger_server.domain.expression import EvaluationError, Expression
from ledger_server.domain.primitives import (
    AMOUNT_DIGITS_MAX,
    EXACT,
    EXPONENT_MAX,
    Direction,
    Layer,
    parse_uuid,
    plain,
)
from ledger_server.domain.template import Json, Param, Template
from ledger_server.domain.transaction import ENTRIES_MAX, DraftEntry

_N = TypeVar("_N", Direction, Layer)

#: Elements that the lists of all `for_each` of a template may have together: each costs some
#: evaluations even if its `when` is false.
ITEMS_MAX: Final = 10 * ENTRIES_MAX

#: The smallest unit of a currency by its exponent.
_QUANTA: Final = [Decimal(1).scaleb(-exponent) for exponent in range(EXPONENT_MAX + 1)]
DIRECTIONS: Final = {direction.name: direction for direction in Direction}
LAYERS: Final = {layer.name: layer for layer in Layer}


#: (params, exponents, accounts by code and by id) -> entries, at least one
EntriesFunction = Callable[
    [Mapping[str, object], Mapping[str, int], Mapping[str | UUID, AccountFacts]], list[DraftEntry]
]


class EntryAsEvaluated(NamedTuple):
    """One leg as the expressions gave it; its account is still a code or an id."""

    #: Where it comes from, such as `entries[1]`.
    place: str
    account: str | UUID
    direction: Direction
    layer: Layer
    #: Above zero, with exactly as many decimals as the currency has.
    units: Decimal
    currency: str


class FieldsAsEvaluated(NamedTuple):
    """The transaction's own fields as the template gives them; None where it gives none."""

    effective: date | None = None
    description: str | None = None
    external_id: str | None = None
    correlation_id: str | None = None
    metadata: Mapping[str, str] | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CompiledEntry:
    """An entry definition ready to run. A fixed side or layer needs no expression."""

    place: str
    account: Expression
    direction: Expression | Direction
    layer: Expression | Layer
    units: Expression
    currency: Expression
    when: Expression | None
    for_each: Expression | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTemplate:
    """A template ready to run. Made by `template_compiler.compile_template`."""

    source: Template
    params: Mapping[str, Param]
    effective_date: Expression | None
    description: Expression | None
    external_id: Expression | None
    correlation_id: Expression | None
    metadata: Expression | None
    entries: Sequence[CompiledEntry]
    #: From params as given to a typed value for each. Raises `ParamInvalidError`.
    bind: Callable[[Mapping[str, Json]], dict[str, object]]
    #: The entries of what goes well, from `template_function`; None if there is no such function.
    draft_entries: EntriesFunction | None


def evaluate_fields(
    template: CompiledTemplate, params: Mapping[str, object], exponents: Mapping[str, int]
) -> FieldsAsEvaluated:
    """Evaluate the transaction's own fields.

    Raises:
        ExpressionFailedError: names the field and what went wrong.
    """
    if not (
        template.effective_date
        or template.description
        or template.external_id
        or template.correlation_id
        or template.metadata
    ):
        return _NO_FIELDS
    run = _Run(params, exponents)
    return FieldsAsEvaluated(
        run.date("transaction.effective_date", template.effective_date),
        run.text("transaction.description", template.description, 1_024),
        run.text("transaction.external_id", template.external_id, 255),
        run.text("transaction.correlation_id", template.correlation_id, 255),
        run.metadata("transaction.metadata", template.metadata),
    )


def evaluate_entries(
    template: CompiledTemplate, params: Mapping[str, object], exponents: Mapping[str, int]
) -> list[EntryAsEvaluated]:
    """Evaluate the entries, at least one.

    Args:
        template: what to run.
        params: typed, from `CompiledTemplate.bind`.
        exponents: the journal's currencies: code to number of decimals.

    Raises:
        ExpressionFailedError: an expression failed or gave a value of another kind.
        AmountInvalidError: units are not above zero, or have more decimals than the currency.
        CurrencyUnknownError: the journal does not have the currency.
        NoEntriesError: every condition was false and every list empty.
        TooManyEntriesError: more than a transaction may have.
    """
    run = _Run(params, exponents)
    entries: list[EntryAsEvaluated] = []
    items_left = ITEMS_MAX
    for definition in template.entries:
        if definition.for_each is None:
            if run.holds(definition, definition.place, None):
                entries.append(run.entry(definition, definition.place, None))
        else:
            items = run.items(definition)
            items_left -= len(items)
            if items_left < 0:
                raise TooManyEntriesError(ENTRIES_MAX, "transaction")
            for index, item in enumerate(items):
                place = f"{definition.place}, item {index}"
                if run.holds(definition, place, item):
                    entries.append(run.entry(definition, place, item))
        if len(entries) > ENTRIES_MAX:
            raise TooManyEntriesError(ENTRIES_MAX, "transaction")
    if not entries:
        raise NoEntriesError(template.source.code)
    return entries


class _Run:
    """One evaluation: the values that expressions see, and what to make of their results."""

    __slots__ = ("_exponents", "_params")

    def __init__(self, params: Mapping[str, object], exponents: Mapping[str, int]) -> None:
        self._params = params
        self._exponents = exponents

    def entry(self, definition: CompiledEntry, place: str, item: object) -> EntryAsEvaluated:
        account, currency, units = self._values(definition, place, item)
        if isinstance(account, str) and 0 < len(account) <= 255 and account.isprintable():
            account = parse_uuid(account) or account
        elif not isinstance(account, UUID):
            raise ExpressionFailedError(f"{place}.account", "gave no account's code or id")
        exponent = self._exponents.get(currency) if isinstance(currency, str) else None
        if exponent is None:
            raise CurrencyUnknownError(str(currency)[:64])
        if isinstance(units, EvaluationError):
            raise _failed(f"{place}.units", units) from units
        return EntryAsEvaluated(
            place,
            account,
            self._named(definition.direction, place, "direction", item, DIRECTIONS),
            self._named(definition.layer, place, "layer", item, LAYERS),
            _checked_units(place, units, exponent),
            str(currency),
        )

    def _values(
        self, definition: CompiledEntry, place: str, item: object
    ) -> tuple[object, object, object]:
        """Return account, currency and units, the last as its error if they have none."""
        params, exponents = self._params, self._exponents
        try:
            return (
                definition.account.run(params, exponents, item),
                definition.currency.run(params, exponents, item),
                definition.units.run(params, exponents, item),
            )
        except Exception:  # noqa: BLE001  # once more, one by one, to tell which and why
            account = self._value(definition.account, place, "account", item)
            currency = self._value(definition.currency, place, "currency", item)
            try:
                return account, currency, definition.units.evaluate(params, exponents, item)
            except EvaluationError as error:
                return account, currency, error

    def holds(self, definition: CompiledEntry, place: str, item: object) -> bool:
        if definition.when is None:
            return True
        result = self._value(definition.when, place, "when", item)
        if not isinstance(result, bool):
            raise ExpressionFailedError(f"{place}.when", "gave neither true nor false")
        return result

    def items(self, definition: CompiledEntry) -> list[object]:
        assert definition.for_each is not None, "asked of an entry without for_each"
        items = self._value(definition.for_each, definition.place, "for_each", None)
        if not isinstance(items, list):
            raise ExpressionFailedError(f"{definition.place}.for_each", "gave no list")
        return items

    def date(self, place: str, expression: Expression | None) -> date | None:
        if expression is None:
            return None
        result = self._run(expression, place, None)
        if isinstance(result, date) and not isinstance(result, datetime):
            return result
        raise ExpressionFailedError(place, "gave no date")

    def text(self, place: str, expression: Expression | None, length_max: int) -> str | None:
        if expression is None:
            return None
        result = self._run(expression, place, None)
        if not isinstance(result, str):
            raise ExpressionFailedError(place, "gave no string")
        if len(result) > length_max or not _is_storable(result):
            raise ExpressionFailedError(place, f"gave more than {length_max} characters, or a NUL")
        return result

    def metadata(self, place: str, expression: Expression | None) -> Mapping[str, str] | None:
        if expression is None:
            return None
        result = self._run(expression, place, None)
        if not isinstance(result, Mapping) or not all(
            isinstance(key, str) and isinstance(value, str) for key, value in result.items()
        ):
            raise ExpressionFailedError(place, "gave no map of strings")
        if len(result) > 64 or any(
            not key or len(key) > 64 or len(value) > 1_024 or not _is_storable(key + value)
            for key, value in result.items()
        ):
            raise ExpressionFailedError(
                place, "gave more than 64 keys, a key over 64 or a value over 1,024 characters"
            )
        return dict(result)

    def _named(
        self,
        given: Expression | _N,
        place: str,
        field: str,
        item: object,
        names: Mapping[str, _N],
    ) -> _N:
        if not isinstance(given, Expression):
            return given
        result = self._value(given, place, field, item)
        named = names.get(result) if isinstance(result, str) else None
        if named is None:
            raise ExpressionFailedError(f"{place}.{field}", f"gave none of {', '.join(names)}")
        return named

    def _value(self, expression: Expression, place: str, field: str, item: object) -> object:
        try:
            return expression.evaluate(self._params, self._exponents, item)
        except EvaluationError as error:
            raise _failed(f"{place}.{field}", error) from error

    def _run(self, expression: Expression, place: str, item: object) -> object:
        try:
            return expression.evaluate(self._params, self._exponents, item)
        except EvaluationError as error:
            raise _failed(place, error) from error


_NO_FIELDS: Final = FieldsAsEvaluated()


def _is_storable(text: str) -> bool:
    """Tell whether PostgreSQL takes `text`: no NUL, no half of a surrogate pair."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _failed(place: str, error: EvaluationError) -> ExpressionFailedError:
    where = f"line {error.line}, column {error.column}"
    return ExpressionFailedError(place, f"{error.message} ({where})")


def _checked_units(place: str, units: object, exponent: int) -> Decimal:
    """Return `units` with exactly `exponent` decimals."""
    if not isinstance(units, Decimal):
        raise ExpressionFailedError(
            f"{place}.units", "gave no decimal; write decimal(...) around a string"
        )
    if units <= 0:
        raise AmountInvalidError(f"{place}.units", f"{plain(units)} is not above zero")
    try:
        return exact_units(units, exponent)
    except InexactError:
        raise AmountInvalidError(
            f"{place}.units",
            f"{plain(units)} has more than the {exponent} decimals of its currency",
        ) from None
    except (InvalidOperation, ValueError):
        raise AmountInvalidError(
            f"{place}.units", f"has more than {AMOUNT_DIGITS_MAX} digits"
        ) from None


def exact_units(units: Decimal, exponent: int) -> Decimal:
    """Return `units` with exactly `exponent` decimals.

    Raises:
        Inexact: they have more.
        InvalidOperation, ValueError: they are not above zero, or have too many digits.
    """
    # The method of the amount, not of the context, which would take an int too.
    exact = units.quantize(_QUANTA[exponent], None, EXACT)
    # Of a plain amount the exponent of the first digit is the number of digits after it.
    if exact <= 0 or exact.adjusted() + 1 + exponent > AMOUNT_DIGITS_MAX:
        raise ValueError("not above zero, or too many digits")
    return exact
