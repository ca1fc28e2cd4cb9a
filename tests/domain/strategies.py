"""What the properties of the domain are drawn from."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from ledger_server.domain.primitives import EXACT, Direction, Layer
from ledger_server.domain.template import Json
from ledger_server.domain.transaction import BalanceKey, DraftEntry

#: Few, so that entries meet in one book: code and exponent.
CURRENCIES: Final = {"USD": 2, "JPY": 0, "BTC": 8, "WEI": 18}
#: Few, so that entries meet in one balance.
ACCOUNTS: Final = tuple(uuid.UUID(int=number) for number in range(1, 5))

layers: Final = st.sampled_from(Layer)
directions: Final = st.sampled_from(Direction)
currencies: Final = st.sampled_from(sorted(CURRENCIES))
accounts: Final = st.sampled_from(ACCOUNTS)
days: Final = st.dates(date(2026, 1, 1), date(2026, 1, 4))
#: In the smallest unit of a currency.
minor_units: Final = st.integers(1, 10**6) | st.integers(1, 10**19)


def amount(minor: int, currency: str) -> Decimal:
    """Return so many smallest units of a currency, with the decimals of the currency."""
    return Decimal(minor).scaleb(-CURRENCIES[currency], EXACT)


def leg(
    account: uuid.UUID, direction: Direction, layer: Layer, minor: int, currency: str
) -> DraftEntry:
    """Return an entry of so many smallest units."""
    key = BalanceKey(account, currency)
    return DraftEntry(key, f"account {account.int}", direction, layer, amount(minor, currency))


@st.composite
def balanced_entries(draw: st.DrawFn) -> list[DraftEntry]:
    """Legs that balance in each of their books, of one or more layers and currencies, mixed."""
    books = draw(st.lists(st.tuples(layers, currencies), min_size=1, max_size=3, unique=True))
    entries: list[DraftEntry] = []
    for layer, currency in books:
        debits = draw(st.lists(minor_units, min_size=1, max_size=3))
        for direction, parts in (
            (Direction.DEBIT, debits),
            (Direction.CREDIT, draw(partitions(sum(debits)))),
        ):
            entries += [leg(draw(accounts), direction, layer, part, currency) for part in parts]
    return draw(st.permutations(entries))


@st.composite
def partitions(draw: st.DrawFn, total: int) -> list[int]:
    """A few numbers above zero that add up to `total`."""
    if total == 1:
        return [1]
    cuts = sorted(draw(st.sets(st.integers(1, total - 1), max_size=2)))
    return [after - before for before, after in zip([0, *cuts], [*cuts, total], strict=True)]


#: What a caller may send for a param, hostile texts and numbers among it.
json_values: Final[st.SearchStrategy[Json]] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "NaN",
            "1e9",
            "-0",
            "12.34",
            "2026-02-30",
            "2026-01-31",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00+24:00",
            "0000-00-00",
            "0000-01-01T00:00:00Z",
            "9" * 50,
            "x" * 1_025,
            "\0",
            str(uuid.UUID(int=7)),
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
