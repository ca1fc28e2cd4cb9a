"""Worked examples in steps: what is posted, held, captured, released and reversed, in order.

A step is a map of one deed and what goes with it:

    - {post: sale, params: {...}}             posts this template, and calls the transaction `sale`
    - {post: pay-in, template: DEPOSIT, ...}  posts another built-in template
    - {place: stay, params: {...}}            places a hold of this template, and calls it `stay`
    - {capture: stay, params: {...}, final: true, as: bill}
    - {release: stay}
    - {reverse: sale, params: {...}}          params only for a part

`as` names the transaction of a capture, so that it can be reversed. `refused: REASON` says that
the step must be refused. `balances` has a line for each account, `account amount CURRENCY` or
`account amount CURRENCY available`: what is settled, and what can be drawn, after the step.
"""

import dataclasses
import enum
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ledger_client.models import Direction, NoDefault, Param
from ledger_client.template_source.reading import Reading
from ledger_client.template_source.strict_yaml import Broken, Node, plain

_BALANCE: Final = re.compile(
    r"(?P<account>\S.*?)\s+(?P<amount>-?[0-9]\S*)\s+(?P<currency>[A-Z]\S*)"
    r"(?:\s+(?P<available>-?[0-9]\S*))?"
)
_AMOUNT: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


class StepKind(enum.StrEnum):
    """What a step does, as its key says."""

    POST = "post"
    PLACE = "place"
    CAPTURE = "capture"
    RELEASE = "release"
    REVERSE = "reverse"


#: What a step may have beside its deed.
_OPTIONAL: Final[Mapping[StepKind, tuple[str, ...]]] = {
    StepKind.POST: ("params", "template"),
    StepKind.PLACE: ("params",),
    StepKind.CAPTURE: ("params", "final", "as"),
    StepKind.RELEASE: (),
    StepKind.REVERSE: ("params",),
}
_OF_ALL: Final = ("doc", "refused", "balances")


@dataclasses.dataclass(frozen=True, slots=True)
class ExpectedBalance:
    """What must stand on an account after a step, on its normal side."""

    #: Code of the account.
    account: str
    #: Settled, in whole currency units.
    amount: Decimal
    #: Code of the currency.
    currency: str
    #: What can be drawn; None if the example does not say.
    available: Decimal | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExampleStep:
    """One step of a worked example."""

    #: Where it stands in the file, from 1.
    line: int
    #: What it shows; may be empty.
    description: str
    #: What is done.
    kind: StepKind
    #: What it makes, or what it is done to.
    name: str
    #: Another template to post; empty for the file's own.
    template: str
    #: For a capture or reversal, those that differ; empty for all that is left.
    params: Mapping[str, Any]
    #: Of a capture: gives back what it leaves.
    final: bool
    #: The name of a capture's transaction; may be empty.
    transaction_name: str
    #: The reason for which it must be refused; empty if it must not.
    refused: str
    #: In order.
    balances: tuple[ExpectedBalance, ...]


def read_steps(
    reading: Reading, node: Node, declared: Sequence[Param], accounts: Mapping[str, Direction]
) -> tuple[ExampleStep, ...]:
    """Return the steps of an example; what is wrong is noted in `reading`."""
    items = reading.items(node, "steps")
    if isinstance(node.value, list) and not items:
        reading.wrong(node.line, "steps: at least one is needed")
    steps = _Steps(reading, declared, accounts)
    found = [steps.read(item) for item in items]
    return tuple(step for step in found if step is not None)


def read_params(
    reading: Reading, node: Node, declared: Sequence[Param], *, is_part: bool = False
) -> dict[str, Any]:
    """Return params; those that have no default must be there, unless they are of a part."""
    given = reading.mapping(node, "params of the example")
    names = [param.name for param in declared]
    for name, value in given.items():
        if name not in names:
            reading.unknown(value.line, "param", name, names)
    for param in declared:
        needed = isinstance(param.default, NoDefault) and not is_part
        if needed and param.name not in given and isinstance(node.value, dict):
            reading.wrong(node.line, f"the example gives no {param.name}, which has no default")
    return {name: plain(value) for name, value in given.items()}


class _Steps:
    """Reads steps in order, remembering what they have made."""

    def __init__(
        self, reading: Reading, declared: Sequence[Param], accounts: Mapping[str, Direction]
    ) -> None:
        self._reading = reading
        self._declared = declared
        self._accounts = accounts
        self._holds: list[str] = []
        self._transactions: list[str] = []

    def read(self, node: Node) -> ExampleStep | None:
        given = self._reading.mapping(node, "a step")
        kinds = [kind for kind in StepKind if kind in given]
        if len(kinds) != 1:
            if isinstance(node.value, dict):
                self._reading.wrong(node.line, f"a step has one of {', '.join(StepKind)}")
            return None
        (kind,) = kinds
        optional = (*_OPTIONAL[kind], *_OF_ALL)
        fields = self._reading.fields(node, "the step", (kind,), optional)
        step = ExampleStep(
            line=node.line,
            description=self._reading.text(fields, "doc"),
            kind=kind,
            name=self._reading.text(fields, kind),
            template=self._reading.text(fields, "template"),
            params=self._params(node, fields, kind),
            final=self._flag(fields, "final"),
            transaction_name=self._reading.text(fields, "as"),
            refused=self._reading.text(fields, "refused"),
            balances=self._balances(fields),
        )
        self._check_name(step, fields[kind].line)
        return step

    def _params(self, node: Node, fields: Mapping[str, Node], kind: StepKind) -> dict[str, Any]:
        makes = kind in {StepKind.POST, StepKind.PLACE}
        if "params" not in fields:
            if makes:
                self._reading.wrong(node.line, "the step: params is missing")
            return {}
        if "template" in fields:  # what another file declares is not known here
            return {
                name: plain(value)
                for name, value in self._reading.mapping(fields["params"], "params").items()
            }
        return read_params(self._reading, fields["params"], self._declared, is_part=not makes)

    def _check_name(self, step: ExampleStep, line: int) -> None:
        """Note a name that was not made before; remember those that are made here."""
        if step.kind in {StepKind.CAPTURE, StepKind.RELEASE} and step.name not in self._holds:
            self._reading.unknown(line, "hold", step.name, self._holds)
        if step.kind is StepKind.REVERSE and step.name not in self._transactions:
            self._reading.unknown(line, "transaction", step.name, self._transactions)
        if step.refused:
            return
        made = {StepKind.POST: self._transactions, StepKind.PLACE: self._holds}
        if step.kind in made:
            made[step.kind].append(step.name)
        if step.transaction_name:
            self._transactions.append(step.transaction_name)

    def _flag(self, fields: Mapping[str, Node], key: str) -> bool:
        node = fields.get(key)
        if node is None or isinstance(node.value, Broken):
            return False
        if not isinstance(node.value, bool):
            self._reading.wrong(node.line, f"{key}: true or false is needed here")
        return node.value is True

    def _balances(self, fields: Mapping[str, Node]) -> tuple[ExpectedBalance, ...]:
        text = self._reading.text(fields, "balances")
        balances = []
        for offset, row in enumerate(text.splitlines(), start=1):
            node = fields["balances"]
            line = node.line + offset if node.is_block else node.line
            balance = self._balance(line, row.strip()) if row.strip() else None
            if balance is not None:
                balances.append(balance)
        return tuple(balances)

    def _balance(self, line: int, row: str) -> ExpectedBalance | None:
        found = _BALANCE.fullmatch(row)
        if not found:
            self._reading.wrong(line, f"{row}: write account amount CURRENCY [available]")
            return None
        amounts = [found["amount"], found["available"] or "0"]
        for wrong in (text for text in amounts if not _AMOUNT.fullmatch(text)):
            self._reading.wrong(line, f"{wrong} is not an amount such as 12.34")
            return None
        if found["account"] not in self._accounts:
            known = list(self._accounts)
            self._reading.unknown(line, "account of the example", found["account"], known)
            return None
        return ExpectedBalance(
            account=found["account"],
            amount=Decimal(found["amount"]),
            currency=found["currency"],
            available=None if found["available"] is None else Decimal(found["available"]),
        )
