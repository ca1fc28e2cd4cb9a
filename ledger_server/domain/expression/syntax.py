"""The syntax tree: what the parser makes of a source, before names and types are known."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Literal:
    """A string, an integer, true, false or null."""

    offset: int
    value: str | int | bool | None


@dataclasses.dataclass(frozen=True, slots=True)
class Broken:
    """A literal already reported as a mistake. Fits any type, so that it is reported once."""

    offset: int


@dataclasses.dataclass(frozen=True, slots=True)
class Name:
    """A variable: `params` or `item`, or a mistake."""

    offset: int
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Select:
    """`target.field`; the offset is the field's."""

    offset: int
    target: "Node"
    field: str


@dataclasses.dataclass(frozen=True, slots=True)
class Index:
    """`target[key]`; the offset is the bracket's."""

    offset: int
    target: "Node"
    key: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """`name(...)`, or `target.name(...)`; the offset is the name's."""

    offset: int
    name: str
    target: "Node | None"
    arguments: tuple["Node", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Unary:
    """`-operand` or `!operand`."""

    offset: int
    operator: str
    operand: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; the offset is the operator's. `&&` and `||` are Logic."""

    offset: int
    operator: str
    left: "Node"
    right: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class Logic:
    """Two or more operands joined by one of `&&` and `||`."""

    offset: int
    operator: str
    operands: tuple["Node", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? then : otherwise`; the offset is the question mark's."""

    offset: int
    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`."""

    offset: int
    items: tuple["Node", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Pairs:
    """`{'a': b}`."""

    offset: int
    pairs: tuple[tuple["Node", "Node"], ...]


Node = (
    Literal
    | Broken
    | Name
    | Select
    | Index
    | Call
    | Unary
    | Binary
    | Logic
    | Choice
    | Items
    | Pairs
)
