"""The worked examples of a template: what is given, and the entries that come of it.

Some things take several steps, such as a hold that is captured in parts. Such an example has
`steps` in place of `params` and `entries`, and says what stands on accounts after each.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ledger_client.models import Direction, Layer, Param
from ledger_client.template_source.example_steps import ExampleStep, read_params, read_steps
from ledger_client.template_source.reading import Reading
from ledger_client.template_source.strict_yaml import Broken, Node

_EXPECTED: Final = re.compile(
    r"(?P<direction>\S+)\s+(?P<account>\S.*?)\s+(?P<layer>\S+)\s+(?P<units>\S+)\s+(?P<currency>\S+)"
)
_UNITS: Final = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class ExpectedEntry:
    """One leg that an example must give."""

    #: Which side.
    direction: Direction
    #: Code of the account.
    account: str
    #: Which book.
    layer: Layer
    #: In whole currency units.
    units: Decimal
    #: Code of the currency.
    currency: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TemplateExample:
    """A posting of a template and the entries that come of it."""

    #: Where it stands in the file, from 1.
    line: int
    #: What it shows; may be empty.
    description: str
    #: What must exist: code and normal side.
    accounts: Mapping[str, Direction]
    #: As given to `LedgerClient.post`.
    params: Mapping[str, Any]
    #: In order.
    entries: tuple[ExpectedEntry, ...]
    #: What is done one after the other; then there are neither params nor entries.
    steps: tuple[ExampleStep, ...] = ()


def read_example(reading: Reading, node: Node, declared: Sequence[Param]) -> TemplateExample:
    """Return an example of a template with these params; what is wrong is noted in `reading`."""
    has_steps = isinstance(node.value, dict) and "steps" in node.value
    needed = ("steps",) if has_steps else ("params", "entries")
    fields = reading.fields(node, "the example", needed, ("doc", "accounts"))
    accounts = _accounts(reading, fields["accounts"]) if "accounts" in fields else {}
    return TemplateExample(
        line=node.line,
        description=reading.text(fields, "doc"),
        accounts=accounts,
        params=read_params(reading, fields["params"], declared) if "params" in fields else {},
        entries=_entries(reading, fields, accounts),
        steps=read_steps(reading, fields["steps"], declared, accounts) if has_steps else (),
    )


def _accounts(reading: Reading, node: Node) -> dict[str, Direction]:
    accounts = {}
    for code, side in reading.mapping(node, "accounts").items():
        if isinstance(side.value, str) and side.value in Direction.__members__:
            accounts[code] = Direction(side.value)
        elif not isinstance(side.value, Broken):
            reading.wrong(side.line, f"accounts: {code} needs DEBIT or CREDIT, its normal side")
    return accounts


def _entries(
    reading: Reading, fields: Mapping[str, Node], accounts: Mapping[str, Direction]
) -> tuple[ExpectedEntry, ...]:
    text = reading.text(fields, "entries")
    if not text:
        return ()
    node = fields["entries"]
    entries = []
    for offset, row in enumerate(text.splitlines(), start=1):
        line = node.line + offset if node.is_block else node.line
        entry = _entry(reading, line, row.strip(), accounts) if row.strip() else None
        if entry is not None:
            entries.append(entry)
    return tuple(entries)


def _entry(
    reading: Reading, line: int, row: str, accounts: Mapping[str, Direction]
) -> ExpectedEntry | None:
    found = _EXPECTED.fullmatch(row)
    if not found:
        reading.wrong(line, f"{row}: write DIRECTION account LAYER units CURRENCY")
        return None
    sides, layers = Direction.__members__, Layer.__members__
    if found["direction"] not in sides:
        reading.unknown(line, "direction", found["direction"], list(sides))
    elif found["layer"] not in layers:
        reading.unknown(line, "layer", found["layer"], list(layers))
    elif not _UNITS.fullmatch(found["units"]):
        reading.wrong(line, f"{found['units']} is not an amount such as 12.34")
    elif found["account"] not in accounts:
        reading.unknown(line, "account of the example", found["account"], list(accounts))
    else:
        return ExpectedEntry(
            direction=sides[found["direction"]],
            account=found["account"],
            layer=layers[found["layer"]],
            units=Decimal(found["units"]),
            currency=found["currency"],
        )
    return None
