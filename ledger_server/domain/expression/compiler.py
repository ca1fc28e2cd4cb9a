"""From the plan to a Python function.

The function is built as a Python syntax tree, so no text of the user's becomes Python source:
every value of the plan, names of params and strings included, is in a table of constants
that the function sees as its globals, and there are no builtins.

Each step of the plan gets a line number of its own in the Python code. When an evaluation
fails, the traceback tells the line, the line tells the step, and the step its place in the
source; the case without failure pays nothing for it.
"""

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, TracebackType
from typing import Final

from ledger_server.domain.expression import plan

#: (params, exponents, item) -> value
Evaluator = Callable[[Mapping[str, object], Mapping[str, int], object], object]

#: Python's compiler recurses into nested calls; chains longer than this are unrolled.
_CHAIN_MAX: Final = 4
_FILE_NAME: Final = "<expression>"
_ARGUMENTS: Final = ("p", "x", "i")


class Compiled:
    """A plan as a Python function, and the way back from its line numbers to the steps."""

    def __init__(self, step: plan.Step, *, careful: bool) -> None:
        """Compile a plan.

        Args:
            step: the root.
            careful: whether `&&` and `||` look at the other operands when one fails, as CEL
                wants it. Where nothing fails both ways give the same.
        """
        builder = _Builder(careful=careful)
        self._steps = builder.steps
        self.evaluate: Evaluator = builder.build(step)

    def failed_step(self, traceback: TracebackType | None) -> plan.Step | None:
        """Return the innermost step that an exception passed through."""
        found: plan.Step | None = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == _FILE_NAME:
                found = self._steps[traceback.tb_lineno - 1]
            traceback = traceback.tb_next
        return found


class _Builder:
    """Builds one function."""

    def __init__(self, *, careful: bool) -> None:
        self._careful = careful
        self._constants: dict[str, object] = {"__builtins__": {}}
        self._chains: Iterator[int] = itertools.count()
        self.steps: list[plan.Step] = []

    def build(self, step: plan.Step) -> Evaluator:
        function = ast.Lambda(args=_arguments(_ARGUMENTS), body=self._emit(step))
        tree = ast.fix_missing_locations(ast.Expression(function))
        module = compile(tree, _FILE_NAME, "eval", dont_inherit=True)
        code = next(part for part in module.co_consts if isinstance(part, CodeType))
        return FunctionType(code, self._constants)

    def _emit(self, step: plan.Step) -> ast.expr:
        """Return the Python for a step."""
        chain: list[plan.Apply] = []
        while isinstance(step, plan.Apply) and step.arguments:
            chain.append(step)
            step = step.arguments[0]
        value = self._emit_leaf(step)
        if len(chain) <= _CHAIN_MAX:
            for apply in reversed(chain):
                value = self._call(apply, value)
            return value
        # f(g(h(x))) as (t := x, t := h(t), t := g(t), t := f(t))[-1]
        name = f"t{next(self._chains)}"
        parts: list[ast.expr] = [ast.NamedExpr(ast.Name(name, ast.Store()), value)]
        for apply in reversed(chain):
            value = self._call(apply, ast.Name(name, ast.Load()))
            parts.append(ast.NamedExpr(ast.Name(name, ast.Store()), value))
        return ast.Subscript(ast.Tuple(parts, ast.Load()), ast.Constant(-1), ast.Load())

    def _call(self, step: plan.Apply, first: ast.expr) -> ast.expr:
        rest = [self._emit(argument) for argument in step.arguments[1:]]
        call = ast.Call(self._constant(step.operation), [first, *rest], [])
        return self._placed(call, step)

    def _emit_leaf(self, step: plan.Step) -> ast.expr:
        params, exponents, item = (ast.Name(name, ast.Load()) for name in _ARGUMENTS)
        match step:
            case plan.Unknown():
                raise AssertionError("a source with mistakes is not compiled")
            case plan.Constant(_, value):
                return self._constant(value)
            case plan.Param(_, name):
                lookup = ast.Subscript(params, self._constant(name), ast.Load())
                return self._placed(lookup, step)
            case plan.HasParam(_, name):
                test = ast.Compare(self._constant(name), [ast.In()], [params])
                return self._placed(test, step)
            case plan.Item():
                return item
            case plan.Exponents():
                return exponents
            case plan.Apply():
                return self._placed(ast.Call(self._constant(step.operation), [], []), step)
            case plan.Choose(_, condition, then, otherwise):
                return ast.IfExp(*map(self._emit, (condition, then, otherwise)))
            case plan.Join():
                return self._join(step)

    def _join(self, step: plan.Join) -> ast.expr:
        operands = [self._emit(operand) for operand in step.operands]
        if not self._careful:
            return ast.BoolOp(ast.Or() if step.decisive else ast.And(), operands)
        later: list[ast.expr] = [ast.Lambda(_arguments(()), operand) for operand in operands]
        join = self._constant(_any_decisive)
        call = ast.Call(join, [self._constant(step.decisive), *later], [])
        return self._placed(call, step)

    def _constant(self, value: object) -> ast.expr:
        name = f"k{len(self._constants)}"
        self._constants[name] = value
        return ast.Name(name, ast.Load())

    def _placed(self, node: ast.expr, step: plan.Step) -> ast.expr:
        """Give a node that can fail the line number of its step."""
        self.steps.append(step)
        node.lineno = node.end_lineno = len(self.steps)
        node.col_offset = node.end_col_offset = 0
        return node


def _arguments(names: tuple[str, ...]) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in names],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )


def _any_decisive(decisive: bool, *operands: Callable[[], object]) -> bool:
    """Return `decisive` if any operand has that value, whatever the others do.

    Raises:
        Exception: the first operand's that failed, if no operand was decisive.
    """
    failure: Exception | None = None
    for operand in operands:
        try:
            if operand() is decisive:
                return decisive
        except Exception as error:  # noqa: BLE001  # raised again below, unless absorbed
            failure = failure or error
    if failure is not None:
        raise failure
    return not decisive
