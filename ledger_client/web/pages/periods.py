"""Periods: which days are closed, who closed them, and the forms that do."""

import datetime as dt

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ledger_client.documents import Column, ColumnKind, Row, Sheet
from ledger_client.web.query import parse_date, part
from ledger_client.web.site import Site

_COLUMNS = (
    Column(name="change_time", title="Changed (UTC)", kind=ColumnKind.DATE),
    Column(name="closed_through", title="Closed through", kind=ColumnKind.DATE),
    Column(name="locked_through", title="Locked through", kind=ColumnKind.DATE),
    Column(name="actor", title="By"),
    Column(name="reason", title="Reason"),
    Column(name="sequence", title="Position", kind=ColumnKind.NUMBER),
)


async def periods(site: Site, request: Request) -> Response:
    """Show what is closed, every change, and the forms."""
    journal = request.path_params["journal"]
    now = await site.ledger.get_period(journal)
    changes = [each async for each in site.ledger.list_period_changes(journal)]
    rows = [
        Row(
            cells=(
                each.change_time,
                each.closed_through,
                each.locked_through,
                each.actor,
                each.reason,
                each.sequence,
            )
        )
        for each in changes
    ]
    sheet = Sheet(
        title="Periods",
        subtitles=[journal],
        columns=_COLUMNS,
        rows=rows,
        file_stem=f"periods-{journal}",
    )
    return site.sheets(request, "periods.html", [sheet], period=now)


async def close(site: Site, request: Request) -> Response:
    """Close or lock days, then show the page again."""
    form = await request.form()
    journal = request.path_params["journal"]
    await site.ledger.close_period(
        journal,
        through=_day(form.get("through")),
        soft=form.get("soft") == "1",
        reason=_reason(form.get("reason")),
    )
    return RedirectResponse(f"/{part(journal)}/periods", status_code=303)


async def reopen(site: Site, request: Request) -> Response:
    """Open days again, then show the page again."""
    form = await request.form()
    journal = request.path_params["journal"]
    await site.ledger.reopen_period(
        journal,
        through=_day(form.get("through")) if form.get("through") else None,
        reason=_reason(form.get("reason")),
    )
    return RedirectResponse(f"/{part(journal)}/periods", status_code=303)


def _day(value: object) -> dt.date:
    return parse_date("through", value if isinstance(value, str) else "")


def _reason(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise HTTPException(400, "a reason is needed: it stays with the change")
    return value.strip()
