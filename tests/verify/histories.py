"""Journals made up for the fold: events as a sound server would record them."""

import uuid
from collections import defaultdict
from decimal import Decimal
from typing import Any

from ledger_client.verify.fold import Fold
from ledger_proto.v1 import accounts_pb2, events_pb2, journals_pb2
from ledger_proto.v1 import transactions_pb2 as pb

DEBIT, CREDIT = 1, 2
SETTLED, PENDING = 1, 2

#: Account, side, layer, units.
Leg = tuple[str, int, int, str]


class History:
    """Appends events and keeps the balances after each entry."""

    def __init__(self, *accounts: str) -> None:
        self.events: list[events_pb2.Event] = []
        self._sums: defaultdict[tuple[str, int, int], Decimal] = defaultdict(Decimal)
        self._versions: defaultdict[str, int] = defaultdict(int)
        created = events_pb2.JournalCreated(journal=journals_pb2.Journal(code="main"))
        self.events.append(events_pb2.Event(journal_created=created))
        for code in accounts:
            account = accounts_pb2.Account(id=account_id(code), code=code)
            stated = events_pb2.AccountCreated(account=account)
            self.events.append(events_pb2.Event(account_created=stated))

    def post(self, *legs: Leg, kind: str = "journal_posted", **fields: Any) -> str:
        """Append a transaction and return its id."""
        ended = fields.pop("ended", False)
        given: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "effective_date": "2026-01-31",
            "kind": _KINDS[kind],
        }
        made = pb.Transaction(**given | fields)
        if kind == "hold_created" and not made.hold_id:
            made.hold_id = made.id
        for leg in legs:
            self._add(made, *leg)
        event = events_pb2.Event()
        fact = getattr(event, kind)
        fact.transaction.CopyFrom(made)
        if kind == "hold_captured":
            fact.ended = ended
        self.events.append(event)
        return made.id

    def _add(self, made: pb.Transaction, code: str, side: Any, layer: Any, units: str) -> None:
        self._sums[code, layer, side] += Decimal(units)
        self._versions[code] += 1
        made.entries.add(
            account_id=account_id(code),
            account_code=code,
            direction=side,
            layer=layer,
            units=units,
            currency="USD",
            balance_after=pb.BalanceAfter(
                debit=f"{self._sums[code, layer, DEBIT]:.2f}",
                credit=f"{self._sums[code, layer, CREDIT]:.2f}",
                version=self._versions[code],
            ),
        )

    def fold(self, *, after: int = 0, whole: bool = True) -> Fold:
        """Fold all events, or those after a sequence."""
        fold = Fold(after, after, whole=whole)
        for sequence, event in enumerate(self.events[after:], after + 1):
            fold.step(sequence, sequence)
            fold.apply(event)
        fold.check_end()
        return fold


def account_id(code: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, code))


def transfer(units: str, debit: str = "a", credit: str = "b", layer: int = SETTLED) -> list[Leg]:
    return [(debit, DEBIT, layer, units), (credit, CREDIT, layer, units)]


_KINDS = {
    "journal_posted": 1,
    "hold_created": 2,
    "hold_captured": 3,
    "hold_released": 4,
    "hold_expired": 5,
    "transaction_reversed": 6,
}
