"""The entries of a template as one Python function: built once, called for each posting.

It is to a template what `expression.compiler` makes is to an expression. Its source consists of
names and numbers given here: expressions, sides and layers are values that it sees as its globals,
and no text of a user's is among it. What legs have in common, such as their amount, is evaluated
once.

It knows postings that go well. Whatever else it meets it raises, an exception of any kind, and
`tx_template.evaluate_entries` is asked, which tells what is wrong and where.
"""

from collections.abc import Sequence
from typing import Final

from ledger_server.domain.account import AccountFacts, AccountStatus
from ledger_server.domain.expression import Expression
from ledger_server.domain.primitives import Direction, Layer, parse_uuid
from ledger_server.domain.transaction import BalanceKey, DraftEntry
from ledger_server.domain.tx_template import (
    DIRECTIONS,
    LAYERS,
    CompiledEntry,
    EntriesFunction,
    exact_units,
)

_HEAD: Final = """\
def entries(params, exponents, accounts):
 account = accounts.get
 found = []
"""
_TAIL: Final = """\
 if not found: raise wrong
 return found
"""
_STATUS: Final = AccountFacts._fields.index("status")
_ID: Final = AccountFacts._fields.index("id")
_CODE: Final = AccountFacts._fields.index("code")


def entries_function(definitions: Sequence[CompiledEntry]) -> EntriesFunction | None:
    """Return the function of these definitions, for accounts that are active.

    None if one of the definitions is for each of a list.
    """
    if any(definition.for_each is not None for definition in definitions):
        return None
    writer = _Writer()
    for definition in definitions:
        writer.add_entry(definition)
    return writer.function()


class _Writer:
    """Writes one function."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        #: By what is computed the variable that has it.
        self._known: dict[tuple[str, ...], str] = {}
        self._count = 0
        self._globals: dict[str, object] = {
            "__builtins__": {},
            "wrong": ValueError,
            "new": tuple.__new__,
            "Key": BalanceKey,
            "Entry": DraftEntry,
            "uuid": parse_uuid,
            "exact": exact_units,
            "directions": DIRECTIONS,
            "layers": LAYERS,
            "active": AccountStatus.ACTIVE,
        }

    def function(self) -> EntriesFunction:
        source = _HEAD + "".join(f" {line}\n" for line in self._lines) + _TAIL
        exec(compile(source, "<template>", "exec", dont_inherit=True), self._globals)  # noqa: S102  # no text of a user's, see above
        function: EntriesFunction = self._globals["entries"]  # type: ignore[assignment]
        return function

    def add_entry(self, definition: CompiledEntry) -> None:
        if definition.when is None:
            self._add_leg(definition, "")
            return
        condition = self._value(definition.when, "")
        self._lines.append(f"if {condition} is True:")
        known = dict(self._known)
        self._add_leg(definition, " ")
        self._known = known  # what is computed under a condition may not be there later
        self._lines.append(f"elif {condition} is not False: raise wrong")

    def _add_leg(self, definition: CompiledEntry, indent: str) -> None:
        reference = self._value(definition.account, indent)
        # By its code first: no code has the form of an id.
        account = self._variable(
            ("account", reference),
            f"account({reference}) or accounts[uuid({reference})]",
            indent,
        )
        self._checked(("active", account), f"{account}[{_STATUS}] is not active", indent)
        currency = self._value(definition.currency, indent)
        amount = self._value(definition.units, indent)
        units = self._variable(
            ("units", amount, currency), f"exact({amount}, exponents[{currency}])", indent
        )
        key = self._variable(
            ("key", account, currency), f"new(Key, ({account}[{_ID}], {currency}))", indent
        )
        direction = self._named(definition.direction, "directions", indent)
        layer = self._named(definition.layer, "layers", indent)
        entry = f"({key}, {account}[{_CODE}], {direction}, {layer}, {units})"
        self._lines.append(f"{indent}found.append(new(Entry, {entry}))")

    def _named(self, given: Expression | Direction | Layer, names: str, indent: str) -> str:
        if isinstance(given, Expression):
            return f"{names}[{self._value(given, indent)}]"
        return self._constant(given)

    def _value(self, expression: Expression, indent: str) -> str:
        """Return the variable that holds the value of an expression."""
        known = ("value", expression.source)
        if known in self._known:
            return self._known[known]
        run = self._constant(expression.run)
        return self._variable(known, f"{run}(params, exponents, None)", indent)

    def _variable(self, known: tuple[str, ...], computed: str, indent: str) -> str:
        if known not in self._known:
            self._count += 1
            self._known[known] = f"v{self._count}"
            self._lines.append(f"{indent}{self._known[known]} = {computed}")
        return self._known[known]

    def _checked(self, known: tuple[str, ...], wrong: str, indent: str) -> None:
        if known not in self._known:
            self._known[known] = ""
            self._lines.append(f"{indent}if {wrong}: raise wrong")

    def _constant(self, value: object) -> str:
        self._count += 1
        name = f"k{self._count}"
        self._globals[name] = value
        return name
