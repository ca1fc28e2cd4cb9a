"""Templates: what can be posted, and what a posting would do."""

import dataclasses
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ledger_client.documents import Column, ColumnKind, Row, Sheet
from ledger_client.errors import LedgerError
from ledger_client.models import REQUIRED, Param, ParamType, TxTemplate, Validation
from ledger_client.web.pages.transactions import entries_sheet
from ledger_client.web.query import FilterError, parse_date, part
from ledger_client.web.site import Site

_CHANGES = (
    Column(name="account", title="Account"),
    Column(name="layer", title="Layer"),
    Column(name="before", title="Net debit before", kind=ColumnKind.AMOUNT),
    Column(name="after", title="Net debit after", kind=ColumnKind.AMOUNT),
    Column(name="currency", title="Currency"),
)
_LIST = (
    Column(name="code", title="Template"),
    Column(name="version", title="Version", kind=ColumnKind.NUMBER),
    Column(name="description", title="Description"),
    Column(name="params", title="Params"),
)


async def templates(site: Site, request: Request) -> Response:
    """List the newest version of each template."""
    journal = request.path_params["journal"]
    found = [each async for each in site.ledger.list_tx_templates(journal)]
    rows = [
        Row(
            cells=(
                each.code,
                each.version,
                each.description,
                ", ".join(param.name for param in each.params),
            ),
            link=f"/{part(journal)}/template/{part(each.code)}",
        )
        for each in found
    ]
    sheet = Sheet(
        title="Templates",
        subtitles=[journal],
        columns=_LIST,
        rows=rows,
        file_stem=f"templates-{journal}",
    )
    return site.sheets(request, "templates.html", [sheet])


async def template(site: Site, request: Request) -> Response:
    """Show one template and a form to try it."""
    return await _show(site, request, given={})


async def try_it(site: Site, request: Request) -> Response:
    """Show what a posting would do; nothing is written."""
    form = await request.form()
    given = {name: str(value) for name, value in form.items() if isinstance(value, str)}
    return await _show(site, request, given=given)


async def _show(site: Site, request: Request, *, given: dict[str, str]) -> Response:
    journal = request.path_params["journal"]
    shown = await site.ledger.get_tx_template(journal, request.path_params["template"])
    outcome = await _outcome(site, journal, shown, given) if given else _Outcome()
    return site.page(
        request,
        "template.html",
        shown=shown,
        fields=[(param, _is_long(param), param.default is REQUIRED) for param in shown.params],
        given=given,
        outcome=outcome,
    )


@dataclasses.dataclass(slots=True)
class _Outcome:
    """What trying came to."""

    validation: Validation | None = None
    #: Why it cannot even be evaluated, and by which rule.
    refusal: str = ""
    reason: str = ""
    entries: Sheet | None = None
    changes: Sheet | None = None


async def _outcome(site: Site, journal: str, shown: TxTemplate, given: dict[str, str]) -> _Outcome:
    try:
        date = given.get("effective_date", "").strip()
        validation = await site.ledger.validate(
            journal,
            shown.code,
            _params(shown, given),
            effective_date=parse_date("effective_date", date) if date else None,
        )
    except FilterError as error:
        return _Outcome(refusal=str(error), reason="FIELD_INVALID")
    except LedgerError as error:
        return _Outcome(refusal=error.message, reason=error.reason)
    changes = Sheet(
        title="Balances",
        columns=_CHANGES,
        rows=[
            Row(
                cells=(
                    each.account_code,
                    each.layer.lower(),
                    each.net_debit_before,
                    each.net_debit_after,
                    each.currency,
                )
            )
            for each in validation.balance_changes
        ],
    )
    outcome = _Outcome(validation=validation, changes=changes)
    outcome.entries = entries_sheet(journal, validation.transaction, title="Entries")
    if validation.refusal is not None:
        outcome.refusal, outcome.reason = validation.refusal.message, validation.refusal.reason
    return outcome


def _params(shown: TxTemplate, given: dict[str, str]) -> dict[str, Any]:
    """Return the params that were filled in.

    Raises:
        FilterError: what was typed is not of the param's type.
    """
    params: dict[str, Any] = {}
    for param in shown.params:
        text = given.get(f"param.{param.name}", "").strip()
        if text:
            params[param.name] = _value(param, text)
    return params


def _value(param: Param, text: str) -> Any:
    if param.type is ParamType.JSON:
        try:
            # A number in it stays text: what is typed as 0.1 must not become a binary float.
            return json.loads(text, parse_float=str)
        except ValueError as error:
            raise FilterError(f"{param.name}: not JSON: {error}") from error
    if param.type is ParamType.BOOLEAN:
        if text not in {"true", "false"}:
            raise FilterError(f"{param.name}: neither true nor false")
        return text == "true"
    return text


def _is_long(param: Param) -> bool:
    return param.type is ParamType.JSON
