"""The summing reports: trial balance, balance sheet, income statement."""

import datetime as dt
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from ledger_client.documents.statements import balance_sheet_sheet, income_statement_sheet
from ledger_client.documents.trial_balance import trial_balance_sheet
from ledger_client.models import (
    BalanceSheet,
    Comparison,
    ComparisonInterval,
    IncomeStatement,
    Layer,
    TrialBalanceForm,
)
from ledger_client.web import charts
from ledger_client.web.query import Query
from ledger_client.web.site import Site, links

#: Earlier columns that a page offers; the calls take more.
COLUMNS_MAX: Final = 12
#: Bars of the picture of income by month.
MONTHS: Final = 12


async def trial_balance(site: Site, request: Request) -> Response:
    """Show the trial balance."""
    journal = request.path_params["journal"]
    query = Query(request)
    filters = _filters(query) | {
        "from": query.date("from"),
        "form": query.choice("form", list(TrialBalanceForm), TrialBalanceForm.NET).value,
    }
    report = await site.ledger.get_trial_balance(
        journal,
        from_date=filters["from"],
        form=TrialBalanceForm(filters["form"]),
        **_arguments(filters),
    )
    sheet = trial_balance_sheet(journal, report, links(journal, filters))
    is_good = all(total.balanced for total in report.totals)
    return site.sheets(
        request, "trial_balance.html", [sheet], filters=filters, is_good=is_good, report=report
    )


async def balance_sheet(site: Site, request: Request) -> Response:
    """Show the balance sheet."""
    journal = request.path_params["journal"]
    query = Query(request)
    filters = _filters(query) | {"year": query.text("year"), "in": query.text("in").upper()}
    report = await site.ledger.get_balance_sheet(
        journal,
        fiscal_year_start=filters["year"],
        reporting_currency=filters["in"] or None,
        **_arguments(filters),
    )
    sheet = balance_sheet_sheet(journal, report, links(journal, filters))
    return site.sheets(
        request,
        "balance_sheet.html",
        [sheet],
        filters=filters,
        is_good=is_balanced(report),
        is_whole=not any(amount for total in report.totals for amount in total.difference),
        report=report,
    )


async def income_statement(site: Site, request: Request) -> Response:
    """Show the income statement, and income by month as a picture."""
    journal = request.path_params["journal"]
    query = Query(request)
    filters = _filters(query) | {
        "from": query.date("from"),
        "year": query.text("year"),
        "in": query.text("in").upper(),
    }
    report = await site.ledger.get_income_statement(
        journal,
        from_date=filters["from"],
        fiscal_year_start=filters["year"],
        reporting_currency=filters["in"] or None,
        **_arguments(filters),
    )
    sheet = income_statement_sheet(journal, report, links(journal, filters))
    pictures: list[charts.Picture] = []
    if not query.text("format"):
        pictures = await _by_month(site, journal, report, filters)
    return site.sheets(
        request,
        "income_statement.html",
        [sheet],
        filters=filters,
        pictures=pictures,
        report=report,
    )


def is_balanced(report: BalanceSheet) -> bool:
    """Return whether nothing of a balance sheet is unexplained."""
    return not any(amount for total in report.totals for amount in total.unexplained)


async def _by_month(
    site: Site, journal: str, report: IncomeStatement, filters: dict[str, Any]
) -> list[charts.Picture]:
    """Return a picture a currency: revenue and expenses of the last months of a report."""
    last = report.periods[0].as_of if report.periods else None
    if last is None:
        return []
    months = await site.ledger.get_income_statement(
        journal,
        from_date=last.replace(day=1),
        as_of=last,
        layer=Layer(filters["layer"]),
        currency=filters["currency"] or None,
        as_known_at=filters["known_at"],
        set_depth=1,
        without_closing=True,
        comparison=Comparison(count=MONTHS - 1, interval=ComparisonInterval.MONTH),
    )
    names = [_month(period.as_of) for period in reversed(months.periods)]
    return [
        charts.bars(
            f"Revenue (left) and expenses (right) by month, {total.currency}",
            names,
            up=list(reversed(total.revenue)),
            down=list(reversed(total.expenses)),
        )
        for total in months.totals
        if any(total.revenue) or any(total.expenses)
    ]


def _month(day: dt.date | None) -> str:
    return "" if day is None else f"{day:%b %y}"


def _filters(query: Query) -> dict[str, Any]:
    """Return the filters that all three have."""
    return {
        "as_of": query.date("as_of"),
        "currency": query.text("currency").upper(),
        "layer": query.choice("layer", list(Layer), Layer.SETTLED).value,
        "depth": query.number("depth", most=50) or 0,
        "zero": query.flag("zero"),
        "known_at": query.number("known_at"),
        "without_closing": query.flag("without_closing"),
        "columns": query.number("columns", most=COLUMNS_MAX) or 0,
        "interval": query.choice("interval", ["", *ComparisonInterval], ""),
    }


def _arguments(filters: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that all three calls have."""
    comparison = None
    if filters["columns"]:
        interval = ComparisonInterval(filters["interval"]) if filters["interval"] else None
        comparison = Comparison(count=filters["columns"], interval=interval)
    return {
        "as_of": filters["as_of"],
        "currency": filters["currency"] or None,
        "layer": Layer(filters["layer"]),
        "set_depth": filters["depth"],
        "include_zero_rows": filters["zero"],
        "as_known_at": filters["known_at"],
        "without_closing": filters["without_closing"],
        "comparison": comparison,
    }
