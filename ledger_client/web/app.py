"""The page put together: routes, files, failures."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import grpc
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ledger_client.client import LedgerClient
from ledger_client.errors import LedgerError
from ledger_client.web.pages import (
    chart,
    events,
    holds,
    home,
    journal,
    periods,
    reports,
    statements,
    templates,
    transactions,
    years,
)
from ledger_client.web.query import FilterError
from ledger_client.web.security import FIELD, SafetyHeaders, came_from_here
from ledger_client.web.site import Site

_log = logging.getLogger(__name__)

Page = Callable[[Site, Request], Awaitable[Response]]

#: What a form may send: a chart of accounts is the largest.
FORM_BYTES_MAX: Final = 4 * 1024 * 1024

_STATUS: Final = {
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}

_PAGES: Final[tuple[tuple[str, Page], ...]] = (
    ("/", home.journals),
    ("/{journal}/", home.home),
    ("/{journal}/trial-balance", reports.trial_balance),
    ("/{journal}/balance-sheet", reports.balance_sheet),
    ("/{journal}/income-statement", reports.income_statement),
    ("/{journal}/statement", statements.statement),
    ("/{journal}/general-ledger", statements.general_ledger),
    ("/{journal}/journal", journal.search),
    ("/{journal}/transaction/{transaction}", transactions.transaction),
    ("/{journal}/transaction/{transaction}/proof", transactions.raw_proof),
    ("/{journal}/chart", chart.tree),
    ("/{journal}/chart/import", chart.import_form),
    ("/{journal}/holds", holds.holds),
    ("/{journal}/hold/{hold}", holds.hold),
    ("/{journal}/periods", periods.periods),
    ("/{journal}/year/{year}", years.year),
    ("/{journal}/year/{year}/preview", years.preview),
    ("/{journal}/templates", templates.templates),
    ("/{journal}/template/{template}", templates.template),
    ("/{journal}/events", events.events),
)
_FORMS: Final[tuple[tuple[str, Page], ...]] = (
    ("/{journal}/template/{template}/try", templates.try_it),
    ("/{journal}/periods/close", periods.close),
    ("/{journal}/periods/reopen", periods.reopen),
    ("/{journal}/periods/open-year", years.open_year),
    ("/{journal}/year/{year}/close", years.close_year),
    ("/{journal}/year/{year}/reopen", years.reopen_year),
    ("/{journal}/chart/import", chart.import_chart),
)


def create_app(ledger: LedgerClient, *, hosts: Iterable[str]) -> Starlette:
    """Return the page as an ASGI application.

    Args:
        ledger: asked for everything; closed by the caller.
        hosts: names, without port, that requests may be for.
    """
    site = Site(ledger)
    routes: list[Any] = [
        Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    ]
    routes += [Route(path, _reading(site, page), methods=["GET"]) for path, page in _PAGES]
    routes += [Route(path, _writing(site, page), methods=["POST"]) for path, page in _FORMS]
    handlers = {
        LedgerError: _ledger_failure(site),
        FilterError: _filter_failure(site),
        HTTPException: _http_failure(site),
    }
    return Starlette(
        routes=routes,
        exception_handlers=handlers,
        middleware=[Middleware(SafetyHeaders, hosts=tuple(hosts))],
    )


def _reading(site: Site, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        return await page(site, request)

    return respond


def _writing(site: Site, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """Let a form through only if it was sent from a page of ours."""

    async def respond(request: Request) -> Response:
        if int(request.headers.get("content-length") or FORM_BYTES_MAX + 1) > FORM_BYTES_MAX:
            raise HTTPException(413, f"a form may send {FORM_BYTES_MAX} bytes")
        form = await request.form(max_fields=200, max_files=1, max_part_size=FORM_BYTES_MAX)
        sent = form.get(FIELD)
        if not isinstance(sent, str) or not came_from_here(request, sent):
            raise HTTPException(403, "this form was not sent from here; open the page again")
        return await page(site, request)

    return respond


def _ledger_failure(site: Site) -> Any:
    async def respond(request: Request, error: LedgerError) -> Response:
        return site.page(
            request,
            "failure.html",
            status_code=_STATUS.get(error.status, 502),
            heading="The ledger refused" if error.reason else "The ledger did not answer",
            message=error.message,
            reason=error.reason,
            facts=dict(error.facts),
            back=_back(request),
        )

    return respond


def _filter_failure(site: Site) -> Any:
    async def respond(request: Request, error: FilterError) -> Response:
        return _failure(site, request, 400, "This cannot be asked for", str(error))

    return respond


def _http_failure(site: Site) -> Any:
    async def respond(request: Request, error: HTTPException) -> Response:
        heading = "There is no such page" if error.status_code == 404 else "This was not done"
        return _failure(site, request, error.status_code, heading, error.detail)

    return respond


def _failure(site: Site, request: Request, status: int, heading: str, message: str) -> Response:
    return site.page(
        request,
        "failure.html",
        status_code=status,
        heading=heading,
        message=message,
        reason="",
        facts={},
        back=_back(request),
    )


def _back(request: Request) -> str:
    return request.url.path if request.method == "GET" and request.url.query else "/"
