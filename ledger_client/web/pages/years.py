"""Fiscal years: what is left to do, the close before it is done, the close, and its taking back."""

import dataclasses

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ledger_client.documents import Column, ColumnKind, Row, RowStyle, Sheet
from ledger_client.models import (
    ClosingEntry,
    DayState,
    Direction,
    FiscalYear,
    FiscalYearDetails,
    FiscalYearStatus,
    YearClosePreview,
)
from ledger_client.web.forms import optional_day, reason_of, request_id_of, text_of
from ledger_client.web.query import Query, address, parse_date, part
from ledger_client.web.site import Site

_LIST = (
    Column(name="year", title="Year"),
    Column(name="first_day", title="First day", kind=ColumnKind.DATE),
    Column(name="last_day", title="Last day", kind=ColumnKind.DATE),
    Column(name="status", title="Status"),
    Column(name="retained_earnings", title="Retained earnings"),
)
_MONTHS = (
    Column(name="month", title="Month"),
    Column(name="first_day", title="First day", kind=ColumnKind.DATE),
    Column(name="last_day", title="Last day", kind=ColumnKind.DATE),
    Column(name="state", title="Days are"),
)
_UNCLOSED = (
    Column(name="currency", title="Currency"),
    Column(name="revenue", title="Revenue", kind=ColumnKind.AMOUNT),
    Column(name="expense", title="Expenses", kind=ColumnKind.AMOUNT),
    Column(name="net_income", title="Net income", kind=ColumnKind.AMOUNT),
)
_ENTRIES = (
    Column(name="account", title="Account"),
    Column(name="category", title="Category"),
    Column(name="debit", title="Debit", kind=ColumnKind.AMOUNT),
    Column(name="credit", title="Credit", kind=ColumnKind.AMOUNT),
    Column(name="currency", title="Currency"),
)
_CHANGES = (
    Column(name="change_time", title="Changed (UTC)", kind=ColumnKind.DATE),
    Column(name="status", title="To"),
    Column(name="actor", title="By"),
    Column(name="reason", title="Reason"),
    Column(name="position", title="Position", kind=ColumnKind.NUMBER),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist."""

    is_done: bool
    text: str
    #: Where it can be looked at; empty for nowhere.
    link: str = ""


def years_sheet(journal: str, years: list[FiscalYear]) -> Sheet:
    """Return the years of a journal, each leading to its page."""
    return Sheet(
        title="Fiscal years",
        subtitles=[journal],
        columns=_LIST,
        rows=[
            Row(
                cells=(
                    each.code,
                    each.first_day,
                    each.last_day,
                    each.status.lower(),
                    each.retained_earnings,
                ),
                link=year_path(journal, each.code),
            )
            for each in years
        ],
        file_stem=f"years-{journal}",
    )


def year_path(journal: str, code: str) -> str:
    """Return where a year is shown."""
    return f"/{part(journal)}/year/{part(code)}"


async def year(site: Site, request: Request) -> Response:
    """Show one year: its months, its checklist, and the forms that go on from there."""
    journal = request.path_params["journal"]
    found = await site.ledger.get_fiscal_year(journal, request.path_params["year"])
    days = f"{found.year.first_day} to {found.year.last_day}"
    months = Sheet(
        title=f"Year {found.year.code}",
        subtitles=[
            f"{journal}; {days}; {found.year.status.lower()}",
            f"position {found.sequence}",
        ],
        columns=_MONTHS,
        rows=[
            Row(
                cells=(
                    f"{each.first_day:%B %Y}",
                    each.first_day,
                    each.last_day,
                    each.state.lower(),
                )
            )
            for each in found.months
        ],
        file_stem=f"year-{journal}-{found.year.code}",
    )
    return site.sheets(
        request,
        "year.html",
        [months, _unclosed(found), _changes(found)],
        found=found,
        checks=_checks(journal, found),
        is_closed=found.year.status is FiscalYearStatus.CLOSED,
        path=year_path(journal, found.year.code),
    )


async def preview(site: Site, request: Request) -> Response:
    """Show the entries that a close would post now, and the form that does it."""
    journal, code = request.path_params["journal"], request.path_params["year"]
    retained = Query(request).text("retained")
    shown = await site.ledger.get_fiscal_year(journal, code)
    found = await site.ledger.preview_year_close(journal, code, retained_earnings=retained or None)
    return site.sheets(
        request,
        "year_preview.html",
        [_preview_sheet(journal, code, found)],
        filters={"retained": retained},
        found=found,
        year=shown.year,
        path=year_path(journal, code),
    )


async def open_year(site: Site, request: Request) -> Response:
    """Open a year, then show it."""
    form = await request.form()
    journal = request.path_params["journal"]
    made = await site.ledger.open_fiscal_year(
        journal,
        text_of(form, "code"),
        first_day=optional_day(form, "first_day"),
        last_day=parse_date("last day", text_of(form, "last_day")),
        retained_earnings=text_of(form, "retained") or None,
        request_id=request_id_of(form),
    )
    return RedirectResponse(year_path(journal, made.code), status_code=303)


async def close_year(site: Site, request: Request) -> Response:
    """Close a year, then show it."""
    form = await request.form()
    journal, code = request.path_params["journal"], request.path_params["year"]
    _confirmed(form)
    await site.ledger.close_fiscal_year(
        journal,
        code,
        reason=reason_of(form),
        retained_earnings=text_of(form, "retained") or None,
        request_id=request_id_of(form),
    )
    return RedirectResponse(year_path(journal, code), status_code=303)


async def reopen_year(site: Site, request: Request) -> Response:
    """Take the close of a year back, then show it."""
    form = await request.form()
    journal, code = request.path_params["journal"], request.path_params["year"]
    await site.ledger.reopen_fiscal_year(
        journal, code, reason=reason_of(form), request_id=request_id_of(form)
    )
    return RedirectResponse(year_path(journal, code), status_code=303)


def _confirmed(form: FormData) -> None:
    if text_of(form, "seen") != "1":
        raise HTTPException(400, "tick that you have looked at the entries")


def _checks(journal: str, found: FiscalYearDetails) -> list[Check]:
    """Return what is done and what is not, in the order in which it is done."""
    year_ = found.year
    days = f"{year_.first_day} to {year_.last_day}"
    open_months = sum(1 for each in found.months if each.state is DayState.OPEN)
    chart = f"/{part(journal)}/chart"
    checks = [
        Check(found.ended, "The year has ended." if found.ended else "The year has not ended yet."),
        Check(
            not open_months,
            f"{open_months} of {len(found.months)} months are open."
            if open_months
            else "Every month is locked or closed.",
        ),
        Check(
            not found.unmapped_accounts,
            f"In no part of the chart, so not closed: {', '.join(found.unmapped_accounts)}"
            if found.unmapped_accounts
            else "Every account with postings stands in the chart.",
            chart,
        ),
        Check(
            not found.ambiguous_accounts,
            f"In two categories, so a close is refused: {', '.join(found.ambiguous_accounts)}"
            if found.ambiguous_accounts
            else "No account stands in two categories.",
            chart,
        ),
        Check(
            not found.open_hold_count,
            f"{found.open_hold_count} holds placed until {year_.last_day} are open."
            if found.open_hold_count
            else "No hold of the year is open.",
            f"/{part(journal)}/holds",
        ),
    ]
    closed = year_.status is FiscalYearStatus.CLOSED and not found.unclosed
    late = year_.status is FiscalYearStatus.CLOSED and bool(found.unclosed)
    text = "Revenue and expenses are closed." if closed else "Revenue and expenses are not closed."
    if late:
        text = "Something came late: close the year once more."
    filters = {"from": year_.first_day, "as_of": year_.last_day, "without_closing": True}
    income = address(f"/{part(journal)}/income-statement", filters)
    checks.append(Check(closed, f"{text} ({days})", income))
    return checks


def _unclosed(found: FiscalYearDetails) -> Sheet:
    return Sheet(
        title="Not closed",
        columns=_UNCLOSED,
        rows=[
            Row(cells=(each.currency, each.revenue, each.expense, each.net_income))
            for each in found.unclosed
        ],
    )


def _changes(found: FiscalYearDetails) -> Sheet:
    return Sheet(
        title="Changes",
        columns=_CHANGES,
        rows=[
            Row(
                cells=(
                    each.change_time,
                    each.status.lower(),
                    each.actor,
                    each.reason or "opened",
                    each.sequence,
                )
            )
            for each in found.changes
        ],
    )


def _preview_sheet(journal: str, code: str, found: YearClosePreview) -> Sheet:
    rows: list[Row] = []
    for amount in found.amounts:
        rows.append(Row(cells=(amount.currency, *[None] * 4), style=RowStyle.HEADING))
        mine = [each for each in found.entries if each.currency == amount.currency]
        rows += [_closing_row(journal, each) for each in mine]
    hidden = found.balance_count > sum(
        1 for each in found.entries if each.category.value in {"REVENUE", "EXPENSE"}
    )
    notes = [
        f"{each.currency}: revenue {each.revenue}, expenses {each.expense}, "
        f"net income {each.net_income}."
        for each in found.amounts
    ]
    if hidden:
        notes.append(f"{found.balance_count} balances would be closed; these are the first.")
    return Sheet(
        title=f"Close of {code}: what would be posted",
        subtitles=[f"{journal}; {found.transaction_count} transactions; position {found.sequence}"],
        columns=_ENTRIES,
        rows=rows,
        notes=notes,
        file_stem=f"year-close-{journal}-{code}",
    )


def _closing_row(journal: str, entry: ClosingEntry) -> Row:
    is_debit = entry.direction is Direction.DEBIT
    return Row(
        cells=(
            entry.account_code,
            entry.category.lower(),
            entry.units if is_debit else None,
            None if is_debit else entry.units,
            entry.currency,
        ),
        link=address(f"/{part(journal)}/statement", {"account": entry.account_code}),
    )
