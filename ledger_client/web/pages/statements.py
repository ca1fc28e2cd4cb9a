"""Entries of accounts: the statement of one, and the general ledger of all."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from ledger_client.documents import Sheet
from ledger_client.documents.entries import general_ledger_sheet, holds_sheet, statement_sheet
from ledger_client.models import AccountStatement, Layer
from ledger_client.web import charts
from ledger_client.web.listing import first
from ledger_client.web.query import Query
from ledger_client.web.site import Site, links

#: Entries on one page, and in one file.
PAGE_SIZE: Final = 200
FILE_SIZE: Final = 1_000
#: Accounts that are offered to choose from.
CHOICES_MAX: Final = 500


async def statement(site: Site, request: Request) -> Response:
    """Show the statement of an account or a set, or ask for one."""
    journal = request.path_params["journal"]
    query = Query(request)
    filters = _filters(query) | {"account": query.text("account"), "set": query.text("set")}
    if not filters["account"] and not filters["set"]:
        accounts, more = await first(site.ledger.list_accounts(journal), CHOICES_MAX)
        return site.page(
            request, "statement_choice.html", filters=filters, accounts=accounts, more=more
        )
    report = await site.ledger.get_account_statement(
        journal,
        account=filters["account"] or None,
        account_set=None if filters["account"] else filters["set"],
        page_size=FILE_SIZE if query.text("format") else PAGE_SIZE,
        page_token=filters["page"],
        **_arguments(filters),
    )
    link = links(journal, filters)
    sheet = statement_sheet(journal, report, link, is_first=not filters["page"])
    sheets: list[Sheet] = [sheet]
    if report.holds:
        sheets.append(holds_sheet(report, link))
    return site.sheets(
        request,
        "statement.html",
        sheets,
        filters=filters,
        report=report,
        pictures=_pictures(report),
    )


async def general_ledger(site: Site, request: Request) -> Response:
    """Show the statements of all accounts, one after another."""
    journal = request.path_params["journal"]
    query = Query(request)
    filters = _filters(query)
    report = await site.ledger.get_general_ledger(
        journal,
        page_size=FILE_SIZE if query.text("format") else PAGE_SIZE,
        page_token=filters["page"],
        **_arguments(filters),
    )
    sheet = general_ledger_sheet(journal, report, links(journal, filters))
    return site.sheets(request, "general_ledger.html", [sheet], filters=filters, report=report)


def _pictures(report: AccountStatement) -> list[charts.Picture]:
    """Return a picture a currency: the balance at the end of each day of the page."""
    pictures = []
    for balance in report.balances:
        mine = [each for each in report.entries if each.currency == balance.currency]
        by_day = {each.effective_date: each.balance for each in mine}
        if len(by_day) > 1:
            pictures.append(charts.line(f"Balance in {balance.currency}", list(by_day.items())))
    return pictures


def _filters(query: Query) -> dict[str, Any]:
    return {
        "from": query.date("from"),
        "as_of": query.date("as_of"),
        "currency": query.text("currency").upper(),
        "layer": query.choice("layer", list(Layer), Layer.SETTLED).value,
        "known_at": query.number("known_at"),
        "page": query.text("page"),
    }


def _arguments(filters: dict[str, Any]) -> dict[str, Any]:
    return {
        "from_date": filters["from"],
        "as_of": filters["as_of"],
        "currency": filters["currency"] or None,
        "layer": Layer(filters["layer"]),
        "as_known_at": filters["known_at"],
    }
