"""A trial balance as a table, as CSV and as JSON."""

import dataclasses
from collections.abc import Iterable, Iterator

from rich.text import Text

from ledger_client.cli.failures import ExitCode, print_error
from ledger_client.cli.rendering import (
    Grid,
    Output,
    Record,
    columns,
    csv_text,
    json_text,
    print_grid,
)
from ledger_client.cli.session import Session
from ledger_client.cli.statement_sections import about, period_label
from ledger_client.models import (
    TrialBalance,
    TrialBalanceColumns,
    TrialBalanceRow,
    TrialBalanceRowKind,
    TrialBalanceTotal,
)

_AMOUNTS = [field.name for field in dataclasses.fields(TrialBalanceColumns)]


def show_trial_balance(session: Session, journal: str, report: TrialBalance) -> ExitCode | None:
    """Print a trial balance as `--output` says, and whether debits equal credits."""
    if session.output is Output.CSV:
        session.console.file.write(trial_balance_csv(report) + "\n")
    elif session.output is Output.JSON:
        session.console.file.write(json_text({"journal": journal, **_json(report)}) + "\n")
    else:
        _print(session, journal, report)
    return check_trial_balance(session, report)


def trial_balance_csv(report: TrialBalance) -> str:
    """Return a trial balance as CSV: a row for each account and currency, then the totals.

    With earlier periods a row for each of them too, which says its days.
    """
    days = ["from_date", "as_of"] if len(report.periods) > 1 else []
    titles = columns("account", "currency", *days, *(f"#{name}" for name in _AMOUNTS))
    rows = [{"account": row.code, **each} for row in report.rows for each in _csv_rows(report, row)]
    totals = [
        {"account": "TOTAL", **each} for total in report.totals for each in _csv_rows(report, total)
    ]
    return csv_text(titles, [*rows, *totals])


def _csv_rows(report: TrialBalance, row: TrialBalanceRow | TrialBalanceTotal) -> Iterator[Record]:
    yield {"currency": row.currency, **_days(report, 0), **_amounts(row.columns)}
    for number, each in enumerate(row.earlier, 1):
        yield {"currency": row.currency, **_days(report, number), **_amounts(each)}


def _days(report: TrialBalance, number: int) -> Record:
    if len(report.periods) <= 1:
        return {}
    period = report.periods[number]
    return {"from_date": period.from_date, "as_of": period.as_of}


def _print(session: Session, journal: str, report: TrialBalance) -> None:
    """Print a trial balance for people: a table for each currency."""
    period = f"as of {report.as_of}" if report.as_of else "everything posted"
    if report.from_date:
        period = f"{report.from_date} to {report.as_of or 'the end'}"
    session.console.print(Text(f"Trial balance of {journal}", style="bold"), soft_wrap=True)
    session.note(f"{period}; {about(report)}")
    if not report.totals:
        session.note("\nnothing was posted")
    for total in report.totals:
        session.console.print()
        session.console.print(Text(total.currency, style="bold"))
        rows = [row for row in report.rows if row.currency == total.currency]
        print_grid(session.console, _compared(report, rows, total) or _grid(report, rows, total))


def _grid(report: TrialBalance, rows: Iterable[TrialBalanceRow], total: TrialBalanceTotal) -> Grid:
    """Return the six columns."""
    titles = ["account", *(f"#{name}" for name in _AMOUNTS)]
    if report.from_date is None:  # then all openings are zero
        titles = [title for title in titles if "opening" not in title]
    records = [{"account": _title(row), **_without_zeros(_amounts(row.columns))} for row in rows]
    return Grid(columns(*titles), records, [{"account": "TOTAL", **_amounts(total.columns)}])


def _compared(
    report: TrialBalance, rows: Iterable[TrialBalanceRow], total: TrialBalanceTotal
) -> Grid | None:
    """Return the closings of all periods side by side, None if there is one period."""
    if len(report.periods) <= 1:
        return None
    labels = [period_label(period) for period in report.periods]

    def closings(row: TrialBalanceRow | TrialBalanceTotal) -> Record:
        return {
            f"{label}_{side}": getattr(each, f"closing_{side}")
            for label, each in zip(labels, (row.columns, *row.earlier), strict=True)
            for side in ("debit", "credit")
        }

    titles = [f"#{label}_{side}" for label in labels for side in ("debit", "credit")]
    records = [{"account": _title(row), **_without_zeros(closings(row))} for row in rows]
    return Grid(columns("account", *titles), records, [{"account": "TOTAL", **closings(total)}])


def check_trial_balance(session: Session, report: TrialBalance) -> ExitCode | None:
    """Say whether debits equal credits."""
    broken = [total.currency for total in report.totals if not total.balanced]
    if broken:
        message = f"debits and credits differ in {', '.join(broken)}: the ledger is broken"
        session.errors.print(Text(f"  {message.upper()}  ", style="bold white on red"))
        print_error(session.errors, message, hint="stop posting and keep the database as it is")
        return ExitCode.FAILURE
    if report.totals:
        several = (
            "in each currency" if len(report.totals) > 1 else f"in {report.totals[0].currency}"
        )
        session.note("")
        if session.output is Output.TABLE:
            session.console.print(Text(f"debits = credits {several}", style="green"))
    return None


def _title(row: TrialBalanceRow) -> str:
    """Return the title of a row for people: sets are told from accounts."""
    is_set = row.kind is TrialBalanceRowKind.ACCOUNT_SET
    return "  " * row.depth + row.code + ("/" if is_set else "")


def _without_zeros(amounts: Record) -> Record:
    return {name: amount or None for name, amount in amounts.items()}


def _json(report: TrialBalance) -> Record:
    return {
        "from_date": report.from_date,
        "as_of": report.as_of,
        "layer": report.layer,
        "form": report.form,
        "without_closing": report.without_closing,
        "sequence": report.sequence,
        "record_time": report.record_time,
        "periods": [dataclasses.asdict(period) for period in report.periods],
        "rows": list(_json_rows(report.rows)),
        "totals": [
            {
                "currency": total.currency,
                **_amounts(total.columns),
                "balanced": total.balanced,
                "earlier": [_amounts(each) for each in total.earlier],
            }
            for total in report.totals
        ],
    }


def _json_rows(rows: Iterable[TrialBalanceRow]) -> Iterator[Record]:
    for row in rows:
        about_ = {"kind": row.kind, "code": row.code, "name": row.name, "depth": row.depth}
        earlier = [_amounts(each) for each in row.earlier]
        amounts = _amounts(row.columns)
        yield {**about_, "id": row.id, "currency": row.currency, **amounts, "earlier": earlier}


def _amounts(columns_: TrialBalanceColumns) -> Record:
    return {name: getattr(columns_, name) for name in _AMOUNTS}
