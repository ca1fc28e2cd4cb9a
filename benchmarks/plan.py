"""How long to measure."""

import dataclasses
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
    #: Postings of one caller alone in each round, each way.
    alone_calls: int


QUICK: Final = Plan(name="quick", rounds=3, seconds=2.0, warm_up_seconds=1.0, alone_calls=200)
FULL: Final = Plan(name="full", rounds=7, seconds=5.0, warm_up_seconds=2.0, alone_calls=500)
