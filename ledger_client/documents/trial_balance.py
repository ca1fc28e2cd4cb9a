"""A trial balance as a sheet."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from ledger_client.documents.heading import position_line, range_text, stem
from ledger_client.documents.links import Link, nowhere
from ledger_client.documents.sheet import Cell, Column, ColumnKind, Row, RowStyle, Sheet
from ledger_client.models import (
    TrialBalance,
    TrialBalanceColumns,
    TrialBalanceForm,
    TrialBalanceRow,
    TrialBalanceRowKind,
    TrialBalanceTotal,
)

_NAMES: Final = tuple(field.name for field in dataclasses.fields(TrialBalanceColumns))


def trial_balance_sheet(journal: str, report: TrialBalance, link: Link = nowhere) -> Sheet:
    """Return a trial balance as one sheet: for each currency its rows and its totals."""
    rows: list[Row] = []
    for total in report.totals:
        rows.append(_heading(report, total.currency))
        mine = [each for each in report.rows if each.currency == total.currency]
        rows += [_row(report, each, link) for each in mine]
        rows.append(_total(report, total))
    broken = [total.currency for total in report.totals if not total.balanced]
    verdict = f"DEBITS AND CREDITS DIFFER IN {', '.join(broken)}: THE LEDGER IS BROKEN"
    if not broken:
        verdict = f"Debits equal credits in {', '.join(t.currency for t in report.totals)}."
    return Sheet(
        title="Trial balance",
        subtitles=[
            f"{journal}; {range_text(report.from_date, report.as_of)}"
            + ("; gross" if report.form is TrialBalanceForm.GROSS else "")
            + ("; without closing entries" if report.without_closing else ""),
            position_line(report.layer, report.sequence, report.record_time),
        ],
        columns=_columns(report),
        rows=rows,
        notes=[verdict] if report.totals else [],
        file_stem=stem("trial-balance", journal, report.from_date, report.as_of),
    )


def _shown(report: TrialBalance) -> Sequence[str]:
    """Return which of the six columns say anything: without a first day openings are zero."""
    if report.from_date is not None:
        return _NAMES
    return [name for name in _NAMES if not name.startswith("opening")]


def _columns(report: TrialBalance) -> list[Column]:
    columns = [
        Column(name="account", title="Account"),
        Column(name="name", title="Name"),
        Column(name="currency", title="Currency"),
    ]
    for number in range(max(1, len(report.periods))):
        ending = "" if number == 0 else f"_{number}"
        until = f" {report.periods[number].as_of}" if number else ""
        columns += [
            Column(
                name=f"{name}{ending}",
                title=name.replace("_", " ").capitalize() + until,
                kind=ColumnKind.AMOUNT,
            )
            for name in _shown(report)
        ]
    return columns


def _amounts(
    report: TrialBalance, columns: TrialBalanceColumns, earlier: Sequence[TrialBalanceColumns]
) -> list[Cell]:
    return [getattr(each, name) for each in (columns, *earlier) for name in _shown(report)]


def _heading(report: TrialBalance, currency: str) -> Row:
    width = len(_columns(report))
    return Row(cells=[currency, *[None] * (width - 1)], style=RowStyle.HEADING)


def _row(report: TrialBalance, row: TrialBalanceRow, link: Link) -> Row:
    is_set = row.kind is TrialBalanceRowKind.ACCOUNT_SET
    name = "" if row.name == row.code else row.name
    return Row(
        cells=[row.code, name, row.currency, *_amounts(report, row.columns, row.earlier)],
        style=RowStyle.SUBTOTAL if is_set else RowStyle.PLAIN,
        indent=row.depth,
        link=link("set" if is_set else "account", row.code),
    )


def _total(report: TrialBalance, total: TrialBalanceTotal) -> Row:
    return Row(
        cells=["TOTAL", "", total.currency, *_amounts(report, total.columns, total.earlier)],
        style=RowStyle.TOTAL,
    )
