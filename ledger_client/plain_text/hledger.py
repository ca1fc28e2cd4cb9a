"""A journal as hledger reads it (https://hledger.org/hledger.html#journal)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

from ledger_client.models import Account, AccountCategory, Direction, Layer, Transaction
from ledger_client.plain_text.books import PlainBooks

#: hledger's letters for the kinds of accounts; what is off balance has none.
_TYPES: Final[Mapping[AccountCategory, str]] = {
    AccountCategory.ASSET: "A",
    AccountCategory.LIABILITY: "L",
    AccountCategory.EQUITY: "E",
    AccountCategory.REVENUE: "R",
    AccountCategory.EXPENSE: "X",
}
#: A commodity of letters alone may stand without quotes.
_BARE_COMMODITY: Final = re.compile("[A-Za-z]+")
_SPACES: Final = re.compile(r"\s{2,}|[^\S ]")
#: What would make a virtual posting, a mark or a comment of an account's name.
_LEADING: Final = "([;*!~#%"


class Hledger:
    """Writes one journal; what it says of accounts is settled when it is made."""

    def __init__(self, books: PlainBooks) -> None:
        """Give every account a name of its own that hledger reads as one."""
        self._books = books
        self._names = _names(books.accounts)

    def head(self) -> Iterator[str]:
        """Give the lines before the transactions: commodities and accounts."""
        yield f"; journal {self._books.journal}, position {self._books.position}, settled entries"
        yield "decimal-mark ."
        yield ""
        for currency in self._books.currencies.values():
            sample = f"1000.{'0' * currency.exponent}"
            yield f"commodity {sample} {_commodity(currency.code)}"
        yield ""
        for account in self._books.accounts:
            category = self._books.categories.get(account.id)
            letter = _TYPES.get(category) if category else None
            tag = f"  ; type:{letter}" if letter else ""
            yield f"account {self._names[account.id]}{tag}"

    def transaction(self, transaction: Transaction, tags: Iterable[str] = ()) -> Iterator[str]:
        """Give the lines of one transaction; none if it has no settled entries.

        Args:
            transaction: as posted.
            tags: names of tags that it gets beside its id and position.
        """
        entries = [entry for entry in transaction.entries if entry.layer is Layer.SETTLED]
        if not entries:
            return
        description = " ".join(transaction.description.replace(";", ",").split())
        yield ""
        yield f"{transaction.effective_date} * ({transaction.sequence}) {description}".rstrip()
        yield f"    ; transaction:{transaction.id}"
        for tag in tags:
            yield f"    ; {tag}:"
        for entry in entries:
            sign = "-" if entry.direction is Direction.CREDIT else ""
            amount = f"{sign}{entry.units:f} {_commodity(entry.currency)}"
            yield f"    {self._names[entry.account_id]}  {amount}"


def _names(accounts: Iterable[Account]) -> dict[UUID, str]:
    """Return a name for each account: its code wherever hledger can read that."""
    names: dict[UUID, str] = {}
    taken: set[str] = set()
    for account in accounts:
        name = _readable(account.code)
        if name in taken:
            name = f"{name} {account.id}"
        taken.add(name)
        names[account.id] = name
    return names


def _readable(code: str) -> str:
    name = _SPACES.sub(" ", code).strip()
    parts = [part.strip() or "_" for part in name.split(":")]
    name = ":".join(parts)
    return f"_{name}" if name[0] in _LEADING else name


def _commodity(code: str) -> str:
    return code if _BARE_COMMODITY.fullmatch(code) else f'"{code}"'
