"""Periods: which days are closed, who closed them, and the forms that do."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ledger_client.documents import Column, ColumnKind, Row, Sheet
from ledger_client.web.forms import optional_day, reason_of, request_id_of, text_of
from ledger_client.web.pages.years import year_path, years_sheet
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
    years = [each async for each in site.ledger.list_fiscal_years(journal)]
    return site.sheets(
        request,
        "periods.html",
        [sheet, years_sheet(journal, years)],
        period=now,
        has_years=bool(years),
    )


async def close(site: Site, request: Request) -> Response:
    """Close or lock days, then show the page that the form was on."""
    form = await request.form()
    journal = request.path_params["journal"]
    await site.ledger.close_period(
        journal,
        through=parse_date("through", text_of(form, "through")),
        soft=text_of(form, "soft") == "1",
        reason=reason_of(form),
        request_id=request_id_of(form),
    )
    year = text_of(form, "year")
    back = year_path(journal, year) if year else f"/{part(journal)}/periods"
    return RedirectResponse(back, status_code=303)


async def reopen(site: Site, request: Request) -> Response:
    """Open or unlock days again, then show the page again."""
    form = await request.form()
    journal = request.path_params["journal"]
    await site.ledger.reopen_period(
        journal,
        through=optional_day(form, "through"),
        soft=text_of(form, "soft") == "1",
        reason=reason_of(form),
        request_id=request_id_of(form),
    )
    return RedirectResponse(f"/{part(journal)}/periods", status_code=303)
