"""What stands above every report: which books, which days, which position."""

import datetime as dt
from collections.abc import Sequence

from ledger_client.documents.sheet import Column, ColumnKind
from ledger_client.models import Layer, ReportPeriod


def position_line(layer: Layer, sequence: int, record_time: dt.datetime | None) -> str:
    """Return the line that lets anybody ask for the very same report again."""
    recorded = f", recorded {record_time:%Y-%m-%d %H:%M:%S} UTC" if record_time else ""
    return f"{layer.lower()}; position {sequence}{recorded}"


def range_text(from_date: dt.date | None, as_of: dt.date | None) -> str:
    """Return the days that a report is about."""
    if from_date is None:
        return f"as of {as_of}" if as_of else "everything posted"
    return f"{from_date} to {as_of or 'the end'}"


def stem(report: str, journal: str, from_date: dt.date | None, as_of: dt.date | None) -> str:
    """Return the name of a file for a report."""
    days = [str(day) for day in (from_date, as_of) if day]
    return "-".join([report, journal, *days])


def period_columns(periods: Sequence[ReportPeriod], *, as_of_only: bool) -> list[Column]:
    """Return a column of amounts for each period.

    Args:
        periods: at least one; the report's own first.
        as_of_only: names them by their last day alone, as balances are.
    """
    columns = []
    for number, period in enumerate(periods):
        days = str(period.as_of or "now")
        if not as_of_only:
            days = f"{period.from_date or 'begin'} to {days}"
        name = "amount" if number == 0 else f"amount_{number}"
        columns.append(Column(name=name, title=days, kind=ColumnKind.AMOUNT))
    return columns
