"""Holds and reversals, followed from the events alone: what was taken never exceeds what was there.

Legs are told apart by account, currency and side (and, for reversals, layer), not by position:
how a part is spread over equal legs changes no sum.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from ledger_client.verify.amounts import ZERO, add, parse, plain, subtract
from ledger_client.verify.findings import Code, WrongError, wrong

DEBIT: Final = 1
CREDIT: Final = 2
SETTLED: Final = 1
PENDING: Final = 2

#: Account id, currency, side.
Leg: TypeAlias = tuple[str, str, int]
#: The same, and the layer.
Part: TypeAlias = tuple[str, str, int, int]


class Holds:
    """What is left of each open hold."""

    def __init__(self, *, whole: bool = True) -> None:
        """Begin without any; `whole` is false if there are some that are not known."""
        self.open: dict[str, dict[Leg, Decimal]] = {}
        self.whole = whole

    def place(self, sequence: int, transaction: Any) -> list[tuple[Leg, Decimal]]:
        """Note a hold and return what it adds to what is held."""
        if transaction.hold_id != transaction.id or transaction.id in self.open:
            raise _hold(sequence, transaction, "its id is not that of the transaction alone")
        legs: dict[Leg, Decimal] = {}
        changes = []
        for entry in transaction.entries:
            if entry.layer != PENDING:
                raise _hold(sequence, transaction, "an entry that places it is not on PENDING")
            leg = (entry.account_id, entry.currency, entry.direction)
            units = parse(entry.units)
            legs[leg] = add(legs.get(leg, ZERO), units)
            changes.append((leg, units))
        self.open[transaction.id] = legs
        return changes

    def take(
        self, sequence: int, transaction: Any, *, ended: bool, captures: bool
    ) -> list[tuple[Leg, Decimal]]:
        """Take from a hold and return what that takes from what is held, as negative amounts.

        Args:
            sequence: of the event.
            transaction: that captures it, or gives it back.
            ended: whether the event says that nothing is left.
            captures: whether it may settle anything.
        """
        out: dict[Leg, Decimal] = {}
        settled: dict[Leg, Decimal] = {}
        changes = []
        for entry in transaction.entries:
            units = parse(entry.units)
            if entry.layer == PENDING:
                leg = (entry.account_id, entry.currency, DEBIT + CREDIT - entry.direction)
                out[leg] = add(out.get(leg, ZERO), units)
                changes.append((leg, units.copy_negate()))
            elif entry.layer == SETTLED and captures:
                leg = (entry.account_id, entry.currency, entry.direction)
                settled[leg] = add(settled.get(leg, ZERO), units)
            else:
                raise _hold(sequence, transaction, "an entry stands on a layer of no hold")
        for leg, units in settled.items():
            if units > out.get(leg, ZERO):
                raise _hold(
                    sequence,
                    transaction,
                    "more is captured than leaves PENDING",
                    leg=leg,
                    had=out.get(leg, ZERO),
                    units=units,
                )
        self._leave(sequence, transaction, out, ended=ended)
        return changes

    def _leave(
        self, sequence: int, transaction: Any, out: Mapping[Leg, Decimal], *, ended: bool
    ) -> None:
        left = self.open.get(transaction.hold_id)
        if left is None:
            if self.whole:
                raise _hold(sequence, transaction, "it is not open")
            return
        for leg, units in out.items():
            had = left.get(leg, ZERO)
            if units > had:
                raise _hold(
                    sequence,
                    transaction,
                    "more is taken than is left of it",
                    leg=leg,
                    had=had,
                    units=units,
                )
            left[leg] = subtract(had, units)
        if ended == any(left.values()):
            says = "it is said to have ended" if ended else "it is said to be open"
            rest = "something is left of it" if ended else "nothing is left of it"
            raise _hold(sequence, transaction, f"{says}, and {rest}")
        if ended:
            del self.open[transaction.hold_id]


class Reversals:
    """What was taken back of each transaction; held against the originals when they are known."""

    def __init__(self) -> None:
        """Begin without any."""
        self.taken: dict[str, dict[Part, Decimal]] = {}
        #: Originals of which something was taken back since they were looked at, with the sequence
        #: of the latest reversal.
        self.unchecked: dict[str, int] = {}

    def take(self, sequence: int, transaction: Any) -> None:
        """Note a reversal."""
        original = transaction.reverses
        if not original:
            message = f"reversal {transaction.id} does not say what it takes back"
            raise wrong(Code.REVERSAL_WRONG, message, sequence=sequence)
        taken = self.taken.setdefault(original, {})
        for entry in transaction.entries:
            side = DEBIT + CREDIT - entry.direction
            part = (entry.account_id, entry.currency, side, entry.layer)
            taken[part] = add(taken.get(part, ZERO), parse(entry.units))
        self.unchecked[original] = sequence

    def check(self, original: Any, sequence: int, *, captured: bool) -> None:
        """Hold what was taken back of a transaction against what it posted.

        Args:
            original: the transaction, proven to be the one that was recorded.
            sequence: its own.
            captured: whether it captured a hold; then only what it settled can be taken back.

        Raises:
            WrongError: more was taken back than there was, or before it was there.
        """
        at = self.unchecked.pop(original.id)
        had: dict[Part, Decimal] = {}
        for entry in original.entries:
            if captured and entry.layer != SETTLED:
                continue
            part = (entry.account_id, entry.currency, entry.direction, entry.layer)
            had[part] = add(had.get(part, ZERO), parse(entry.units))
        if sequence >= at:
            message = f"transaction {original.id} was taken back before it was posted"
            raise wrong(
                Code.REVERSAL_WRONG, message, sequence=at, expected=f"before {at}", found=sequence
            )
        for part, units in self.taken[original.id].items():
            if units > had.get(part, ZERO):
                raise wrong(
                    Code.REVERSAL_WRONG,
                    f"more of transaction {original.id} is taken back than it posted",
                    sequence=at,
                    account=part[0],
                    currency=part[1],
                    expected=f"at most {plain(had.get(part, ZERO))}",
                    found=plain(units),
                )


def _hold(
    sequence: int,
    transaction: Any,
    problem: str,
    *,
    leg: Leg = ("", "", 0),
    had: Decimal | None = None,
    units: Decimal | None = None,
) -> WrongError:
    return wrong(
        Code.HOLD_WRONG,
        f"hold {transaction.hold_id}: {problem}",
        sequence=sequence,
        account=leg[0],
        currency=leg[1],
        expected="" if had is None else f"at most {plain(had)}",
        found="" if units is None else plain(units),
    )
