"""Opening balances from a CSV file, and the transactions that post them."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

from ledger_client.amounts import EXACT, parse_amount, shortest
from ledger_client.cli.journal_import import TEMPLATE
from ledger_client.csv_files.rows import Problem, read_rows, shown
from ledger_client.models import Posting

COLUMNS: Final = ("account", "currency", "debit", "credit")

#: Balances of one file, which are posted all or none: what one call can carry.
BALANCES_MAX: Final = 15_000
#: Lines of a transaction beside those that balance it: it may have 1,000, and few files have a
#: hundred currencies.
_LINES_MAX: Final = 900
_CURRENCIES_MAX: Final = 100
#: Part of what ids are made from: with another one a file would be posted a second time.
_NAMESPACE: Final = UUID("5b5ff1c1-6d1e-5d0c-8e0a-3a4d1c1f0b02")


@dataclasses.dataclass(frozen=True, slots=True)
class OpeningBalance:
    """A balance as a file has it."""

    account: str
    currency: str
    #: Debits less credits; not zero.
    net_debit: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """How a file is posted."""

    #: Code of the account that takes what it does not balance by.
    against: str
    day: date
    #: What the transactions are posted once under.
    name: str
    _: dataclasses.KW_ONLY
    behind_soft_lock: bool


@dataclasses.dataclass(slots=True)
class OpeningFile:
    """What is in a file."""

    balances: list[OpeningBalance]
    problems: list[Problem]

    def totals(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return debits and credits of each currency, by currency."""
        found: dict[str, tuple[Decimal, Decimal]] = {}
        for balance in sorted(self.balances, key=lambda one: one.currency):
            debit, credit = found.get(balance.currency, (Decimal(0), Decimal(0)))
            if balance.net_debit > 0:
                debit = EXACT.add(debit, balance.net_debit)
            else:
                credit = EXACT.subtract(credit, balance.net_debit)
            found[balance.currency] = (debit, credit)
        return found


def read_opening_balances(
    data: bytes, *, exponents: Mapping[str, int], accounts: AbstractSet[str]
) -> OpeningFile:
    """Return the balances of a file and everything that is wrong with it.

    Args:
        data: UTF-8 with a header.
        exponents: decimals of the journal's currencies.
        accounts: codes of the journal's accounts.
    """
    file = OpeningFile([], [])
    first: dict[tuple[str, str], int] = {}
    for row, fields in read_rows(data, COLUMNS, file.problems):
        balance, wrong = _balance(fields, exponents, accounts)
        place = (fields["account"], fields["currency"])
        if place in first:
            wrong.append(f"{shown(place[0])} in {place[1]} is there before, in row {first[place]}")
        first.setdefault(place, row)
        file.problems += [Problem(row, message) for message in wrong]
        if balance is not None:
            file.balances.append(balance)
    if not first and not file.problems:
        file.problems.append(Problem(1, "no balances in it"))
    if len(first) > BALANCES_MAX:
        file.problems.append(Problem(1, f"more than {BALANCES_MAX} balances: use several files"))
    if len({currency for _, currency in first}) > _CURRENCIES_MAX:
        file.problems.append(Problem(1, f"more than {_CURRENCIES_MAX} currencies"))
    file.problems.sort()
    return file


def postings(journal_id: UUID, file: OpeningFile, terms: Terms) -> list[Posting]:
    """Return the transactions that post a good file: the same file, the same requests.

    Each balances by itself, against one account. Over all of them that account takes what debits
    and credits of the file differ by, in each currency, and nothing if they do not.
    """
    parts = list(_parts(file.balances))
    made: list[Posting] = []
    for number, part in enumerate(parts, 1):
        external_id = f"{terms.name}:{number}/{len(parts)}"
        lines = [_line(one.account, one.currency, one.net_debit) for one in part]
        lines += _balancing(part, terms.against)
        made.append(
            Posting(
                template_code=TEMPLATE,
                params={"lines": lines, "memo": "Opening balances"},
                transaction_id=uuid5(_NAMESPACE, f"{journal_id}/{external_id}"),
                effective_date=terms.day,
                behind_soft_lock=terms.behind_soft_lock,
                external_id=external_id,
            )
        )
    return made


def _balance(
    fields: Mapping[str, str], exponents: Mapping[str, int], accounts: AbstractSet[str]
) -> tuple[OpeningBalance | None, list[str]]:
    """Return a balance, None if anything about it is wrong, and what is."""
    wrong: list[str] = []
    account, currency = fields["account"], fields["currency"]
    if account not in accounts:
        wrong.append(f"unknown account {shown(account)}")
    if currency not in exponents:
        wrong.append(f"unknown currency {shown(currency)}")
    debit, credit = fields["debit"], fields["credit"]
    if bool(debit) == bool(credit):
        wrong.append("either a debit or a credit is required")
    if wrong:
        return None, wrong
    text = debit or credit
    try:
        units = parse_amount(text, exponent=exponents[currency])
    except ValueError as error:
        return None, [f"{'debit' if debit else 'credit'} {shown(text)}: {error}"]
    return OpeningBalance(account, currency, units if debit else EXACT.minus(units)), []


def _parts(balances: Sequence[OpeningBalance]) -> Iterator[Sequence[OpeningBalance]]:
    for start in range(0, len(balances), _LINES_MAX):
        yield balances[start : start + _LINES_MAX]


def _balancing(part: Sequence[OpeningBalance], against: str) -> Iterator[dict[str, Any]]:
    nets: dict[str, Decimal] = {}
    for one in part:
        nets[one.currency] = EXACT.add(nets.get(one.currency, Decimal(0)), one.net_debit)
    for currency, net in nets.items():
        if net:
            yield _line(against, currency, EXACT.minus(net))


def _line(account: str, currency: str, net_debit: Decimal) -> dict[str, Any]:
    side = "debit" if net_debit > 0 else "credit"
    # The shortest form: 12.5 and 12.50 are the same request.
    return {"account": account, side: shortest(EXACT.abs(net_debit)), "currency": currency}
