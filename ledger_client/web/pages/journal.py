"""The journal itself: transactions, filtered and paged."""

from decimal import Decimal, InvalidOperation
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ledger_client.amounts import parse_decimal
from ledger_client.documents.entries import journal_sheet
from ledger_client.web.query import FilterError, Query
from ledger_client.web.site import Site, links

#: Transactions on one page, and in one file.
PAGE_SIZE: Final = 100
FILE_SIZE: Final = 1_000


async def search(site: Site, request: Request) -> Response:
    """Show the transactions that all filters let through."""
    journal = request.path_params["journal"]
    query = Query(request)
    filters = {
        "from": query.date("from"),
        "to": query.date("to"),
        "account": query.text("account"),
        "template": query.text("template"),
        "text": query.text("text"),
        "currency": query.text("currency").upper(),
        "least": query.text("least"),
        "most": query.text("most"),
        "order": query.choice("order", ("newest", "oldest"), "newest"),
        "without_closing": query.flag("without_closing"),
        "known_at": query.number("known_at"),
        "page": query.text("page"),
    }
    report = await site.ledger.search_journal(
        journal,
        from_date=query.date("from"),
        to_date=query.date("to"),
        account=query.text("account") or None,
        template_code=query.text("template"),
        text=query.text("text"),
        currency=query.text("currency").upper() or None,
        units_min=_amount(query, "least"),
        units_max=_amount(query, "most"),
        without_closing=query.flag("without_closing"),
        newest_first=filters["order"] == "newest",
        as_known_at=query.number("known_at"),
        page_size=FILE_SIZE if query.text("format") else PAGE_SIZE,
        page_token=query.text("page"),
    )
    sheet = journal_sheet(journal, report, links(journal, filters))
    return site.sheets(request, "journal.html", [sheet], filters=filters, report=report)


def _amount(query: Query, name: str) -> Decimal | None:
    text = query.text(name)
    if not text:
        return None
    try:
        return parse_decimal(text)
    except (ValueError, InvalidOperation) as error:
        raise FilterError(f"{name}: {error}") from error
