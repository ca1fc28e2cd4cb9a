"""What requests for reports ask, decoded."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, Protocol

from ledger_proto.v1 import common_pb2
from ledger_proto.v1 import reports_pb2 as pb
from ledger_server.api.fields import currency_field, date_field
from ledger_server.application.reports import Periods
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.primitives import Layer
from ledger_server.domain.report.periods import (
    COMPARISONS_MAX,
    FiscalCalendar,
    Interval,
    Period,
)
from ledger_server.domain.report.trial_balance import Form
from ledger_server.store.reports import Scope

_MONTH_AND_DAY: Final = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)


class _Scoped(Protocol):
    """A request about one book of the journal."""

    @property
    def layer(self) -> common_pb2.Layer.ValueType: ...

    @property
    def currency(self) -> str: ...


def scope_field(request: _Scoped) -> Scope:
    """Return which book is asked for."""
    try:
        layer = Layer(request.layer or Layer.SETTLED)
    except ValueError as error:
        raise FieldInvalidError("layer", "none of settled, pending, encumbrance") from error
    return Scope(
        layer=layer,
        currency=currency_field("currency", request.currency) if request.currency else None,
    )


def position_field(as_known_at: int) -> int:
    """Return the position asked for, 0 for now."""
    if as_known_at < 0:
        raise FieldInvalidError("as_known_at", "negative")
    return as_known_at


def depth_field(set_depth: int) -> int:
    """Return how many levels of the chart are asked for."""
    if set_depth < 0:
        raise FieldInvalidError("set_depth", "negative")
    return set_depth


def form_field(number: int) -> Form:
    """Return how openings and closings are to be written."""
    try:
        return Form(number or Form.NET)
    except ValueError as error:
        raise FieldInvalidError("form", "neither net nor gross") from error


def range_fields(from_text: str, to_text: str, to_field: str = "as_of") -> Period:
    """Return the days asked for."""
    return _period("", from_text, to_text, to_field)


def fiscal_field(text: str) -> FiscalCalendar | None:
    """Return when fiscal years begin, None for an empty field: as the journal has it."""
    if not text:
        return None
    found = _MONTH_AND_DAY.fullmatch(text)
    try:
        if found:
            return FiscalCalendar(month=int(found[1]), day=int(found[2]))
    except ValueError:
        pass
    raise FieldInvalidError("fiscal_year_start", "not a month and day of every year, as in 07-01")


def trial_balance_periods(request: pb.GetTrialBalanceRequest) -> Periods:
    """Return the periods of a trial balance."""
    own = range_fields(request.from_date, request.as_of)
    earlier = _comparison(request.comparison)
    columns = [own, *earlier(own)]
    return lambda _day, _years: columns


def balance_sheet_periods(request: pb.GetBalanceSheetRequest) -> Periods:
    """Return the periods of a balance sheet, each from the first day of its fiscal year on."""
    as_of = date_field("as_of", request.as_of)
    given_years = fiscal_field(request.fiscal_year_start)
    earlier = _comparison(request.comparison, own=Interval.YEAR)
    for index, one in enumerate(request.comparison.periods):
        if one.from_date:
            field = f"comparison.periods[{index}].from_date"
            raise FieldInvalidError(field, "a balance sheet is of one day: give its as_of alone")
        if not one.as_of:
            raise FieldInvalidError(f"comparison.periods[{index}].as_of", "required")

    def periods(day: date, years: FiscalCalendar) -> Sequence[Period]:
        own = Period(None, as_of or day)
        years = given_years or years
        ends = [one.as_of for one in (own, *earlier(own))]
        return [Period(years.year_start(end), end) for end in ends if end is not None]

    return periods


def income_statement_periods(request: pb.GetIncomeStatementRequest) -> Periods:
    """Return the periods of an income statement."""
    own = range_fields(request.from_date, request.as_of)
    given_years = fiscal_field(request.fiscal_year_start)
    earlier = _comparison(request.comparison)

    def periods(day: date, years: FiscalCalendar) -> Sequence[Period]:
        end = own.as_of or day
        start = own.from_date or (given_years or years).year_start(end)
        if start > end:
            raise FieldInvalidError("from_date", f"after the day of the position, {end}")
        asked = Period(start, end)
        return [asked, *earlier(asked)]

    return periods


def _comparison(
    asked: pb.Comparison, own: Interval = Interval.OWN
) -> Callable[[Period], Sequence[Period]]:
    """Return what gives the earlier periods of a period.

    Args:
        asked: the field `comparison`.
        own: what an interval that is not given stands for.
    """
    if asked.periods and (asked.count or asked.interval):
        raise FieldInvalidError("comparison", "give either a count or periods")
    if not 0 <= asked.count <= COMPARISONS_MAX or len(asked.periods) > COMPARISONS_MAX:
        raise FieldInvalidError("comparison", f"0 to {COMPARISONS_MAX} earlier periods")
    given = [
        _period(f"comparison.periods[{index}].", one.from_date, one.as_of)
        for index, one in enumerate(asked.periods)
    ]
    try:
        interval = Interval(asked.interval) or own
    except ValueError as error:
        raise FieldInvalidError("comparison.interval", "not an interval") from error

    def earlier(period: Period) -> Sequence[Period]:
        if not asked.count:
            return given
        try:
            return period.earlier(interval, asked.count)
        except ValueError as error:
            raise FieldInvalidError("comparison", str(error)) from error

    return earlier


def _period(place: str, from_text: str, to_text: str, to_field: str = "as_of") -> Period:
    from_date = date_field(f"{place}from_date", from_text)
    last = date_field(f"{place}{to_field}", to_text)
    if from_date and last and from_date > last:
        raise FieldInvalidError(f"{place}from_date", f"after {to_field}")
    return Period(from_date, last)
