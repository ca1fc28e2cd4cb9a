"""From the syntax tree to the plan: names are looked up and types are checked.

A part with a mistake has no type (None), and whatever contains it is not blamed for it, so
that each mistake is reported once and the rest of the source is still looked at.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

from ledger_server.domain.expression import calls, operators, plan, syntax
from ledger_server.domain.expression.calls import MACROS, Typed
from ledger_server.domain.expression.errors import Mistakes, shown
from ledger_server.domain.expression.values import Type

#: Calls of total(). Each may walk 10,000 elements, about 10 ms; nobody needs this many.
TOTALS_MAX: Final = 16


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may refer to."""

    params: Mapping[str, Type]
    #: Those of `params` that may be absent.
    optional_params: frozenset[str]
    item_allowed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """A source that was understood; worth something only if there were no mistakes."""

    step: plan.Step
    type: Type | None
    params_used: frozenset[str]
    uses_item: bool


def check(tree: syntax.Node, scope: Scope, mistakes: Mistakes) -> Checked:
    """Return the plan of a tree, having noted everything that is wrong with it."""
    checker = _Checker(scope, mistakes)
    root = checker.visit(tree)
    return Checked(root.step, root.type, frozenset(checker.params_used), checker.uses_item)


_LITERAL_TYPES: Final = {
    str: Type.STRING,
    bool: Type.BOOLEAN,
    int: Type.INTEGER,
    type(None): Type.NULL,
}


class _Checker:
    """Walks one tree. Left chains are walked in a loop: they may be as long as the source."""

    def __init__(self, scope: Scope, mistakes: Mistakes) -> None:
        self._scope = scope
        self._mistakes = mistakes
        self.params_used: set[str] = set()
        self.uses_item = False
        self._totals = 0

    def visit(self, node: syntax.Node) -> Typed:  # noqa: C901, PLR0912  # a case a kind of node
        match node:
            case syntax.Literal(offset, value):
                return Typed(plan.Constant(offset, value), _LITERAL_TYPES[type(value)])
            case syntax.Broken(offset):
                return Typed(plan.Unknown(offset), None)
            case syntax.Name():
                return self._name(node)
            case syntax.Select(offset, target, field):
                if _is_params(target):
                    return self._param(field, offset)
                return self._element(self.visit(target), plan.Constant(offset, field), offset)
            case syntax.Index():
                return self._index(node)
            case syntax.Call():
                return self._call(node)
            case syntax.Unary():
                return self._unary(node)
            case syntax.Binary():
                return self._chain(node)
            case syntax.Logic():
                return self._logic(node)
            case syntax.Choice():
                return self._choice(node)
            case syntax.Items(offset, items):
                steps = tuple(self.visit(item).step for item in items)
                return Typed(plan.Apply(offset, operators.make_list, steps), Type.LIST)
            case syntax.Pairs():
                return self._pairs(node)

    def _wrong(self, message: str, offset: int) -> Typed:
        self._mistakes.add(message, offset)
        return Typed(plan.Unknown(offset), None)

    def _name(self, node: syntax.Name) -> Typed:
        if node.name == "item":
            if not self._scope.item_allowed:
                return self._wrong("item is known only where an entry has a for_each", node.offset)
            self.uses_item = True
            return Typed(plan.Item(node.offset), Type.JSON)
        if node.name == "params":
            return self._wrong("a param is needed here: params.name", node.offset)
        if node.name in self._scope.params:
            advice = f": write params.{node.name}"
        else:
            advice = self._mistakes.hint(
                node.name, ("params", "item") if self._scope.item_allowed else ("params",)
            )
        return self._wrong(f"unknown variable {shown(node.name)}{advice}", node.offset)

    def _param(self, name: str, offset: int) -> Typed:
        found = self._scope.params.get(name)
        if found is None:
            advice = self._mistakes.hint(name, self._scope.params)
            return self._wrong(f"unknown param {shown(name)}{advice}", offset)
        self.params_used.add(name)
        return Typed(plan.Param(offset, name), found)

    def _index(self, node: syntax.Index) -> Typed:
        if _is_params(node.target):
            if isinstance(node.key, syntax.Literal) and isinstance(node.key.value, str):
                return self._param(node.key.value, node.key.offset)
            return self._wrong("the name of a param must be written out", node.offset)
        target, key = self.visit(node.target), self.visit(node.key)
        if target.type is None or key.type is None:
            return self._broken(node.offset)
        wanted = {Type.LIST: Type.INTEGER, Type.MAP: Type.STRING}.get(target.type)
        if key.type not in {Type.INTEGER, Type.STRING, Type.JSON}:
            return self._wrong(
                f"the index is an INTEGER or a STRING, not {key.type.value}", node.key.offset
            )
        if wanted is not None and key.type not in {wanted, Type.JSON}:
            return self._wrong(
                f"the index of a {target.type.value} is of type {wanted.value}, "
                f"not {key.type.value}",
                node.key.offset,
            )
        return self._element(target, key.step, node.offset)

    def _element(self, target: Typed, key: plan.Step, offset: int) -> Typed:
        if target.type is None:
            return self._broken(offset)
        if target.type not in {Type.JSON, Type.LIST, Type.MAP}:
            return self._wrong(f"a {target.type.value} has no fields or elements", offset)
        if (
            target.type is Type.LIST
            and isinstance(key, plan.Constant)
            and isinstance(key.value, str)
        ):
            return self._wrong("a LIST has no fields: use an index such as [0]", offset)
        return Typed(plan.Apply(offset, operators.element, (target.step, key)), Type.JSON)

    def _call(self, node: syntax.Call) -> Typed:
        if node.target is None and node.name == "has":
            return self._has(node)
        if node.target is not None and node.name in MACROS:
            # What stands in the brackets speaks of a variable that does not exist here.
            return self._wrong(f"there are no loops: no {node.name}()", node.offset)
        self._totals += node.name == "total"
        if self._totals > TOTALS_MAX:
            return self._wrong(f"more than {TOTALS_MAX} calls of total()", node.offset)
        written = node.arguments if node.target is None else (node.target, *node.arguments)
        return calls.check(node, [self.visit(argument) for argument in written], self._mistakes)

    def _has(self, node: syntax.Call) -> Typed:
        argument = node.arguments[0] if len(node.arguments) == 1 else None
        match argument:
            case syntax.Select(offset, target, field) if _is_params(target):
                return self._has_param(field, offset)
            case syntax.Index(_, target, syntax.Literal(offset, str() as field)):
                if _is_params(target):
                    return self._has_param(field, offset)
            case syntax.Select(offset, target, field):
                pass
            case _:
                return self._wrong("has() takes a field: has(params.x)", node.offset)
        holder = self.visit(target)
        if holder.type not in {Type.JSON, Type.MAP, None}:
            return self._wrong(f"a {holder.type.value} has no fields", offset)
        steps = (holder.step, plan.Constant(offset, field))
        return Typed(plan.Apply(offset, operators.has_key, steps), Type.BOOLEAN)

    def _has_param(self, name: str, offset: int) -> Typed:
        param = self._param(name, offset)
        if param.type is None:
            return param
        if name in self._scope.optional_params:
            return Typed(plan.HasParam(offset, name), Type.BOOLEAN)
        return Typed(plan.Constant(offset, value=True), Type.BOOLEAN)

    def _unary(self, node: syntax.Unary) -> Typed:
        operand = self.visit(node.operand)
        if node.operator == "!":
            step = self._condition(operand, node.offset, "'!'")
            return Typed(plan.Apply(node.offset, operators.negated, (step,)), Type.BOOLEAN)
        if operand.type is None:
            return self._broken(node.offset)
        if operand.type is Type.JSON:
            operation = operators.DYNAMIC_NEGATION
        elif operand.type in operators.NEGATION:
            operation = operators.NEGATION[operand.type]
        else:
            return self._wrong(
                operators.undefined("'-'", operand.type, operators.NEGATION), node.offset
            )
        typed = Typed(plan.Apply(node.offset, operation, (operand.step,)), operand.type)
        return calls.folded(typed, self._mistakes) if typed.type is Type.DECIMAL else typed

    def _chain(self, node: syntax.Binary) -> Typed:
        spine: list[syntax.Binary] = []
        left: syntax.Node = node
        while isinstance(left, syntax.Binary):
            spine.append(left)
            left = left.left
        result = self.visit(left)
        for binary in reversed(spine):
            right = self.visit(binary.right)
            if result.type is None or right.type is None:
                result = self._broken(binary.offset, comparison=binary.operator)
            elif binary.operator == "in":
                result = self._in(binary, result, right)
            else:
                result = self._binary(binary, result, right)
        return result

    def _binary(self, node: syntax.Binary, left: Typed, right: Typed) -> Typed:
        symbol = node.operator
        assert left.type is not None, "the caller has seen to parts with mistakes"
        assert right.type is not None, "the caller has seen to parts with mistakes"
        compares = symbol in operators.COMPARISONS
        table = operators.COMPARISONS[symbol] if compares else operators.ARITHMETIC[symbol]
        known = {left.type, right.type} - {Type.JSON}
        for operand in known:
            if operand not in table:
                return self._wrong(operators.undefined(f"'{symbol}'", operand, table), node.offset)
        if len(known) == 2:
            return self._wrong(operators.mismatch(symbol, left.type, right.type), node.offset)
        dynamic = Type.JSON in {left.type, right.type}
        operation = operators.DYNAMIC[symbol] if dynamic else table[left.type]
        # Both sides have one type, so a side whose type is known tells that of the result.
        result = Type.BOOLEAN if compares else next(iter(known), Type.JSON)
        return Typed(plan.Apply(node.offset, operation, (left.step, right.step)), result)

    def _in(self, node: syntax.Binary, left: Typed, right: Typed) -> Typed:
        assert right.type is not None, "the caller has seen to parts with mistakes"
        if right.type not in {Type.LIST, Type.MAP, Type.JSON}:
            return self._wrong(
                f"'in' looks into a LIST or a MAP, not into {right.type.value}", node.offset
            )
        if right.type is Type.MAP and left.type not in {Type.STRING, Type.JSON}:
            return self._wrong("the keys of a MAP are STRINGs", node.offset)
        step = plan.Apply(node.offset, operators.contained, (left.step, right.step))
        return Typed(step, Type.BOOLEAN)

    def _logic(self, node: syntax.Logic) -> Typed:
        what = f"'{node.operator}'"
        steps = tuple(
            self._condition(self.visit(operand), operand.offset, what) for operand in node.operands
        )
        return Typed(plan.Join(node.offset, node.operator == "||", steps), Type.BOOLEAN)

    def _choice(self, node: syntax.Choice) -> Typed:
        condition = self._condition(self.visit(node.condition), node.condition.offset, "'?'")
        then, otherwise = self.visit(node.then), self.visit(node.otherwise)
        step = plan.Choose(node.offset, condition, then.step, otherwise.step)
        if then.type is None or otherwise.type is None:
            return Typed(step, None)
        if then.type is otherwise.type:
            return Typed(step, then.type)
        if {Type.NULL, Type.JSON} & {then.type, otherwise.type}:
            return Typed(step, Type.JSON)
        return self._wrong(operators.mismatch("? :", then.type, otherwise.type), node.offset)

    def _pairs(self, node: syntax.Pairs) -> Typed:
        steps: list[plan.Step] = []
        seen: set[object] = set()
        for key_node, value_node in node.pairs:
            key, value = self.visit(key_node), self.visit(value_node)
            if key.type not in {Type.STRING, Type.JSON, None}:
                self._wrong("the keys of a MAP are STRINGs", key_node.offset)
            if isinstance(key.step, plan.Constant) and key.type is Type.STRING:
                if key.step.value in seen:
                    self._wrong("the key stands twice in the map", key_node.offset)
                seen.add(key.step.value)
            steps += (key.step, value.step)
        return Typed(plan.Apply(node.offset, operators.make_map, tuple(steps)), Type.MAP)

    def _condition(self, operand: Typed, offset: int, what: str) -> plan.Step:
        """Return the step of an operand that must be a BOOLEAN."""
        if operand.type is Type.JSON:
            return plan.Apply(offset, operators.as_boolean, (operand.step,))
        if operand.type not in {Type.BOOLEAN, None}:
            self._wrong(f"{what} needs a BOOLEAN, not {operand.type.value}", offset)
        return operand.step

    def _broken(self, offset: int, comparison: str = "") -> Typed:
        """Return what stands for a part that contains a mistake."""
        known = comparison == "in" or comparison in operators.COMPARISONS
        return Typed(plan.Unknown(offset), Type.BOOLEAN if known else None)


def _is_params(node: syntax.Node) -> bool:
    return isinstance(node, syntax.Name) and node.name == "params"
