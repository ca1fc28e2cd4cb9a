"""What closing a fiscal year comes to: read in one snapshot, held against the rules."""

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal

from ledger_server.application.accounts import get_account_in_tx
from ledger_server.domain.account import AccountCategory, AccountStatus
from ledger_server.domain.chart import Chart
from ledger_server.domain.errors import (
    AccountCategoryAmbiguousError,
    FiscalYearNotFoundError,
    FiscalYearOrderError,
    FiscalYearStateError,
    LedgerError,
    RetainedEarningsInvalidError,
)
from ledger_server.domain.fiscal_year import (
    PROFIT_AND_LOSS,
    FiscalYear,
    FiscalYearStatus,
    Profit,
)
from ledger_server.domain.journal import Journal
from ledger_server.domain.period import Period
from ledger_server.domain.primitives import EXACT, ZERO, AccountId
from ledger_server.domain.transaction import BalanceKey
from ledger_server.store import account_sets, fiscal_years, journals, periods, year_closes
from ledger_server.store.database import Tx
from ledger_server.store.year_closes import NetDebit, ProfitAccount

_NOTHING = NetDebit(ZERO, ZERO)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class YearBooks:
    """The books of a year as they stood at one sequence."""

    #: Every event up to this sequence counts, none after.
    sequence: int
    year: FiscalYear
    #: All years of the journal, by their days.
    years: Sequence[FiscalYear]
    period: Period
    chart: Chart
    accounts: Mapping[AccountId, ProfitAccount]
    #: What the accounts hold through the last day of the year, zeros included.
    sums: Mapping[BalanceKey, NetDebit]
    #: Decimals of each currency.
    exponents: Mapping[str, int]

    @property
    def year_before(self) -> FiscalYear | None:
        """The year before this one."""
        index = self.years.index(self.year)
        return self.years[index - 1] if index else None

    def ambiguous(self) -> list[ProfitAccount]:
        """Return the accounts that stand in revenue or expense and also elsewhere, by code."""
        found = [one for one in self.accounts.values() if len(one.categories) > 1]
        return sorted(found, key=lambda one: one.code)

    def profits(self, later: Mapping[BalanceKey, NetDebit] | None = None) -> list[Profit]:
        """Return what is not zero, brought up to date by what came later.

        An ambiguous account is left out: where it belongs nobody can say.
        """
        found: list[Profit] = []
        later = later or {}
        for key in self.sums.keys() | later.keys():
            account = self.accounts.get(key.account_id)
            if account is None or len(account.categories) > 1:
                continue
            one, more = self.sums.get(key, _NOTHING), later.get(key, _NOTHING)
            (category,) = account.categories
            net = EXACT.add(one.through, more.through)
            before = EXACT.add(one.before, more.before)
            if net or before:
                found.append(Profit(key, account.code, category, net, before))
        return sorted(found, key=lambda one: (one.key.currency, one.account_code))


@dataclasses.dataclass(frozen=True, slots=True)
class RetainedEarnings:
    """The account that a result goes to."""

    id: AccountId
    code: str


async def read_year_in_tx(tx: Tx, journal: Journal, code: str) -> YearBooks:
    """Return the books of a year. `tx` is a snapshot.

    Raises:
        FiscalYearNotFoundError: there is no such year.
    """
    head = await journals.read_head_in_tx(tx, journal.id)
    years = await fiscal_years.list_in_tx(tx, journal.id)
    year = next((one for one in years if one.code == code), None)
    if year is None:
        raise FiscalYearNotFoundError(code)
    chart = await account_sets.all_in_tx(tx, journal.id)
    accounts = await year_closes.profit_accounts_in_tx(tx, journal.id, chart)
    currencies = await journals.list_currencies_in_tx(tx, journal.id)
    return YearBooks(
        sequence=head.sequence,
        year=year,
        years=years,
        period=await periods.current_in_tx(tx, journal.id),
        chart=chart,
        accounts=accounts,
        sums=await year_closes.sums_in_tx(tx, journal.id, accounts, year),
        exponents={currency.code: currency.exponent for currency in currencies},
    )


async def check_close_in_tx(
    tx: Tx, journal: Journal, read: YearBooks, retained_reference: str
) -> RetainedEarnings:
    """Return where the result goes, if the year may be closed.

    Args:
        tx: the snapshot that the year was read in.
        journal: whose year it is.
        read: the books of the year.
        retained_reference: code or id of an account; empty takes the year's.

    Raises:
        PeriodClosedError: its last day is closed for good.
        FiscalYearStateError: nothing could be closed, or nothing is left to close.
        FiscalYearOrderError: an earlier year has something to close.
        AccountCategoryAmbiguousError: an account stands in more than one category.
        RetainedEarningsInvalidError: no account is named, or it cannot take the result.
        AccountNotFoundError: the account named is not there.
    """
    _check_books(read)
    return await _retained_in_tx(tx, journal, read, retained_reference)


async def is_current_in_tx(
    tx: Tx, journal: Journal, read: YearBooks, retained: RetainedEarnings
) -> bool:
    """Tell whether years and chart are still as they were read, as far as a close looks at them.

    Most changes of the chart are accounts coming into other branches of it; they disturb no close.
    """
    if not await year_closes.changed_after_in_tx(tx, journal.id, read.sequence):
        return True
    chart = await account_sets.all_in_tx(tx, journal.id)
    found = await year_closes.account_categories_in_tx(tx, journal.id, chart, retained.id)
    return (
        found == {AccountCategory.EQUITY}
        and await year_closes.profit_accounts_in_tx(tx, journal.id, chart) == read.accounts
        and await fiscal_years.list_in_tx(tx, journal.id) == read.years
    )


def check_day(year: FiscalYear, period: Period) -> None:
    """Refuse to post on the last day of a year that is closed for good.

    Raises:
        PeriodClosedError: it is.
    """
    refusal: LedgerError | None = period.refusal(year.last_day, behind_soft_lock=True)
    if refusal is not None:
        raise refusal


def _check_books(read: YearBooks) -> None:
    year = read.year
    check_day(year, read.period)
    if not read.chart.of_category(*PROFIT_AND_LOSS):
        raise FiscalYearStateError(
            year.code, "no account set has the category revenue or expense, so nothing is closed"
        )
    ambiguous = read.ambiguous()
    if ambiguous:
        names = " and ".join(one.name for one in sorted(ambiguous[0].categories))
        raise AccountCategoryAmbiguousError(ambiguous[0].code, names, len(ambiguous))
    profits = read.profits()
    if read.year_before is not None and any(one.net_debit_before for one in profits):
        rule = "an earlier year has revenue or expense that is not closed"
        raise FiscalYearOrderError(rule, year.code, read.year_before.code)
    left: list[Decimal] = [one.net_debit for one in profits if one.net_debit]
    if year.status is FiscalYearStatus.CLOSED and not left:
        raise FiscalYearStateError(year.code, "it is closed, and nothing came late")


async def _retained_in_tx(
    tx: Tx, journal: Journal, read: YearBooks, reference: str
) -> RetainedEarnings:
    year = read.year
    reference = reference or str(year.retained_earnings_id or "")
    if not reference:
        raise RetainedEarningsInvalidError(year.code, "", "is not named")
    account = await get_account_in_tx(tx, journal, reference)
    if account.status is not AccountStatus.ACTIVE:
        problem = f"is {account.status.name} and takes no entries"
        raise RetainedEarningsInvalidError(year.code, account.code, problem)
    found = await year_closes.account_categories_in_tx(tx, journal.id, read.chart, account.id)
    if found != {AccountCategory.EQUITY}:
        names = " and ".join(one.name for one in sorted(found)) or "no category of the chart"
        problem = f"stands in {names}, not in EQUITY alone"
        raise RetainedEarningsInvalidError(year.code, account.code, problem)
    return RetainedEarnings(account.id, account.code)
