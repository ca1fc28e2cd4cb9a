"""What requests for statements and the journal ask, decoded, and where their pages end."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from ledger_proto.v1 import reports_pb2 as pb
from ledger_server.api.fields import (
    CODE_LENGTH_MAX,
    DESCRIPTION_LENGTH_MAX,
    currency_field,
    page_size_field,
    reference_field,
    text_field,
)
from ledger_server.api.report_fields import position_field, range_fields
from ledger_server.application.general_ledger import Mark
from ledger_server.application.journal_search import Search, Wanted
from ledger_server.domain.errors import AmountInvalidError
from ledger_server.domain.primitives import parse_decimal
from ledger_server.domain.report.account_statement import Place

#: The parts of a page token.
Token = Sequence[str | int]


def place_token(place: Place, sequence: int) -> list[str | int]:
    """Return what a page token holds: the last entry of the page, and the report's position."""
    return [place.effective.isoformat(), place.sequence, place.position, sequence]


def statement_place(token: Token | None) -> tuple[Place | None, int]:
    """Return the last entry of the page before and its position; None and 0 for the first page."""
    if token is None:
        return None, 0
    day, sequence, position, known_at = token
    return Place(date.fromisoformat(str(day)), int(sequence), int(position)), int(known_at)


def mark_token(mark: Mark, sequence: int) -> list[str | int]:
    """Return what a page token of the general ledger holds."""
    if mark.place is None:
        return [mark.code, sequence]
    return [mark.code, *place_token(mark.place, sequence)]


def ledger_mark(token: Token | None) -> tuple[Mark | None, int]:
    """Return where the page before ended and its position; None and 0 for the first page."""
    if token is None:
        return None, 0
    code, *rest = token
    if len(rest) == 1:
        return Mark(str(code), None), int(rest[0])
    place, known_at = statement_place(rest)
    return Mark(str(code), place), known_at


def search_token(mark: tuple[date, int], sequence: int) -> list[str | int]:
    """Return what a page token of the journal holds."""
    return [mark[0].isoformat(), mark[1], sequence]


def search_fields(request: pb.SearchJournalRequest, token: Token | None) -> Search:
    """Return which page of the journal is asked for."""
    days = range_fields(request.from_date, request.to_date, "to_date")
    after, known_at = None, request.as_known_at
    if token is not None:
        day, sequence, position = token
        after, known_at = (date.fromisoformat(str(day)), int(sequence)), int(position)
    return Search(
        wanted=Wanted(
            template_code=text_field("template_code", request.template_code, CODE_LENGTH_MAX),
            text=text_field("text", request.text, DESCRIPTION_LENGTH_MAX),
            currency=currency_field("currency", request.currency) if request.currency else None,
            units_min=_units("units_min", request.units_min),
            units_max=_units("units_max", request.units_max),
        ),
        from_date=days.from_date,
        to_date=days.as_of,
        account=reference_field("account", request.account) if request.account else "",
        without_closing=request.without_closing,
        newest_first=request.newest_first,
        as_known_at=position_field(known_at),
        after=after,
        size=page_size_field(request.page_size),
    )


def _units(field: str, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise AmountInvalidError(field, str(error)) from error
