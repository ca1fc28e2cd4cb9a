"""How long to measure."""

import dataclasses
from collections.abc import Sequence
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Rounds, and what happens in each."""

    name: str
    #: Without the warm-up.
    rounds: int
    #: Of each run under load.
    seconds: float
    #: Of each run of the warm-up.
    warm_up_seconds: float
    #: Postings of one caller alone in each round, each way; reads of each kind.
    alone_calls: int
    #: Entries that a journal is grown to, one size after the other.
    grown_entries: Sequence[int]
    #: Servers on one database.
    servers: Sequence[int]
    #: Sizes of batches for the plot.
    batch_sizes: Sequence[int]
    #: Transfers over which bytes are counted.
    counted_transfers: int
    #: How long the server's memory is watched, and after how long the first look.
    memory_seconds: float
    memory_first_seconds: float


QUICK: Final = Plan(
    name="quick",
    rounds=2,
    seconds=1.2,
    warm_up_seconds=0.6,
    alone_calls=150,
    grown_entries=(200_000,),
    servers=(1, 2),
    batch_sizes=(1, 20, 500),
    counted_transfers=20_000,
    memory_seconds=10.0,
    memory_first_seconds=4.0,
)
FULL: Final = Plan(
    name="full",
    rounds=3,
    seconds=4.0,
    warm_up_seconds=2.0,
    alone_calls=400,
    grown_entries=(10_000_000,),
    servers=(1, 2, 4),
    batch_sizes=(1, 5, 20, 100, 500, 1_000),
    counted_transfers=50_000,
    memory_seconds=1_200.0,
    memory_first_seconds=60.0,
)
