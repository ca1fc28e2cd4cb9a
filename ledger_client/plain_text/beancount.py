"""A journal as beancount reads it (https://beancount.github.io/docs/beancount_language_syntax.html)."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

from ledger_client.models import Account, AccountCategory, Direction, Layer, Transaction
from ledger_client.plain_text.books import PlainBooks

_ROOTS: Final[Mapping[AccountCategory, str]] = {
    AccountCategory.ASSET: "Assets",
    AccountCategory.LIABILITY: "Liabilities",
    AccountCategory.EQUITY: "Equity",
    AccountCategory.REVENUE: "Income",
    AccountCategory.EXPENSE: "Expenses",
    AccountCategory.OFF_BALANCE: "Equity:OffBalance",
}
#: First parts of codes that say what an account is where no chart does.
_WORDS: Final = {
    "asset": "Assets",
    "assets": "Assets",
    "liability": "Liabilities",
    "liabilities": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "revenue": "Income",
    "revenues": "Income",
    "expense": "Expenses",
    "expenses": "Expenses",
}
#: Where an account goes that neither a chart nor its code places.
_UNMAPPED: Final = "Equity:Unmapped"
_COMMODITY: Final = re.compile(r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]")
_FIRST_DAY: Final = dt.date(1, 1, 1)


class Beancount:
    """Writes one journal; what it says of accounts is settled when it is made."""

    def __init__(self, books: PlainBooks) -> None:
        """Give every account a name below one of the five roots."""
        self._books = books
        self._names = _names(books)
        self._commodities = _commodities(books.currencies)

    def head(self) -> Iterator[str]:
        """Give the lines before the transactions: options, commodities and accounts."""
        yield f"; journal {self._books.journal}, position {self._books.position}, settled entries"
        yield f'option "title" {_quoted(self._books.journal)}'
        yield ""
        for code, name in self._commodities.items():
            yield f"{_FIRST_DAY} commodity {name}"
            yield f"  code: {_quoted(code)}"
        for account in self._books.accounts:
            yield f"{_FIRST_DAY} open {self._names[account.id]}"
            yield f"  code: {_quoted(account.code)}"

    def transaction(self, transaction: Transaction, tags: Iterable[str] = ()) -> Iterator[str]:
        """Give the lines of one transaction; none if it has no settled entries.

        Args:
            transaction: as posted.
            tags: tags that it gets.
        """
        entries = [entry for entry in transaction.entries if entry.layer is Layer.SETTLED]
        if not entries:
            return
        marks = "".join(f" #{tag}" for tag in tags)
        yield ""
        yield f"{transaction.effective_date} * {_quoted(transaction.description)}{marks}"
        yield f'  transaction: "{transaction.id}"'
        yield f"  sequence: {transaction.sequence}"
        for entry in entries:
            sign = "-" if entry.direction is Direction.CREDIT else ""
            amount = f"{sign}{entry.units:f} {self._commodities[entry.currency]}"
            yield f"  {self._names[entry.account_id]}  {amount}"


def _names(books: PlainBooks) -> dict[UUID, str]:
    """Return a name for each account: root, then the parts of its code as beancount allows them."""
    names: dict[UUID, str] = {}
    taken: set[str] = set()
    for account in books.accounts:
        name = _name(account, books.categories.get(account.id))
        if name in taken:
            name = f"{name}-{account.id}"
        taken.add(name)
        names[account.id] = name
    return names


def _name(account: Account, category: AccountCategory | None) -> str:
    parts = [part for part in account.code.split(":") if part.strip()]
    said = _WORDS.get(parts[0].strip().lower()) if parts else None
    root = _ROOTS[category] if category is not None else said or _UNMAPPED
    if said == root and len(parts) > 1:
        parts = parts[1:]
    return ":".join([root, *map(_component, parts or ["Account"])])


def _component(part: str) -> str:
    """Return a part of a name: letters, digits and hyphens, a capital or a digit first."""
    cleaned = "".join(letter if letter.isalnum() else "-" for letter in part.strip())
    cleaned = cleaned[0].upper() + cleaned[1:]
    return cleaned if cleaned[0].isupper() or cleaned[0].isdecimal() else f"X{cleaned}"


def _commodities(codes: Iterable[str]) -> dict[str, str]:
    """Return each currency's name in beancount, which must end with a letter or a digit."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for code in codes:
        name = code if _COMMODITY.fullmatch(code) else f"{code.rstrip('._-')}-X"
        while name in taken:
            name += "X"
        taken.add(name)
        names[code] = name
    return names


def _quoted(text: str) -> str:
    escaped = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
