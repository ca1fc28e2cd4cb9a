"""Fields out of a form that was sent."""

import datetime as dt

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from ledger_client.web.query import parse_date


def text_of(form: FormData, name: str) -> str:
    """Return a text without blanks around it, empty if it was not sent."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def optional_day(form: FormData, name: str) -> dt.date | None:
    """Return a day, None if none was chosen.

    Raises:
        FilterError: it is none.
    """
    text = text_of(form, name)
    return parse_date(name.replace("_", " "), text) if text else None


def reason_of(form: FormData) -> str:
    """Return why something is done.

    Raises:
        HTTPException: nothing was said.
    """
    reason = text_of(form, "reason")
    if not reason:
        raise HTTPException(400, "a reason is needed: it stays with the change")
    return reason


def request_id_of(form: FormData) -> str | None:
    """Return the key that the form came with: sent twice, it is done once."""
    return text_of(form, "request_id") or None
