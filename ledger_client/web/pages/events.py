"""The journal's facts as they follow each other."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from ledger_client.documents import Column, ColumnKind, Row, Sheet
from ledger_client.models import Event, Fact, Transaction
from ledger_client.web.listing import first
from ledger_client.web.query import Query, part
from ledger_client.web.site import Site

#: Events on one page.
EVENTS_MAX: Final = 100

_COLUMNS: Final = (
    Column(name="sequence", title="Position", kind=ColumnKind.NUMBER),
    Column(name="record_time", title="Recorded (UTC)", kind=ColumnKind.DATE),
    Column(name="type", title="What"),
    Column(name="subject", title="About"),
    Column(name="actor", title="By"),
)


async def events(site: Site, request: Request) -> Response:
    """Show the events after a position: the last ones if none is given."""
    journal = request.path_params["journal"]
    given = Query(request).number("after")
    head = await site.ledger.get_head(journal)
    after = max(0, head.sequence - EVENTS_MAX) if given is None else given
    found, more = await first(
        site.ledger.list_events(journal, after_sequence=min(after, head.sequence)), EVENTS_MAX
    )
    sheet = Sheet(
        title="Events",
        subtitles=[f"{journal}; after {after}; head {head.sequence}"],
        columns=_COLUMNS,
        rows=[_row(journal, each) for each in found],
        file_stem=f"events-{journal}-{after}",
    )
    following = found[-1].sequence if more else None
    return site.sheets(
        request, "events.html", [sheet], filters={"after": given}, following=following
    )


def _row(journal: str, event: Event) -> Row:
    subject, link = _subject(event)
    return Row(
        cells=(event.sequence, event.record_time, event.type, subject, event.actor),
        link=f"/{part(journal)}{link}" if link else "",
    )


def _subject(event: Event) -> tuple[str, str]:
    """Return what an event is about, and where that is shown."""
    fact = event.fact
    if isinstance(fact, Transaction):
        return fact.description or str(fact.id), f"/transaction/{fact.id}"
    noun = event.type.partition(".")[0]
    code = _code(fact)
    match noun:
        case "account":
            return code, f"/statement?{urlencode({'account': code})}" if code else ""
        case "account_set":
            return code, f"/statement?{urlencode({'set': code})}" if code else "/chart"
        case "template":
            return code, f"/template/{part(code)}" if code else "/templates"
        case "fiscal_year":
            return code, f"/year/{part(code)}" if code else "/periods"
        case "period":
            return "", "/periods"
    return code, ""


def _code(fact: Fact) -> str:
    """Return the code, else the id, of what a fact is about; empty if it says neither."""
    if isinstance(fact, Mapping):
        for each in (fact, *(value for value in fact.values() if isinstance(value, Mapping))):
            if isinstance(each.get("code"), str):
                return str(each["code"])
        return ""
    for about in (fact, getattr(fact, "year", None)):
        found = getattr(about, "code", None) or getattr(about, "account_set_id", None)
        if found:
            return str(found)
    return ""
