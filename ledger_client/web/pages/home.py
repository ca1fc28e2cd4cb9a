"""Is all well: what an accountant looks at first in the morning."""

import datetime as dt
import zoneinfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ledger_client.models import HoldStatus
from ledger_client.web.listing import first
from ledger_client.web.pages.reports import is_balanced
from ledger_client.web.proving import newest_checkpoint
from ledger_client.web.query import part
from ledger_client.web.site import Site

#: Open holds that are counted; a bank has more, and then it says so.
HOLDS_COUNTED_MAX = 500


async def journals(site: Site, request: Request) -> Response:
    """Show all journals; the only one right away."""
    found = [each async for each in site.ledger.list_journals()]
    if len(found) == 1:
        return RedirectResponse(f"/{part(found[0].code)}/", status_code=303)
    return site.page(request, "journals.html", journals=found)


async def home(site: Site, request: Request) -> Response:
    """Show whether the books agree, where the journal stands, and what happened today."""
    code = request.path_params["journal"]
    ledger = site.ledger
    journal = await ledger.get_journal(code)
    head = await ledger.get_head(code)
    today = dt.datetime.now(zoneinfo.ZoneInfo(journal.time_zone)).date()
    totals = (await ledger.get_trial_balance(code, set_depth=1)).totals
    sheet = await ledger.get_balance_sheet(code, as_of=today, set_depth=1)
    moved = await ledger.get_trial_balance(code, from_date=today, as_of=today, set_depth=1)
    holds, more_holds = await first(
        ledger.list_holds(code, status=HoldStatus.OPEN), HOLDS_COUNTED_MAX
    )
    checkpoint = await newest_checkpoint(ledger, journal.id)
    debits_equal_credits = all(total.balanced for total in totals)
    return site.page(
        request,
        "home.html",
        facts=journal,
        head=head,
        today=today,
        totals=totals,
        sheet=sheet,
        moved=[total for total in moved.totals if total.columns.debit],
        holds=f"{len(holds)}{'+' if more_holds else ''}",
        period=await ledger.get_period(code),
        checkpoint=checkpoint,
        is_well=debits_equal_credits and is_balanced(sheet) and not checkpoint.is_wrong,
    )
