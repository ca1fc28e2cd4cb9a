"""CEL expressions over exact decimals, compiled once and evaluated very often.

The language is CEL without loops and without floating point. `params.x` are a template's
params and `item` is the element that `for_each` is at. Amounts are `Decimal`, computed under
`primitives.EXACT`: an operation either is exact or fails, and only functions that name their
mode round. Integers and decimals do not mix. What the language has is in `operators`,
`functions` and `rounding`.

An expression cannot run away: its source, its depth and its size are bounded, there are no
loops, and what it makes is bounded too. Compiled expressions hold no state and may be used by
many threads.
"""

import decimal
from collections.abc import Mapping
from typing import Final

from ledger_server.domain.expression import checker, parser, plan
from ledger_server.domain.expression.compiler import Compiled, Evaluator
from ledger_server.domain.expression.errors import (
    EvaluationError,
    ExpressionError,
    Failure,
    Mistake,
    Mistakes,
    SyntaxFailure,
    place,
)
from ledger_server.domain.expression.values import Type, checked
from ledger_server.domain.primitives import EXACT

__all__ = [
    "SOURCE_LENGTH_MAX",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "Mistake",
    "Type",
    "compile_expression",
]

#: Characters of a source. Checked before anything looks at it, so a hostile one costs nothing.
SOURCE_LENGTH_MAX: Final = 4_096


class Expression:
    """A compiled expression. Immutable."""

    __slots__ = ("_careful", "_fast", "params_used", "run", "source", "type", "uses_item")

    source: str
    #: JSON if it is known only at run time.
    type: Type
    #: Names of the params it mentions, also those in `has()`.
    params_used: frozenset[str]
    uses_item: bool
    #: `evaluate` without its explanation: raises whatever it is that fails.
    run: Evaluator

    def __init__(self, source: str, found: checker.Checked) -> None:
        """Build the Python functions of a source without mistakes."""
        assert found.type is not None, "only a mistake has no type"
        self.source = source
        self.type = found.type
        self.params_used = found.params_used
        self.uses_item = found.uses_item
        step = found.step
        if self.type is Type.JSON:
            step = plan.Apply(step.offset, checked, (step,))
        elif self.type is Type.DECIMAL:
            # Rounding and multiplying can leave -0, which is not an amount: +x makes it 0.
            step = plan.Apply(step.offset, EXACT.plus, (step,))
        self._fast = Compiled(step, careful=False)
        self._careful = Compiled(step, careful=True)
        self.run = self._fast.evaluate

    def __repr__(self) -> str:
        """Show the source."""
        return f"<Expression {self.source!r}>"

    def evaluate(
        self, params: Mapping[str, object], exponents: Mapping[str, int], item: object = None
    ) -> object:
        """Return the value for these params.

        The values must have the types that the expression was compiled for; decimals must be
        finite. Lists and maps in the result may hold parts of `params` and `item` themselves.

        Args:
            params: by name; an absent optional param has no key.
            exponents: the number of decimals of each currency, by code.
            item: the JSON element, for an expression that uses it.

        Raises:
            EvaluationError: there is no value; says why and where.
        """
        try:
            return self.run(params, exponents, item)
        except Exception:  # noqa: BLE001  # whatever it is, _evaluate_carefully explains it
            return self._evaluate_carefully(params, exponents, item)

    def _evaluate_carefully(
        self, params: Mapping[str, object], exponents: Mapping[str, int], item: object
    ) -> object:
        """Evaluate again, looking also at operands of `&&` and `||` behind one that failed.

        Expressions are pure, so the second time can differ from the first only in that.
        """
        try:
            return self._careful.evaluate(params, exponents, item)
        except Exception as error:
            step = self._careful.failed_step(error.__traceback__)
            offset = 0 if step is None else step.offset
            raise EvaluationError(_explained(error, step), *place(self.source, offset)) from error


def compile_expression(
    source: str,
    *,
    params: Mapping[str, Type],
    optional_params: frozenset[str] = frozenset(),
    item_allowed: bool = False,
    expected: frozenset[Type] | None = None,
) -> Expression:
    """Compile a source.

    Args:
        source: the expression.
        params: the type of each param it may use.
        optional_params: those of `params` that may be absent when it is evaluated.
        item_allowed: whether it may use `item`.
        expected: types its value may have; None for any. A value whose type is known only at
            run time passes, and is for the caller to check.

    Raises:
        ExpressionError: with all mistakes that were found.
    """
    if len(source) > SOURCE_LENGTH_MAX:
        message = f"longer than {SOURCE_LENGTH_MAX} characters"
        raise ExpressionError((Mistake(message, 1, 1),))
    mistakes = Mistakes(source)
    try:
        tree = parser.parse(source, mistakes)
    except SyntaxFailure as failure:
        mistakes.add(failure.message, failure.offset)
        raise mistakes.error() from None
    found = checker.check(tree, checker.Scope(params, optional_params, item_allowed), mistakes)
    accepted = expected is None or found.type in {*expected, Type.JSON}
    if found.type is not None and not accepted:
        assert expected is not None, "without it every type is accepted"
        wanted = " or ".join(sorted(kind.value for kind in expected))
        mistakes.add(f"the value is of type {found.type.value}, not {wanted}", tree.offset)
    if mistakes:
        raise mistakes.error()
    return Expression(source, found)


def _explained(error: Exception, step: plan.Step | None) -> str:
    """Return the message for what was raised while a step was carried out."""
    if isinstance(error, Failure):
        return str(error)
    if isinstance(error, KeyError) and isinstance(step, plan.Param):
        return f"params.{step.name} was not given"
    if isinstance(error, decimal.DecimalException):
        return f"the result is not exact in {EXACT.prec} digits"
    return f"cannot be evaluated with these values ({type(error).__name__})"
