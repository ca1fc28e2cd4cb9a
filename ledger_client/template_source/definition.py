"""The template that a file defines, and the line of each of its parts."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Final

from ledger_client.models import (
    REQUIRED,
    EntryDefinition,
    NewTxTemplate,
    Param,
    ParamType,
    TransactionFields,
)
from ledger_client.template_source.example import TemplateExample, read_example
from ledger_client.template_source.reading import Reading
from ledger_client.template_source.strict_yaml import Node, plain

_FILE_REQUIRED: Final = ("code", "entries")
_FILE_OPTIONAL: Final = ("description", "params", "transaction", "example", "examples")
_TRANSACTION: Final = tuple(field.name for field in dataclasses.fields(TransactionFields))
_ENTRY_REQUIRED: Final = ("account", "direction", "units", "currency")
_ENTRY_OPTIONAL: Final = ("layer", "when", "for_each")


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """The lines of a file by the places that the server names."""

    #: Such as `entries[1].units` or `params[0].name`, and `params.amount` too.
    lines: Mapping[str, int]

    def line_of(self, place: str) -> int | None:
        """Return the line of a place, else of what it lies in, else None."""
        # An evaluation names the elements of `for_each` too: `entries[0], item 3.units`.
        path = re.sub(r", item \d+", "", place).removeprefix("template.")
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return None


class Definition:
    """One file's template, its examples and its places."""

    def __init__(self, reading: Reading, root: Node) -> None:
        """Read it all; what is wrong is noted in `reading`."""
        self._reading = reading
        self._lines: dict[str, int] = {}
        fields = reading.fields(root, "the template", _FILE_REQUIRED, _FILE_OPTIONAL)
        self._remember("", fields)
        self.template = NewTxTemplate(
            code=reading.text(fields, "code"),
            description=reading.text(fields, "description"),
            params=self._params(fields["params"]) if "params" in fields else [],
            transaction=self._transaction(fields["transaction"])
            if "transaction" in fields
            else TransactionFields(),
            entries=self._entries(fields["entries"]) if "entries" in fields else [],
        )
        self.examples = tuple(self._examples(fields))
        self.places = Places(self._lines)

    def _params(self, node: Node) -> list[Param]:
        params = []
        for index, (name, param_node) in enumerate(self._reading.mapping(node, "params").items()):
            self._lines[f"params.{name}"] = param_node.line
            self._lines[f"params[{index}]"] = param_node.line
            params.append(self._param(name, f"params[{index}]", param_node))
        return params

    def _param(self, name: str, place: str, node: Node) -> Param:
        fields = self._reading.fields(node, f"params.{name}", ("type",), ("doc", "default"))
        names = {"doc": "description", "default": "default_value"}
        self._remember(place, {names.get(key, key): value for key, value in fields.items()})
        type_name = self._reading.text(fields, "type")
        if type_name and type_name not in ParamType.__members__:
            line = fields["type"].line
            self._reading.unknown(line, "type", type_name, list(ParamType.__members__))
        return Param(
            name=name,
            type=ParamType.__members__.get(type_name, ParamType.STRING),
            description=self._reading.text(fields, "doc"),
            default=plain(fields["default"]) if "default" in fields else REQUIRED,
        )

    def _transaction(self, node: Node) -> TransactionFields:
        fields = self._reading.fields(node, "transaction", (), _TRANSACTION)
        self._remember("transaction", fields)
        return TransactionFields(**{name: self._reading.text(fields, name) for name in fields})

    def _entries(self, node: Node) -> list[EntryDefinition]:
        items = self._reading.items(node, "entries")
        if isinstance(node.value, list) and not items:
            self._reading.wrong(node.line, "entries: at least one is needed")
        return [self._entry(f"entries[{index}]", item) for index, item in enumerate(items)]

    def _entry(self, place: str, node: Node) -> EntryDefinition:
        self._lines[place] = node.line
        fields = self._reading.fields(node, place, _ENTRY_REQUIRED, _ENTRY_OPTIONAL)
        self._remember(place, fields)
        names = (*_ENTRY_REQUIRED, *_ENTRY_OPTIONAL)
        return EntryDefinition(**{name: self._reading.text(fields, name) for name in names})

    def _examples(self, fields: Mapping[str, Node]) -> list[TemplateExample]:
        nodes = [fields["example"]] if "example" in fields else []
        if "examples" in fields:
            nodes += self._reading.items(fields["examples"], "examples")
        return [read_example(self._reading, node, self.template.params) for node in nodes]

    def _remember(self, place: str, fields: Mapping[str, Node]) -> None:
        for name, node in fields.items():
            self._lines[f"{place}.{name}" if place else name] = node.line
