"""What all pages have: the ledger, the templates, and the ways in which a sheet goes out."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import jinja2
import markupsafe
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ledger_client.client import LedgerClient
from ledger_client.documents import Cell, FileForm, Sheet, as_file
from ledger_client.documents.links import Link
from ledger_client.documents.text_form import accounting, plain
from ledger_client.ids import new_id
from ledger_client.web.navigation import NAVIGATION
from ledger_client.web.query import Query, address, part
from ledger_client.web.security import FIELD, form_token, remember_token

_FOLDER: Final = Path(__file__).parent

_MEDIA: Final = {
    FileForm.JSON: "application/json",
    FileForm.CSV: "text/csv; charset=utf-8",
    FileForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileForm.PDF: "application/pdf",
}


class Site:
    """One page's server, asking one ledger."""

    def __init__(self, ledger: LedgerClient) -> None:
        """Ask `ledger`; templates are read when they are first needed."""
        self.ledger = ledger
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDER / "html"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            accounting=accounting, breakable=breakable, plain=plain, part=part
        )
        self._templates.globals.update(address=address, navigation=NAVIGATION, form_field=FIELD)
        self._templates.tests["amount"] = lambda value: isinstance(value, Decimal)

    def page(
        self, request: Request, template: str, *, status_code: int = 200, **context: Any
    ) -> Response:
        """Render a template of `html/`."""
        given = {
            "journal": request.path_params.get("journal", ""),
            "here": request.url.path,
            "form_token": form_token(request),
            "form_id": str(new_id()),
            "filters": {},
        }
        text = self._templates.get_template(template).render(given | context)
        response = HTMLResponse(text, status_code=status_code)
        remember_token(request, response)
        return response

    def sheets(
        self,
        request: Request,
        template: str,
        sheets: Sequence[Sheet],
        *,
        filters: Mapping[str, object] | None = None,
        **context: Any,
    ) -> Response:
        """Answer with a page that shows `sheets`, or with them as the file that was asked for.

        Args:
            request: `?format=csv`, `json`, `xlsx` or `pdf` asks for a file.
            template: of the page.
            sheets: at least one; CSV and JSON have the first alone.
            filters: what the address says, for the links to files.
            context: what else the template needs.
        """
        form = Query(request).choice("format", ("html", *FileForm), "html")
        if form == "html":
            return self.page(
                request, template, sheets=sheets, filters=dict(filters or {}), **context
            )
        file_form = FileForm(form)
        name = f"{sheets[0].file_stem}.{file_form}"
        return file_response(as_file(sheets, file_form), name, _MEDIA[file_form])


def breakable(value: Cell) -> markupsafe.Markup:
    """Write a value for people; the parts of a code such as `assets:bank` may stand below it."""
    text = markupsafe.escape(accounting(value))
    if not isinstance(value, str):
        return text
    return text.replace(":", markupsafe.Markup(":<wbr>"))


def file_response(content: bytes, name: str, media_type: str) -> Response:
    """Answer with a file to keep."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    ascii_name = safe.encode("ascii", "replace").decode().replace("?", "-")
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{part(safe)}"
    return Response(content, media_type=media_type, headers={"content-disposition": disposition})


#: Filters that mean the same on the page that a row leads to.
_CARRIED: Final = ("from", "as_of", "layer", "known_at")


def links(journal: str, filters: Mapping[str, object]) -> Link:
    """Return where rows lead from a page of `journal`: the days looked at go along."""
    carried = {name: filters.get(name) for name in _CARRIED}

    def link(kind: str, code: str) -> str:
        if kind in {"account", "set"}:
            return address(f"/{part(journal)}/statement", {kind: code, **carried})
        return f"/{part(journal)}/{kind}/{part(code)}"

    return link
