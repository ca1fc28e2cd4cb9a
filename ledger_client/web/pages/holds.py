"""Holds: what is promised, and what became of it."""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ledger_client.documents import Column, ColumnKind, Row, Sheet
from ledger_client.models import Hold, HoldStatus
from ledger_client.web.listing import first
from ledger_client.web.query import Query, address, part
from ledger_client.web.site import Site

#: Holds on one page; filters narrow what is shown.
HOLDS_MAX: Final = 500

_COLUMNS: Final = (
    Column(name="placed_on", title="Placed for", kind=ColumnKind.DATE),
    Column(name="status", title="Status"),
    Column(name="expire_time", title="Expires (UTC)", kind=ColumnKind.DATE),
    Column(name="description", title="Description"),
    Column(name="account", title="Account"),
    Column(name="side", title="Side"),
    Column(name="placed", title="Placed", kind=ColumnKind.AMOUNT),
    Column(name="captured", title="Captured", kind=ColumnKind.AMOUNT),
    Column(name="released", title="Released", kind=ColumnKind.AMOUNT),
    Column(name="left", title="Left", kind=ColumnKind.AMOUNT),
    Column(name="currency", title="Currency"),
    Column(name="id", title="Id"),
)


async def holds(site: Site, request: Request) -> Response:
    """Show holds, a row for each entry."""
    journal = request.path_params["journal"]
    query = Query(request)
    status = query.choice("status", ("OPEN", "CAPTURED", "RELEASED", "EXPIRED", "ALL"), "OPEN")
    filters = {"status": status, "account": query.text("account")}
    found, more = await first(
        site.ledger.list_holds(
            journal,
            account=filters["account"] or None,
            status=None if status == "ALL" else HoldStatus(status),
        ),
        HOLDS_MAX,
    )
    notes = [f"The first {HOLDS_MAX} holds; narrow the filters to see others."] if more else []
    sheet = Sheet(
        title="Holds",
        subtitles=[f"{journal}; {status.lower()}"],
        columns=_COLUMNS,
        rows=[row for each in found for row in _rows(journal, each)],
        notes=notes,
        file_stem=f"holds-{journal}-{status.lower()}",
    )
    return site.sheets(request, "holds.html", [sheet], filters=filters)


async def hold(site: Site, request: Request) -> Response:
    """Show one hold with its entries."""
    journal = request.path_params["journal"]
    try:
        wanted = UUID(request.path_params["hold"])
    except ValueError as error:
        raise HTTPException(404, "a hold's id is a UUID") from error
    found = await site.ledger.get_hold(journal, wanted)
    sheet = Sheet(
        title=f"Hold {found.id}",
        subtitles=[f"{journal}; {found.status.lower()}"],
        columns=_COLUMNS,
        rows=_rows(journal, found),
        file_stem=f"hold-{found.id}",
    )
    return site.sheets(request, "hold.html", [sheet], hold=found)


def _rows(journal: str, shown: Hold) -> list[Row]:
    return [
        Row(
            cells=(
                shown.transaction.effective_date,
                shown.status.lower(),
                shown.expire_time,
                shown.transaction.description,
                entry.account_code,
                entry.direction.lower(),
                entry.placed,
                entry.captured,
                entry.released,
                entry.left,
                entry.currency,
                str(shown.id),
            ),
            link=address(f"/{part(journal)}/hold/{shown.id}"),
        )
        for entry in shown.entries
    ]
