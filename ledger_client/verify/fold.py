"""The fold of a journal: what its events add up to, and whether each fits what came before.

Pure: events go in, the first that does not fit comes out as an error. What is kept grows with
accounts, effective days, open holds and reversals, not with transactions.
"""

import datetime as dt
from decimal import Decimal
from typing import Any, Final

from ledger_client.verify.amounts import (
    BUILT_IN_EXPONENTS,
    ZERO,
    add,
    decimals,
    parse,
    plain,
    subtract,
)
from ledger_client.verify.findings import Code, WrongError, wrong
from ledger_client.verify.promises import CREDIT, DEBIT, Holds, Leg, Reversals
from ledger_proto.v1 import transactions_pb2

#: Places of `Sums.sums` beyond the layers': what open holds have left.
HELD: Final = 6

#: The kinds of transactions that each fact may state.
_KINDS: Final = {
    "journal_posted": (
        transactions_pb2.TRANSACTION_KIND_POSTING,
        transactions_pb2.TRANSACTION_KIND_CLOSING,
    ),
    "hold_created": (transactions_pb2.TRANSACTION_KIND_HOLD,),
    "hold_captured": (transactions_pb2.TRANSACTION_KIND_CAPTURE,),
    "hold_released": (transactions_pb2.TRANSACTION_KIND_RELEASE,),
    "hold_expired": (transactions_pb2.TRANSACTION_KIND_EXPIRY,),
    "transaction_reversed": (transactions_pb2.TRANSACTION_KIND_REVERSAL,),
}


#: From which record times count.
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _moment(time_us: int) -> str:
    return (_EPOCH + dt.timedelta(microseconds=time_us)).isoformat()


class Sums:
    """What the entries of an account in a currency add up to."""

    __slots__ = ("days", "sums", "version")

    def __init__(self, version: int = 0, sums: list[Decimal | None] | None = None) -> None:
        """Begin at zero, or where a state that was saved had come to."""
        self.version = version
        #: Debits and credits on SETTLED, PENDING, ENCUMBRANCE; then what open holds have left of
        #: each. None is not known: the fold began later.
        self.sums: list[Decimal | None] = sums or [ZERO] * 8
        #: The same by layer and effective day: debits, credits.
        self.days: dict[tuple[int, str], list[Decimal]] = {}


class Fold:
    """Where a journal has come to after the events seen so far."""

    def __init__(self, sequence: int = 0, time_us: int = 0, *, whole: bool = True) -> None:
        """Begin after an event.

        Args:
            sequence: of that event; 0 begins with the first.
            time_us: when it was recorded.
            whole: false if what came before is not known: then the first that an event says of a
                sum is believed, and the next must fit it.
        """
        self.sequence = sequence
        self.time_us = time_us
        self.whole = whole
        #: Codes of accounts by id.
        self.accounts: dict[str, str] = {}
        self.exponents: dict[str, int] = dict(BUILT_IN_EXPONENTS)
        self.balances: dict[tuple[str, str], Sums] = {}
        self.holds = Holds(whole=whole)
        self.reversals = Reversals()
        #: Events whose personal part is gone, until a later event says that it was erased.
        self.unexplained: set[int] = set()
        #: Events of types that only a newer verifier knows.
        self.unknown = 0
        self.transactions = 0
        self.entries = 0

    def step(self, sequence: int, time_us: int, *, is_erased: bool = False) -> None:
        """Go on to the next event.

        Args:
            sequence: its own.
            time_us: when it was recorded, in microseconds since 1970.
            is_erased: whether its personal part is gone.

        Raises:
            WrongError: it is not the next, or was recorded before the last.
        """
        if sequence != self.sequence + 1:
            raise wrong(
                Code.EVENT_MISSING,
                f"event {self.sequence + 1} is not there: event {sequence} follows {self.sequence}",
                sequence=self.sequence + 1,
                expected=self.sequence + 1,
                found=sequence,
            )
        if time_us < self.time_us:
            raise wrong(
                Code.RECORD_TIME_WRONG,
                f"event {sequence} was recorded before event {self.sequence}",
                sequence=sequence,
                expected=f"{_moment(self.time_us)} or later",
                found=_moment(time_us),
            )
        self.sequence, self.time_us = sequence, time_us
        if is_erased:
            self.unexplained.add(sequence)

    def apply(self, event: Any) -> Any:
        """Take in what the event at the present sequence states.

        Args:
            event: a ledger.v1.Event.

        Returns:
            Its transaction, None if it has none.

        Raises:
            WrongError: it does not fit what came before.
        """
        name = event.WhichOneof("fact")
        if name in _KINDS:
            fact = getattr(event, name)
            transaction = fact.transaction
            if transaction.kind not in _KINDS[name]:
                raise self._malformed(f"its kind is not that of {name}")
            try:
                self._transaction(name, fact, transaction)
            except (ValueError, ArithmeticError) as error:
                raise self._amount(str(error), "", "", error) from error
            return transaction
        if name is None:
            self.unknown += 1
        self._configure(name, event)
        return None

    def check_end(self) -> None:
        """Check what only the end of the journal can tell.

        Raises:
            WrongError: a personal part is gone without an event that says so.
        """
        for sequence in sorted(self.unexplained)[:1]:
            raise wrong(
                Code.ERASURE_UNRECORDED,
                f"the personal part of event {sequence} is gone, and no later event says that it "
                "was erased",
                sequence=sequence,
            )

    def _configure(self, name: str, event: Any) -> None:
        if name == "account_created":
            self.accounts[event.account_created.account.id] = event.account_created.account.code
        elif name == "currency_registered":
            currency = event.currency_registered.currency
            known = self.exponents.get(currency.code)
            if known is not None and known != currency.exponent:
                raise self._malformed(f"{currency.code} has {known} decimals already")
            self.exponents[currency.code] = currency.exponent
        elif name == "personal_data_erased":
            self.unexplained.difference_update(event.personal_data_erased.sequences)
        elif (name == "journal_created") != (self.sequence == 1):
            raise self._malformed("a journal comes into being with its first event alone")

    def account(self, account_id: str) -> str:
        """Return an account's code, its id if the code is not known."""
        return self.accounts.get(account_id, account_id)

    def _transaction(self, name: str, fact: Any, transaction: Any) -> None:
        nets: dict[tuple[int, str], Decimal] = {}
        day = transaction.effective_date
        count = 0
        for entry in transaction.entries:
            units = self._entry(entry, day)
            place = (entry.layer, entry.currency)
            change = units if entry.direction == DEBIT else units.copy_negate()
            nets[place] = add(nets.get(place, ZERO), change)
            count += 1
        for (layer, currency), net in nets.items():
            if net:
                raise self._unbalanced(transaction, layer, currency)
        if not count:
            raise self._malformed("its transaction has no entries")
        if name != "journal_posted":
            self._promise(name, fact, transaction)
        self.transactions += 1
        self.entries += count

    def _entry(self, entry: Any, day: str) -> Decimal:
        account_id, currency = entry.account_id, entry.currency
        layer, direction = entry.layer, entry.direction
        if not 1 <= layer <= 3 or not DEBIT <= direction <= CREDIT:
            raise self._malformed("an entry has no layer or no side")
        units = parse(entry.units)
        if not units:
            raise self._amount("an amount is not above zero", account_id, currency, entry.units)
        exponent = self.exponents.get(currency)
        if exponent is None:
            if self.whole:
                raise self._amount(f"currency {currency} is not known", account_id, currency, "")
        elif decimals(entry.units) > exponent:
            message = f"an amount has more than the {exponent} decimals of its currency"
            raise self._amount(message, account_id, currency, entry.units)
        after = entry.balance_after
        stated = (parse(after.debit), parse(after.credit))
        slot = self.balances.get((account_id, currency))
        if slot is None:
            slot = self._open(account_id, currency, after.version)
        slot.version += 1
        if after.version != slot.version:
            raise self._entry_error(
                Code.VERSION_WRONG, "version", entry, slot.version, after.version
            )
        place = 2 * layer + direction - 3
        self._sum(slot, entry, place, units, stated)
        sums = slot.days.get((layer, day))
        if sums is None:
            sums = slot.days[layer, day] = [ZERO, ZERO]
        sums[direction - 1] = add(sums[direction - 1], units)
        return units

    def _sum(
        self, slot: Sums, entry: Any, place: int, units: Decimal, stated: tuple[Decimal, Decimal]
    ) -> None:
        """Add to a side of a layer, and hold both sides against what the event states."""
        first = 2 * entry.layer - 2
        before = slot.sums[place]
        if before is None:  # the fold began later: believe it, once for each layer
            slot.sums[first], slot.sums[first + 1] = stated
            return
        after = slot.sums[place] = add(before, units)
        other = first if place != first else first + 1
        if after != stated[place - first]:
            side = "debits" if place == first else "credits"
            raise self._entry_error(
                Code.BALANCE_AFTER_WRONG, side, entry, plain(after), plain(stated[place - first])
            )
        if slot.sums[other] != stated[other - first]:
            side = "debits" if other == first else "credits"
            unchanged = slot.sums[other]
            assert unchanged is not None, "both sides of a layer come to be known together"
            raise self._entry_error(
                Code.BALANCE_AFTER_WRONG,
                side,
                entry,
                plain(unchanged),
                plain(stated[other - first]),
            )

    def _open(self, account_id: str, currency: str, version: int) -> Sums:
        if self.whole:
            if account_id not in self.accounts:
                raise wrong(
                    Code.ACCOUNT_UNKNOWN,
                    f"event {self.sequence} has an entry on account {account_id}, which no event "
                    "brought into being",
                    sequence=self.sequence,
                    account=account_id,
                    currency=currency,
                )
            slot = Sums()
        elif account_id in self.accounts or version <= 1:  # it began since the fold did
            slot = Sums()
        else:
            slot = Sums(version - 1, [None] * 8)
        self.balances[account_id, currency] = slot
        return slot

    def _promise(self, name: str, fact: Any, transaction: Any) -> None:
        changes: list[tuple[Leg, Decimal]] = []
        if name == "hold_created":
            changes = self.holds.place(self.sequence, transaction)
        elif name == "transaction_reversed":
            self.reversals.take(self.sequence, transaction)
        else:
            captures = name == "hold_captured"
            ended = fact.ended if captures else True
            changes = self.holds.take(self.sequence, transaction, ended=ended, captures=captures)
        for (account_id, currency, side), units in changes:
            sums = self.balances[account_id, currency].sums
            before = sums[HELD + side - 1]
            if before is None:
                continue
            after = sums[HELD + side - 1] = add(before, units)
            assert not after.is_signed() or not after, "no more is taken of holds than they had"

    def _malformed(self, problem: str) -> WrongError:
        message = f"event {self.sequence}: {problem}"
        return wrong(Code.EVENT_MALFORMED, message, sequence=self.sequence)

    def _amount(self, problem: str, account_id: str, currency: str, found: object) -> WrongError:
        return wrong(
            Code.AMOUNT_WRONG,
            f"event {self.sequence}: {problem}",
            sequence=self.sequence,
            account=self.account(account_id),
            currency=currency,
            found=found,
        )

    def _entry_error(
        self, code: Code, what: str, entry: Any, expected: object, found: object
    ) -> WrongError:
        layer = ("SETTLED", "PENDING", "ENCUMBRANCE")[entry.layer - 1]
        account = self.account(entry.account_id)
        where = what if what == "version" else f"{layer} {what}"
        return wrong(
            code,
            f"event {self.sequence} says that {account} has {where} {found} {entry.currency} after "
            f"its entry; by all entries so far it is {expected}",
            sequence=self.sequence,
            account=account,
            currency=entry.currency,
            expected=expected,
            found=found,
        )

    def _unbalanced(self, transaction: Any, layer: int, currency: str) -> WrongError:
        sides = [ZERO, ZERO]
        for entry in transaction.entries:
            if (entry.layer, entry.currency) == (layer, currency):
                side = entry.direction - 1
                sides[side] = add(sides[side], parse(entry.units))
        return wrong(
            Code.UNBALANCED,
            f"event {self.sequence}: transaction {transaction.id} does not balance: "
            f"debits {plain(sides[0])}, credits {plain(sides[1])} {currency}, "
            f"{plain(subtract(sides[0], sides[1]))} apart",
            sequence=self.sequence,
            currency=currency,
            expected=f"credits {plain(sides[0])}",
            found=f"credits {plain(sides[1])}",
        )
