"""Options that reports share."""

import datetime as dt
import enum
from typing import Annotated, Final

import typer

from ledger_client.cli.arguments import date_option, parse_date, parse_sequence
from ledger_client.models import Comparison, ComparisonInterval, ReportPeriod

#: A report of large books takes longer than other calls.
REPORT_TIMEOUT_SECONDS: Final = 60.0


class LayerName(enum.StrEnum):
    """A layer as typed."""

    SETTLED = "settled"
    PENDING = "pending"
    ENCUMBRANCE = "encumbrance"


class IntervalName(enum.StrEnum):
    """An interval as typed."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def parse_period(text: str) -> ReportPeriod:
    """Return the days that `text` says: FROM..TO, either side may be empty, or one day.

    Raises:
        typer.BadParameter: it is no such thing.
    """
    first, dots, last = text.partition("..")
    if not dots:
        return ReportPeriod(None, parse_date(text))
    return ReportPeriod(
        parse_date(first) if first else None,
        parse_date(last) if last else None,
    )


def comparison(
    count: int, interval: IntervalName | None, periods: list[ReportPeriod] | None
) -> Comparison | None:
    """Return the earlier columns asked for, None for none.

    Raises:
        typer.BadParameter: the options do not go together.
    """
    if periods and (count or interval):
        raise typer.BadParameter("give either --compare or --period")
    if interval and not count:
        raise typer.BadParameter("--interval goes with --compare N")
    if not count and not periods:
        return None
    return Comparison(
        count=count,
        interval=ComparisonInterval[interval.name] if interval else None,
        periods=tuple(periods or ()),
    )


From = Annotated[
    dt.date | None, date_option("--from", "First day of the movement; else the beginning.")
]
Currency = Annotated[str | None, typer.Option(help="Only this one.")]
LayerOption = Annotated[LayerName, typer.Option(help="Which book.")]
ZeroRows = Annotated[
    bool, typer.Option("--zero-rows", help="Also rows whose amounts are all zero.")
]
AsKnownAt = Annotated[
    int | None,
    typer.Option(
        parser=parse_sequence, metavar="SEQUENCE", help="The books as they were known then."
    ),
]
Depth = Annotated[
    int,
    typer.Option(min=0, metavar="N", help="Levels of the chart; else all, with their accounts."),
]
WithoutClosing = Annotated[
    bool, typer.Option("--without-closing", help="Leave out what closes fiscal years.")
]
FiscalYearStart = Annotated[
    str,
    typer.Option(
        metavar="MM-DD", help="Where fiscal years begin, such as 07-01; else as the journal has it."
    ),
]
Compare = Annotated[
    int, typer.Option("--compare", min=0, max=36, metavar="N", help="So many earlier columns.")
]
Interval = Annotated[
    IntervalName | None,
    typer.Option(help="How far apart they lie; else the length of the report's range, or a year."),
]
Periods = Annotated[
    list[ReportPeriod] | None,
    typer.Option(
        "--period",
        parser=parse_period,
        metavar="[FROM..]TO",
        help="A column of any days; may be repeated.",
    ),
]
