"""Conditions of velocity limits: which transactions count."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ledger_server.domain.errors import LimitInvalidError, Violation
from ledger_server.domain.expression import Expression, ExpressionError, Type, compile_expression

#: What a condition may ask about a transaction and the entry that would count.
CONDITION_PARAMS: Final[Mapping[str, Type]] = MappingProxyType(
    {
        "template": Type.STRING,
        "description": Type.STRING,
        "external_id": Type.STRING,
        "correlation_id": Type.STRING,
        #: A map of strings.
        "metadata": Type.JSON,
        #: Of the entry, in whole currency units.
        "units": Type.DECIMAL,
        "currency": Type.STRING,
    }
)

_BOOLEAN: Final = frozenset({Type.BOOLEAN})
#: Where a condition stands in a limit.
_FIELD: Final = "limit.velocity.condition"


def compile_condition(source: str) -> Expression:
    """Compile a condition, which must not be empty.

    A condition such as `params.metadata.card` has a type only at run time: whoever evaluates it
    holds the value against True.

    Raises:
        LimitInvalidError: with every mistake and its place in the source.
    """
    try:
        return compile_expression(source, params=CONDITION_PARAMS, expected=_BOOLEAN)
    except ExpressionError as error:
        raise LimitInvalidError(
            tuple(
                Violation(
                    _FIELD, f"line {mistake.line}, column {mistake.column}: {mistake.message}"
                )
                for mistake in error.mistakes
            )
        ) from error
