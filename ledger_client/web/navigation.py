"""Where one can go: the menu, and the keys that lead there."""

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """One entry of the menu."""

    #: After the journal in the path.
    path: str
    title: str
    #: Typed after `g`.
    key: str


NAVIGATION: Final = (
    Place("", "Home", "h"),
    Place("trial-balance", "Trial balance", "t"),
    Place("balance-sheet", "Balance sheet", "b"),
    Place("income-statement", "Income statement", "i"),
    Place("statement", "Account statement", "a"),
    Place("general-ledger", "General ledger", "l"),
    Place("journal", "Journal", "j"),
    Place("chart", "Chart of accounts", "c"),
    Place("holds", "Holds", "o"),
    Place("periods", "Periods and years", "p"),
    Place("templates", "Templates", "m"),
    Place("events", "Events", "e"),
)
