"""Books as CSV files: rows in, transactions and everything that is wrong out. Pure."""

import dataclasses
import datetime as dt
import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from ledger_client.amounts import EXACT, parse_amount, plain
from ledger_client.csv_files.rows import Problem, read_rows, shown
from ledger_client.models import Direction

JOURNAL_COLUMNS: Final = (
    "date",
    "transaction",
    "description",
    "account",
    "debit",
    "credit",
    "currency",
)
CURRENCY_COLUMNS: Final = ("currency", "exponent")

#: The ledger's own bounds, checked here so that a whole file is judged before it is posted.
LINES_MAX: Final = 1_000
EXTERNAL_ID_LENGTH_MAX: Final = 255
DESCRIPTION_LENGTH_MAX: Final = 1_024
ACCOUNT_LENGTH_MAX: Final = 255
EXPONENT_MAX: Final = 18

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CURRENCY: Final = re.compile(r"[A-Z][A-Z0-9._-]{0,15}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class JournalLine:
    """One row of a file: a debit or a credit."""

    #: Line of the file on which the row begins.
    row: int
    #: Code of the account.
    account: str
    #: Which of the two columns was filled.
    direction: Direction
    #: Above zero, in whole currency units.
    amount: Decimal
    #: Code of the currency.
    currency: str


@dataclasses.dataclass(frozen=True, slots=True)
class JournalTransaction:
    """The rows of one transaction: its lines balance in each currency."""

    #: The transaction column.
    external_id: str
    #: When it counts.
    date: dt.date
    #: May be empty.
    description: str
    #: In the order of the rows, which need not have been adjacent.
    lines: tuple[JournalLine, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class JournalFile:
    """What a file says."""

    #: The good ones, in the order of their first rows.
    transactions: tuple[JournalTransaction, ...]
    #: What is wrong, by row; empty for a good file.
    problems: tuple[Problem, ...]
    #: The transactions that have problems, in the order of their first rows.
    bad: tuple[str, ...]
    #: True if something is wrong that cannot be laid to one transaction, so that a transaction
    #: that seems good may lack a row.
    unassigned: bool


@dataclasses.dataclass(frozen=True, slots=True)
class CurrencyFile:
    """What a file of currencies says."""

    #: Decimals by code, of the good rows.
    exponents: Mapping[str, int]
    #: What is wrong, by row.
    problems: tuple[Problem, ...]


@dataclasses.dataclass(slots=True)
class _Draft:
    """A transaction while its rows are collected."""

    first_row: int
    date: str
    description: str
    lines: list[JournalLine] = dataclasses.field(default_factory=list)
    row_count: int = 0
    is_bad: bool = False


def read_journal(
    data: bytes, *, exponents: Mapping[str, int], accounts: Collection[str] | None
) -> JournalFile:
    """Return the transactions of a journal's CSV file and all that is wrong with it.

    Args:
        data: the file, UTF-8, with or without a byte order mark.
        exponents: decimals of each known currency.
        accounts: codes of the known accounts; None accepts any that could be created.
    """
    reader = _JournalReader(exponents, accounts)
    fatal: list[Problem] = []
    for row, fields in read_rows(data, JOURNAL_COLUMNS, fatal):
        reader.row(row, fields)
    return reader.finish(fatal)


def read_currencies(data: bytes, *, known: Mapping[str, int]) -> CurrencyFile:
    """Return the currencies of a CSV file `currency,exponent` and all that is wrong with it.

    Args:
        data: the file, UTF-8, with or without a byte order mark.
        known: decimals of each currency that is registered, which can never change.
    """
    problems: list[Problem] = []
    exponents: dict[str, int] = {}
    for row, fields in read_rows(data, CURRENCY_COLUMNS, problems):
        code, text = fields["currency"], fields["exponent"]
        exponent = int(text) if re.fullmatch(r"[0-9]{1,2}", text, re.ASCII) else -1
        if not _CURRENCY.fullmatch(code):
            problems.append(
                Problem(row, f"currency {shown(code)}: needs 1 to 16 of A-Z 0-9 . _ -, A-Z first")
            )
        elif not 0 <= exponent <= EXPONENT_MAX:
            message = f"exponent {shown(text)}: needs a whole number from 0 to {EXPONENT_MAX}"
            problems.append(Problem(row, message))
        elif known.get(code, exponent) != exponent:
            message = f"currency {code} is registered with exponent {known[code]}, not {exponent}"
            problems.append(Problem(row, message))
        elif exponents.setdefault(code, exponent) != exponent:
            message = f"currency {code} is there twice, with exponents {exponents[code]}"
            problems.append(Problem(row, f"{message} and {exponent}"))
    return CurrencyFile(exponents, tuple(sorted(problems)))


def missing_accounts(
    transactions: Sequence[JournalTransaction], known: Collection[str]
) -> dict[str, Direction]:
    """Return the accounts that are not known, in order of appearance, with a normal side each.

    The side comes from the top name, the part before the first colon; if that says nothing,
    from the side of the account's first line.
    """
    missing: dict[str, Direction] = {}
    for transaction in transactions:
        for line in transaction.lines:
            if line.account not in missing and line.account not in known:
                missing[line.account] = side_of_name(line.account) or line.direction
    return missing


#: Top names of charts of accounts, in English, by the side on which their balances stand.
_SIDES: Final[Mapping[str, Direction]] = {
    **dict.fromkeys(("asset", "assets", "expense", "expenses"), Direction.DEBIT),
    **dict.fromkeys(
        ("liability", "liabilities", "income", "revenue", "revenues", "equity"), Direction.CREDIT
    ),
}


def side_of_name(account: str) -> Direction | None:
    """Return the normal side that an account's top name tells, None if it tells none."""
    return _SIDES.get(account.partition(":")[0].strip().casefold())


class _JournalReader:
    """Collects rows into transactions, and goes on after a mistake so that all are found."""

    def __init__(self, exponents: Mapping[str, int], accounts: Collection[str] | None) -> None:
        self._exponents = exponents
        self._accounts = accounts
        self._drafts: dict[str, _Draft] = {}
        self._problems: list[Problem] = []
        self._unassigned = False
        #: Rows on which an unknown name stands, by what it is and the name.
        self._unknown: dict[tuple[str, str], list[int]] = {}

    def row(self, row: int, fields: Mapping[str, str]) -> None:
        """Take in one row."""
        external_id = fields["transaction"]
        if wrong := _name_mistake(external_id, EXTERNAL_ID_LENGTH_MAX):
            self._problems.append(Problem(row, f"transaction {shown(external_id)}: {wrong}"))
            self._unassigned = True
            return
        draft = self._drafts.get(external_id)
        if draft is None:
            draft = _Draft(row, fields["date"], fields["description"])
            self._drafts[external_id] = draft
            self._head(row, draft)
        else:
            self._same_head(row, draft, fields)
        draft.row_count += 1
        line = self._line(row, draft, fields)
        if line is not None:
            draft.lines.append(line)

    def finish(self, fatal: Sequence[Problem]) -> JournalFile:
        """Judge the transactions as wholes and return everything."""
        transactions = []
        for external_id, draft in self._drafts.items():
            if not draft.is_bad:
                self._whole(external_id, draft)
            if not draft.is_bad:
                date = dt.date.fromisoformat(draft.date)
                lines = tuple(draft.lines)
                transactions.append(JournalTransaction(external_id, date, draft.description, lines))
        problems = [*fatal, *self._problems, *self._unknown_names()]
        bad = tuple(name for name, draft in self._drafts.items() if draft.is_bad)
        unassigned = self._unassigned or bool(fatal)
        return JournalFile(tuple(transactions), tuple(sorted(problems)), bad, unassigned)

    def _head(self, row: int, draft: _Draft) -> None:
        if not is_date(draft.date):
            self._wrong(row, draft, f"date {shown(draft.date)}: not a date such as 2026-01-31")
        if len(draft.description) > DESCRIPTION_LENGTH_MAX:
            self._wrong(row, draft, f"description: longer than {DESCRIPTION_LENGTH_MAX} characters")
        elif not draft.description.isprintable() and _CONTROL.search(draft.description):
            self._wrong(row, draft, "description: holds a control character")

    def _same_head(self, row: int, draft: _Draft, fields: Mapping[str, str]) -> None:
        for name, first in (("date", draft.date), ("description", draft.description)):
            if fields[name] != first:
                self._wrong(
                    row,
                    draft,
                    f"{name} {shown(fields[name])} differs from {shown(first)} in row "
                    f"{draft.first_row}, which is of the same transaction",
                )

    def _line(self, row: int, draft: _Draft, fields: Mapping[str, str]) -> JournalLine | None:
        account, currency = fields["account"], fields["currency"]
        debit, credit = fields["debit"], fields["credit"]
        ok = self._account(row, draft, account)
        if currency not in self._exponents:
            self._not_known(row, draft, "currency", currency)
            ok = False
        if bool(debit) == bool(credit):
            both = "both are filled" if debit else "both are empty"
            self._wrong(row, draft, f"a row needs a debit or a credit: {both}")
            return None
        side = Direction.DEBIT if debit else Direction.CREDIT
        try:
            # Of an unknown currency only the form of an amount can be judged.
            exponent = self._exponents.get(currency, EXPONENT_MAX)
            amount = parse_amount(debit or credit, exponent=exponent)
        except ValueError as error:
            column = side.lower()
            self._wrong(row, draft, f"{column} {shown(debit or credit)} {currency}: {error}")
            return None
        return JournalLine(row, account, side, amount, currency) if ok else None

    def _account(self, row: int, draft: _Draft, account: str) -> bool:
        if self._accounts is not None and account in self._accounts:
            return True
        if wrong := _name_mistake(account, ACCOUNT_LENGTH_MAX):
            self._wrong(row, draft, f"account {shown(account)}: {wrong}")
            return False
        if self._accounts is not None:
            self._not_known(row, draft, "account", account)
            return False
        if _UUID.fullmatch(account):
            self._wrong(row, draft, f"account {account}: a code may not have the form of a UUID")
            return False
        return True

    def _whole(self, external_id: str, draft: _Draft) -> None:
        """Check what only all rows together can tell."""
        if draft.row_count > LINES_MAX:
            message = f"transaction {shown(external_id)}: {draft.row_count} lines, more than"
            self._wrong(draft.first_row, draft, f"{message} {LINES_MAX}")
            return
        sums: dict[str, dict[Direction, Decimal]] = {}
        for line in draft.lines:
            sides = sums.setdefault(line.currency, dict.fromkeys(Direction, Decimal(0)))
            sides[line.direction] = EXACT.add(sides[line.direction], line.amount)
        for currency, sides in sums.items():
            debit, credit = sides[Direction.DEBIT], sides[Direction.CREDIT]
            if debit != credit:
                self._wrong(
                    draft.first_row,
                    draft,
                    f"transaction {shown(external_id)} does not balance in {currency}: debits "
                    f"{plain(debit)}, credits {plain(credit)}, difference "
                    f"{plain(EXACT.subtract(debit, credit).copy_abs())}",
                )

    def _wrong(self, row: int, draft: _Draft, message: str) -> None:
        draft.is_bad = True
        self._problems.append(Problem(row, message))

    def _not_known(self, row: int, draft: _Draft, kind: str, name: str) -> None:
        draft.is_bad = True
        self._unknown.setdefault((kind, name), []).append(row)

    def _unknown_names(self) -> Iterator[Problem]:
        """Give each unknown name once, not for each of its rows."""
        for index, ((kind, name), rows) in enumerate(self._unknown.items()):
            message = f"unknown {kind} {shown(name)}"
            known = self._exponents if kind == "currency" else self._accounts or ()
            # A comparison with every name costs time: only for the first few.
            near = difflib.get_close_matches(name, known, n=1) if index < 20 else []
            message += f", did you mean {near[0]}?" if near else ""
            more = len(rows) - 1
            message += f" (and in {more} more row{'s' * (more > 1)})" if more else ""
            yield Problem(rows[0], message)


def is_date(text: str) -> bool:
    """Tell whether `text` is a day of the calendar, as YYYY-MM-DD."""
    if not _DATE.fullmatch(text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _name_mistake(name: str, length_max: int) -> str | None:
    if not name:
        return "is empty"
    if len(name) > length_max:
        return f"longer than {length_max} characters"
    if name != name.strip():
        return "has blanks at its ends"
    if not name.isprintable():
        return "holds a character that cannot be printed"
    return None
