"""What postings add to the sums of effective days.

Most are effective on the last day that their accounts were posted to. A balance has the sums of
that day within itself, as what it has beyond the days before; so only what ends a last day, or is
dated back, adds to a day that is kept on its own. The layers other than SETTLED move too seldom to
have a last day.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal

from ledger_server.domain.books import BalanceState, Posting, Sides
from ledger_server.domain.primitives import EXACT, Direction, Layer
from ledger_server.domain.transaction import BalanceKey

_add, _subtract = EXACT.add, EXACT.subtract


@dataclasses.dataclass(frozen=True, slots=True)
class DayChanges:
    """What a batch changes of balances and their days."""

    #: Every balance that it posts to, once.
    balances: Collection[tuple[BalanceKey, BalanceState]]
    #: What is added to the days that are kept on their own: on SETTLED those before the last one,
    #: with all of a last day that ended, on the other layers any.
    earlier: Mapping[tuple[BalanceKey, Layer, date], Sides]
    #: The balances that have another last day now, or other sums before it, by their identity.
    moved: AbstractSet[int]


def settle_days(postings: Iterable[Posting]) -> DayChanges:
    """Give each balance of a batch its last day, and return what is added to others.

    Args:
        postings: all of the batch, accepted. Their balances have the last days, and the sums
            before them, of before the batch.
    """
    #: By identity: a hash of each key would take longer than all the rest.
    posted_to: dict[int, tuple[BalanceKey, BalanceState]] = {}
    earlier: dict[tuple[BalanceKey, Layer, date], Sides] = {}
    #: What is settled on other days than the last one.
    apart: dict[int, dict[date, Sides]] = {}
    for posting in postings:
        effective = posting.draft.effective
        for (key, _, direction, layer, units), state in zip(
            posting.entries, posting.states, strict=True
        ):
            posted_to[id(state)] = (key, state)
            if layer is not Layer.SETTLED:
                place_of = (key, layer, effective)
                earlier[place_of] = _added(earlier.get(place_of), direction, units)
            elif state.last_day != effective:
                days = apart.setdefault(id(state), {})
                days[effective] = _added(days.get(effective), direction, units)
    for which, days in apart.items():
        key, state = posted_to[which]
        for day, sums in _settle(state, days):
            earlier[key, Layer.SETTLED, day] = sums
    return DayChanges(posted_to.values(), earlier, apart.keys())


def _settle(state: BalanceState, days: Mapping[date, Sides]) -> list[tuple[date, Sides]]:
    """Bring a balance's last day up to date; return what is added to days before it.

    Args:
        state: after the batch.
        days: what the batch settled on other days than the last one.
    """
    latest = max(days)
    added = [(day, sums) for day, sums in days.items() if day != latest]
    if state.last_day is not None and latest < state.last_day:
        added.append((latest, days[latest]))
        state.before = _sum(state.before, *days.values())
        return added
    if state.last_day is not None:
        of_batch = _sum(*days.values())
        added.append((state.last_day, _less(_less(state.settled, state.before), of_batch)))
    # Without a last day, all that was settled before has rows of its own.
    state.last_day = latest
    state.before = _less(state.settled, days[latest])
    return added


def _added(sums: Sides | None, direction: Direction, units: Decimal) -> Sides:
    if sums is None:
        # A side that nothing moves has the decimals of the currency too.
        zero = _subtract(units, units)
        return (units, zero) if direction is Direction.DEBIT else (zero, units)
    debit, credit = sums
    if direction is Direction.DEBIT:
        return _add(debit, units), credit
    return debit, _add(credit, units)


def _sum(first: Sides, *others: Sides) -> Sides:
    debit, credit = first
    for other_debit, other_credit in others:
        debit, credit = _add(debit, other_debit), _add(credit, other_credit)
    return debit, credit


def _less(sums: Sides, others: Sides) -> Sides:
    return _subtract(sums[0], others[0]), _subtract(sums[1], others[1])
