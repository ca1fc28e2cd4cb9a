"""What is left to do once types are known: values, look-ups, and calls of Python functions."""

import dataclasses
from collections.abc import Callable

#: Takes values of the language and returns one, or raises Failure or a decimal signal.
Operation = Callable[..., object]


@dataclasses.dataclass(frozen=True, slots=True)
class Constant:
    """A value known at compile time."""

    offset: int
    value: object


@dataclasses.dataclass(frozen=True, slots=True)
class Param:
    """The value of a param."""

    offset: int
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class HasParam:
    """Whether an optional param was given."""

    offset: int
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """The element that `for_each` is at."""

    offset: int


@dataclasses.dataclass(frozen=True, slots=True)
class Exponents:
    """The number of decimals of each currency, handed to every evaluation."""

    offset: int


@dataclasses.dataclass(frozen=True, slots=True)
class Apply:
    """A call of `operation`; the offset is where its failure is reported."""

    offset: int
    operation: Operation
    arguments: tuple["Step", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Choose:
    """`then` or `otherwise`, whichever `condition` says; the other is not evaluated."""

    offset: int
    condition: "Step"
    then: "Step"
    otherwise: "Step"


@dataclasses.dataclass(frozen=True, slots=True)
class Join:
    """Operands joined by `||` (`decisive` is True: one such settles it) or `&&` (False)."""

    offset: int
    decisive: bool
    operands: tuple["Step", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Unknown:
    """Stands for a part with a mistake. No constant, so nothing is computed from it."""

    offset: int


Step = Unknown | Constant | Param | HasParam | Item | Exponents | Apply | Choose | Join
