"""Checks of function calls: which function, how many arguments, of which types."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Final

from ledger_server.domain.expression import plan, rounding, syntax
from ledger_server.domain.expression.errors import Failure, Mistakes
from ledger_server.domain.expression.functions import (
    EXTREMES,
    EXTREMES_OF,
    FUNCTIONS,
    Function,
    dynamic_extreme,
    require,
)
from ledger_server.domain.expression.operators import mismatch, undefined
from ledger_server.domain.expression.values import Type

#: CEL's loops, which templates do without, so that every evaluation ends.
MACROS: Final = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map", "reduce"})

_NAMES: Final = (
    *FUNCTIONS,
    *EXTREMES,
    *rounding.ROUNDINGS,
    *rounding.DIVISIONS,
    "has",
)

_REFUSED: Final = {
    "round": "name the mode: round_half_even, round_half_up, round_up or round_down",
    "div": "name the mode: div_half_even, div_half_up, div_up or div_down",
    **dict.fromkeys(("double", "float"), "binary floating point is not exact: use decimal(x)"),
    **dict.fromkeys(MACROS, "there are no loops"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Typed:
    """A checked part of the source. No type: it has a mistake, which was noted."""

    step: plan.Step
    type: Type | None


class _Wrong(Exception):  # noqa: N818  # ends the check of one call; never leaves this module
    """One call is not right."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def check(node: syntax.Call, arguments: Sequence[Typed], mistakes: Mistakes) -> Typed:
    """Return the checked call.

    Args:
        node: the call, not of `has` and not of a macro.
        arguments: the target of a method first.
        mistakes: receives what is wrong.
    """
    try:
        typed = _checked(node, arguments, mistakes)
    except _Wrong as wrong:
        mistakes.add(wrong.message, wrong.offset)
        return Typed(plan.Unknown(node.offset), None)
    return folded(typed, mistakes)


def folded(typed: Typed, mistakes: Mistakes) -> Typed:
    """Apply at once what has only constant arguments, so that its failure is a mistake."""
    step = typed.step
    if not isinstance(step, plan.Apply):
        return typed
    values = [part.value for part in step.arguments if isinstance(part, plan.Constant)]
    if len(values) < len(step.arguments) or typed.type is None:
        return typed
    try:
        value = step.operation(*values)
    except Failure as failure:
        mistakes.add(str(failure), step.arguments[0].offset)
        return Typed(plan.Unknown(step.offset), None)
    except ArithmeticError:
        return typed  # a signal of decimals: evaluation will explain it
    return Typed(plan.Constant(step.offset, value), typed.type)


def _checked(node: syntax.Call, arguments: Sequence[Typed], mistakes: Mistakes) -> Typed:
    name = node.name
    if name in FUNCTIONS:
        return _function(node, FUNCTIONS[name], arguments)
    if name in _REFUSED:
        raise _Wrong(f"no function {name}(): {_REFUSED[name]}", node.offset)
    if node.target is not None and name in _NAMES:
        raise _Wrong(f"{name} is not a method: write {name}(...)", node.offset)
    if name in EXTREMES:
        return _extreme(node, arguments)
    if name in rounding.ROUNDINGS:
        return _rounding(node, rounding.ROUNDINGS[name], arguments, 1)
    if name in rounding.DIVISIONS:
        return _rounding(node, rounding.DIVISIONS[name], arguments, 2)
    raise _Wrong(f"unknown function {name[:64]}(){mistakes.hint(name, _NAMES)}", node.offset)


def _function(node: syntax.Call, function: Function, arguments: Sequence[Typed]) -> Typed:
    if node.target is None and not function.is_function:
        raise _Wrong(f"{node.name} is a method: write x.{node.name}(...)", node.offset)
    if node.target is not None and not function.is_method:
        raise _Wrong(f"{node.name} is not a method: write {node.name}(...)", node.offset)
    # A method's target stands before the brackets, where its user does not count it.
    outside = 0 if node.target is None else 1
    _count(
        node,
        1 + function.rest_min - outside,
        1 + len(function.rest) - outside,
    )
    first = arguments[0]
    if any(argument.type is None for argument in arguments):
        return Typed(plan.Unknown(node.offset), function.result)
    assert first.type is not None, "seen to above"
    if first.type is Type.JSON:
        operation: plan.Operation = function.dynamic
    elif first.type in function.overloads:
        operation = function.overloads[first.type]
    else:
        message = undefined(f"{node.name}()", first.type, function.overloads)
        raise _Wrong(message, first.step.offset)
    rest = (
        _required(node, argument, wanted)
        for argument, wanted in zip(arguments[1:], function.rest, strict=False)
    )
    step = plan.Apply(node.offset, operation, (first.step, *rest))
    return Typed(step, function.result or first.type)


def _required(node: syntax.Call, argument: Typed, wanted: Type) -> plan.Step:
    """Return the step of an argument of the wanted type, checked at run time if dynamic."""
    if argument.type is wanted:
        return argument.step
    offset = argument.step.offset
    if argument.type is Type.JSON:
        operation = functools.partial(require, wanted, f"{node.name}()")
        return plan.Apply(offset, operation, (argument.step,))
    assert argument.type is not None, "the caller has seen to parts with mistakes"
    advice = ""
    if wanted is Type.DECIMAL and argument.type in {Type.INTEGER, Type.STRING}:
        advice = ": write decimal(...) around it"
    raise _Wrong(
        f"{node.name}() takes a {wanted.value} here, not {argument.type.value}{advice}", offset
    )


def _rounding(
    node: syntax.Call, operation: plan.Operation, arguments: Sequence[Typed], operands: int
) -> Typed:
    """Check a rounding: its operands are DECIMAL, its last argument a scale or a currency."""
    _count(node, operands + 1, operands + 1)
    if any(argument.type is None for argument in arguments):
        return Typed(plan.Unknown(node.offset), Type.DECIMAL)
    steps = [_required(node, argument, Type.DECIMAL) for argument in arguments[:operands]]
    quantum = _quantum(node, arguments[operands])
    return Typed(plan.Apply(node.offset, operation, (*steps, quantum)), Type.DECIMAL)


def _quantum(node: syntax.Call, scale: Typed) -> plan.Step:
    offset = scale.step.offset
    exponents = plan.Exponents(offset)
    if scale.type is Type.STRING:
        return plan.Apply(offset, rounding.quantum_of_currency, (scale.step, exponents))
    if scale.type is Type.JSON:
        return plan.Apply(offset, rounding.quantum_of_either, (scale.step, exponents))
    if scale.type is not Type.INTEGER:
        assert scale.type is not None, "the caller has seen to parts with mistakes"
        raise _Wrong(
            f"the scale of {node.name}() is an INTEGER or a currency code, not {scale.type.value}",
            offset,
        )
    if isinstance(scale.step, plan.Constant):
        assert isinstance(scale.step.value, int), "an INTEGER"
        try:
            return plan.Constant(offset, rounding.quantum_of_scale(scale.step.value))
        except Failure as failure:
            raise _Wrong(str(failure), offset) from None
    return plan.Apply(offset, rounding.quantum_of_scale, (scale.step,))


def _extreme(node: syntax.Call, arguments: Sequence[Typed]) -> Typed:
    if len(arguments) < 2:
        raise _Wrong(f"{node.name}() takes two arguments or more", node.offset)
    steps = tuple(argument.step for argument in arguments)
    known: Type | None = None
    for argument in arguments:
        found = argument.type
        if found is None:
            return Typed(plan.Unknown(node.offset), None)
        if found is Type.JSON:
            continue
        if found not in EXTREMES_OF:
            table = dict.fromkeys(EXTREMES_OF, min)
            raise _Wrong(undefined(f"{node.name}()", found, table), argument.step.offset)
        known = known or found
        if found is not known:
            raise _Wrong(mismatch(f"{node.name}()", known, found), argument.step.offset)
    if any(argument.type is Type.JSON for argument in arguments):
        operation: plan.Operation = functools.partial(dynamic_extreme, node.name)
    else:
        operation = EXTREMES[node.name]
    return Typed(plan.Apply(node.offset, operation, steps), known or Type.JSON)


def _count(node: syntax.Call, least: int, most: int) -> None:
    count = len(node.arguments)
    if least <= count <= most:
        return
    wanted = f"{least}" if least == most else f"{least} to {most}"
    plural = "" if wanted == "1" else "s"
    raise _Wrong(f"{node.name}() takes {wanted} argument{plural}, not {count}", node.offset)
