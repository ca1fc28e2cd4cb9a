"""Balances of accounts."""

import dataclasses
from decimal import Decimal
from uuid import UUID

from ledger_client.models.words import Direction


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LayerBalance:
    """Sums of one layer of a balance."""

    #: Sum of all debits.
    debit: Decimal
    #: Sum of all credits.
    credit: Decimal
    #: What stands on the account's normal side; negative if it stands on the other.
    net: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The balance of an account in one currency, in whole currency units."""

    #: Id of the account.
    account_id: UUID
    #: Code of the account.
    account_code: str
    #: The account's normal side.
    normal_side: Direction
    #: Code of the currency.
    currency: str
    #: What has happened.
    settled: LayerBalance
    #: What is promised.
    pending: LayerBalance
    #: What is planned.
    encumbrance: LayerBalance
    #: What can be drawn: settled less what open holds take out. None with `as_of`.
    available: Decimal | None
    #: Counts the account's entries in this currency; 0 with `as_of`.
    version: int
    #: The journal's head when it was read: every event up to it is in the balance.
    sequence: int
