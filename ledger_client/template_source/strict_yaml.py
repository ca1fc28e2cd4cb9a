"""YAML without its surprises: exact values only, every key once, every mistake with its line.

What YAML would turn into something else in silence is refused: `1.50` (a binary float), `no`
(false), `010` (eight), `1:30` (ninety), aliases, merge keys and tags of programming languages.
"""

import dataclasses
import re
from typing import Final, TypeAlias

import yaml

#: A file that is longer is not a template, and is not read.
LENGTH_MAX: Final = 256 * 1024
#: The server takes values of 16 levels; the rest is the file's own.
DEPTH_MAX: Final = 24

_TAG: Final = "tag:yaml.org,2002:"
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EXPONENT: Final = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+", re.ASCII)


class Broken:
    """Stands where a mistake was reported, so that it is reported once."""


BROKEN: Final = Broken()

Value: TypeAlias = "dict[str, Node] | list[Node] | str | int | bool | Broken | None"


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands."""

    #: From 1.
    line: int
    #: Maps and lists hold further nodes.
    value: Value
    #: Whether it is a text whose lines stand below `line`, as after `|`.
    is_block: bool = False


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake of a file."""

    #: From 1.
    line: int
    #: What is wrong, for people.
    message: str


def parse(text: str, problems: list[Problem]) -> Node | None:
    """Return the tree of a text, having added what is wrong with it to `problems`.

    Returns:
        None if it is not YAML at all.
    """
    if len(text) > LENGTH_MAX:
        problems.append(Problem(1, f"longer than {LENGTH_MAX} characters"))
        return None
    try:
        # An alias is not followed: a few lines of them can mean gigabytes.
        if dangers := _dangers(text):
            problems.extend(dangers)
            return None
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        return None if root is None else _Reader(problems).node(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problems.append(Problem(mark.line + 1 if mark else 1, error.problem or "not YAML"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.append(Problem(line, f"the character {error.character!r} is not allowed"))
    return None


def plain(node: Node) -> object:
    """Return the plain lists, dicts and scalars of a tree; None where something is broken."""
    match node.value:
        case dict() as fields:
            return {key: plain(value) for key, value in fields.items()}
        case list() as items:
            return [plain(item) for item in items]
        case Broken():
            return None
        case scalar:
            return scalar


def _dangers(text: str) -> list[Problem]:
    """Return what must be seen before a tree is built: aliases, and nesting without bound."""
    problems = []
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            problems.append(Problem(line, f"the alias *{event.anchor} is not supported"))
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            return [Problem(line, f"nested deeper than {DEPTH_MAX}")]
    return problems


class _Reader:
    """Turns nodes of YAML into ours."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def node(self, node: yaml.Node) -> Node:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return Node(line, self._fields(node))
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return Node(line, [self.node(item) for item in node.value])
        if isinstance(node, yaml.ScalarNode):
            return Node(line, self._scalar(node), is_block=node.style == "|")
        return Node(line, self._broken(line, f"the tag {node.tag} is not supported"))

    def _fields(self, node: yaml.MappingNode) -> dict[str, Node]:
        fields: dict[str, Node] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.node(key_node).value
            if not isinstance(key, str):
                if not isinstance(key, Broken):
                    self._broken(line, f"the key {_shown(key_node)} is not a string: quote it")
                self.node(value_node)
            elif key in fields:
                self._broken(line, f"{key} is there twice, first in line {fields[key].line}")
                self.node(value_node)
            else:
                # The line of the key: the value of a block mapping stands below it.
                fields[key] = dataclasses.replace(self.node(value_node), line=line)
        return fields

    def _scalar(self, node: yaml.ScalarNode) -> Value:
        line, kind = node.start_mark.line + 1, node.tag.removeprefix(_TAG)
        text: str = node.value
        is_plain = node.style is None
        if kind == "float" or (kind == "str" and is_plain and _EXPONENT.fullmatch(text)):
            return self._broken(
                line, f'{text} is a float, which is not exact: write "{text}" in quotes'
            )
        if kind == "str" or (kind == "timestamp" and _DATE.fullmatch(text)):
            return text
        if kind == "null":
            return None
        if kind == "bool" and text in {"true", "false"}:
            return text == "true"
        if kind == "int" and _INTEGER.fullmatch(text):
            return int(text)
        if kind in {"bool", "int", "timestamp"}:
            return self._broken(line, f'YAML takes {text} for {_KINDS[kind]}: write "{text}"')
        return self._broken(line, f"{_shown(node)} is not supported here")

    def _broken(self, line: int, message: str) -> Broken:
        self._problems.append(Problem(line, message))
        return BROKEN


_KINDS: Final = {"bool": "true or false", "int": "a number", "timestamp": "an instant"}


def _shown(node: yaml.Node) -> str:
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else "of several values"
