"""The chart of accounts."""

import dataclasses
from uuid import UUID

from ledger_client.models.words import AccountCategory, Direction


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewChartNode:
    """A node of a chart to be added."""

    #: Unique among the journal's sets.
    code: str
    #: Title; empty takes the code.
    name: str = ""
    #: Code of the node that it stands in; empty at the top.
    parent: str = ""
    #: Required at the top; below, None or what it inherits.
    category: AccountCategory | None = None
    #: None takes that of its parent, at the top that of its category.
    normal_side: Direction | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChartNode:
    """A node of the chart: an account set."""

    #: None in a trial of a node that is not there.
    id: UUID | None
    code: str
    name: str
    #: How many nodes it stands below.
    depth: int
    #: Its own or what it inherits; None of a set in branches of several.
    category: AccountCategory | None
    normal_side: Direction | None
    #: True if the import added it, or would.
    added: bool
    #: True if it has no nodes below it.
    is_leaf: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChartPlan:
    """What an import did, or would do."""

    #: Each node before those below it, by code.
    nodes: tuple[ChartNode, ...]
    added_count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChartAccount:
    """An account on a node, or on none."""

    id: UUID
    code: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChartRow:
    """A node and the accounts that stand directly on it."""

    node: ChartNode
    accounts: tuple[ChartAccount, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The chart with its accounts."""

    #: Each node before those below it, by code.
    rows: tuple[ChartRow, ...]
    #: Accounts that stand in no node.
    unmapped: tuple[ChartAccount, ...]
