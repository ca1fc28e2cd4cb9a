"""Reads maps, lists and texts of a file's tree, noting what is not as it should be."""

import difflib
from collections.abc import Collection, Mapping, Sequence

from ledger_client.template_source.strict_yaml import Broken, Node, Problem


class Reading:
    """One pass over a tree: goes on after a mistake, so that all are found."""

    def __init__(self, problems: list[Problem]) -> None:
        """Add to `problems` what is found."""
        self._problems = problems

    def wrong(self, line: int, message: str) -> None:
        """Note a mistake."""
        self._problems.append(Problem(line, message))

    def unknown(self, line: int, what: str, name: str, known: Collection[str]) -> None:
        """Note a name that is none of those known."""
        near = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        self.wrong(line, f"unknown {what}: {name}; {advice}")

    def fields(
        self, node: Node, place: str, required: Sequence[str], optional: Sequence[str]
    ) -> dict[str, Node]:
        """Return the known fields of a map; note the unknown and those that are missing."""
        fields = self.mapping(node, place)
        known = (*required, *optional)
        for key, value in fields.items():
            if key not in known and value.value is None and " " in key:
                self.wrong(value.line, f"{place}: put a text with a comma in quotes: ... {key}")
            elif key not in known:
                self.unknown(value.line, f"key of {place}", key, known)
        if isinstance(node.value, dict):
            for key in required:
                if key not in fields:
                    self.wrong(node.line, f"{place}: {key} is missing")
        return {key: value for key, value in fields.items() if key in known}

    def mapping(self, node: Node, place: str) -> dict[str, Node]:
        """Return the fields of a map, none if it is not one."""
        if isinstance(node.value, dict):
            return node.value
        if not isinstance(node.value, Broken):
            self.wrong(node.line, f"{place}: a map (key: value) is needed here")
        return {}

    def items(self, node: Node, place: str) -> list[Node]:
        """Return the items of a list, none if it is not one."""
        if isinstance(node.value, list):
            return node.value
        if not isinstance(node.value, Broken):
            self.wrong(node.line, f"{place}: a list is needed here")
        return []

    def text(self, fields: Mapping[str, Node], key: str) -> str:
        """Return a field that is a text, empty if it is absent or broken."""
        node = fields.get(key)
        if node is None or isinstance(node.value, Broken):
            return ""
        if not isinstance(node.value, str):
            self.wrong(node.line, f"{key}: a text is needed here; put an expression in quotes")
            return ""
        return node.value
