"""Balance sheets and income statements as tables, as CSV and as JSON."""

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from rich.text import Text

from ledger_client.cli.failures import ExitCode, print_error
from ledger_client.cli.rendering import (
    Column,
    Grid,
    Output,
    Record,
    columns,
    csv_text,
    json_text,
    print_grid,
)
from ledger_client.cli.session import Session
from ledger_client.cli.used_rates import print_rates
from ledger_client.models import (
    BalanceSheet,
    BalanceSheetTotal,
    IncomeStatement,
    IncomeStatementTotal,
    ReportPeriod,
    Section,
    SectionKind,
    SectionLine,
    TrialBalance,
)

Statement = BalanceSheet | IncomeStatement
Total = BalanceSheetTotal | IncomeStatementTotal

#: The sums below the sections: field of the total, and what people call it.
_BALANCE_SHEET_SUMS: Final = {
    "current_earnings": "earnings of the fiscal year",
    "earlier_earnings": "earnings of earlier years, not closed",
    "translation_difference": "translation difference",
}
_CHECK: Final = "assets - liabilities - equity - earnings"


def period_label(period: ReportPeriod) -> str:
    """Return the title of a column."""
    if period.from_date is None:
        return "all" if period.as_of is None else period.as_of.isoformat()
    return f"{period.from_date}..{period.as_of or ''}"


def about(report: TrialBalance | Statement) -> str:
    """Say which book a report shows, at which position."""
    recorded = f", recorded {report.record_time:%Y-%m-%d %H:%M:%S %Z}" if report.record_time else ""
    closing = "; without closing entries" if report.without_closing else ""
    return f"{report.layer.lower()}{closing}; position {report.sequence}{recorded}"


def show_balance_sheet(session: Session, journal: str, report: BalanceSheet) -> ExitCode | None:
    """Print a balance sheet as `--output` says, and whether it balances."""
    labels = [str(period.as_of) for period in report.periods]
    if session.output is Output.CSV:
        sums = [*_BALANCE_SHEET_SUMS, "difference"]
        session.console.file.write(statement_csv(report, labels, sums) + "\n")
    elif session.output is Output.JSON:
        _write_json(session, journal, report)
    else:
        year = f"fiscal year from {report.periods[0].from_date}"
        _print_head(session, f"Balance sheet of {journal}", f"as of {labels[0]}; {year}", report)
        for total in report.totals:
            _print_currency(session, report, total, labels)
        print_rates(session, report)
    return check_balance_sheet(session, report)


def show_income_statement(session: Session, journal: str, report: IncomeStatement) -> None:
    """Print an income statement as `--output` says."""
    labels = [period_label(period) for period in report.periods]
    if session.output is Output.CSV:
        session.console.file.write(statement_csv(report, labels, ["net_income"]) + "\n")
    elif session.output is Output.JSON:
        _write_json(session, journal, report)
    else:
        own = report.periods[0]
        period = f"{own.from_date} to {own.as_of}"
        _print_head(session, f"Income statement of {journal}", period, report)
        for total in report.totals:
            _print_currency(session, report, total, labels)
        unmapped = _section(report, SectionKind.UNMAPPED).totals
        if unmapped:
            codes = ", ".join(total.currency for total in unmapped)
            session.note(f"\nunmapped accounts moved too, in {codes}: they count in no total")
        print_rates(session, report)


def statement_csv(report: Statement, labels: Sequence[str], sums: Sequence[str]) -> str:
    """Return a statement as CSV: its lines, the totals of its sections, and the sums below.

    Args:
        report: what to write.
        labels: titles of the columns of amounts.
        sums: fields of the report's totals that are written too, in capitals as their section.
    """
    about_line = columns("section", "kind", "code", "name", "depth", "currency")
    titles = [*about_line, *(Column(label, is_number=True) for label in labels)]
    records: list[Record] = []
    for section in report.sections:
        for line in section.lines:
            record = {
                "section": section.kind,
                "kind": "set" if line.is_account_set else "account",
                "code": line.code,
                "name": line.name,
                "depth": line.depth,
                "currency": line.currency,
            }
            records.append({**record, **_by_label(labels, line.amounts)})
        for each in section.totals:
            record = {"section": section.kind, "kind": "total", "currency": each.currency}
            records.append({**record, **_by_label(labels, each.amounts)})
    for total in report.totals:
        for name in sums:
            if amounts := getattr(total, name):
                record = {"section": name.upper(), "kind": "total", "currency": total.currency}
                records.append({**record, **_by_label(labels, amounts)})
    return csv_text(titles, records)


def _write_json(session: Session, journal: str, report: Statement) -> None:
    session.console.file.write(json_text({"journal": journal, **dataclasses.asdict(report)}) + "\n")


def _print_head(session: Session, title: str, period: str, report: Statement) -> None:
    session.console.print(Text(title, style="bold"), soft_wrap=True)
    session.note(f"{period}; {about(report)}")
    if not report.totals:
        session.note("\nnothing was posted")


def _print_currency(
    session: Session, report: Statement, total: Total, labels: Sequence[str]
) -> None:
    """Print the lines of one currency."""
    session.console.print()
    session.console.print(Text(total.currency, style="bold"))
    titles = [Column(""), *(Column(label, is_number=True) for label in labels)]
    records = list(_records(report, total, labels))
    if isinstance(total, BalanceSheetTotal):
        check = f"{_CHECK} - translation" if total.translation_difference else _CHECK
        footer = {"": check, **_by_label(labels, total.difference)}
    else:
        footer = {"": "net income", **_by_label(labels, total.net_income)}
    print_grid(session.console, Grid(titles, records, [footer]))


def _records(report: Statement, total: Total, labels: Sequence[str]) -> Iterator[Record]:
    for section in report.sections:
        if section.kind is SectionKind.UNMAPPED and isinstance(total, BalanceSheetTotal):
            yield from _sums(total, labels)
        amounts = [each.amounts for each in section.totals if each.currency == total.currency]
        lines = [line for line in section.lines if line.currency == total.currency]
        name = section.kind.replace("_", " ")
        if amounts or lines:
            yield {"": name}
        for line in lines:
            yield {"": f"  {_title(line)}", **_by_label(labels, line.amounts, hide_zeros=True)}
        for each in amounts:
            yield {"": f"total {name.lower()}", **_by_label(labels, each)}


def _sums(total: BalanceSheetTotal, labels: Sequence[str]) -> Iterator[Record]:
    for name, title in _BALANCE_SHEET_SUMS.items():
        if amounts := getattr(total, name):
            yield {"": title, **_by_label(labels, amounts)}


def _title(line: SectionLine) -> str:
    """Return the title of a line: sets are told from accounts, a name from the code it repeats."""
    code = line.code + ("/" if line.is_account_set else "")
    name = f" {line.name}" if line.name and line.name != line.code else ""
    several = f" (in {' and '.join(line.categories)})" if line.categories else ""
    repeated = " (shown above already)" if line.is_repeated else ""
    return "  " * line.depth + code + name + several + repeated


def check_balance_sheet(session: Session, report: BalanceSheet) -> ExitCode | None:
    """Say whether assets equal liabilities, equity and earnings, and what stands between them."""
    broken = [total.currency for total in report.totals if any(total.unexplained)]
    if broken:
        message = f"debits and credits differ in {', '.join(broken)}: the ledger is broken"
        session.errors.print(Text(f"  {message.upper()}  ", style="bold white on red"))
        print_error(session.errors, message, hint="stop posting and keep the database as it is")
        return ExitCode.FAILURE
    if session.output is not Output.TABLE or not report.totals:
        return None
    session.note("")
    apart = [total.currency for total in report.totals if any(total.difference)]
    if apart:
        text = f"{', '.join(apart)}: the difference is what stands unmapped or off balance"
        session.console.print(Text(text, style="yellow"), soft_wrap=True)
    else:
        translated = " + translation" if report.reporting_currency else ""
        text = f"assets = liabilities + equity + earnings{translated} in each currency"
        session.console.print(Text(text, style="green"))
    return None


def _section(report: Statement, kind: SectionKind) -> Section:
    return next(section for section in report.sections if section.kind is kind)


def _by_label(
    labels: Sequence[str], amounts: Sequence[Decimal], *, hide_zeros: bool = False
) -> Record:
    pairs = zip(labels, amounts, strict=True)
    return {label: (amount or None) if hide_zeros else amount for label, amount in pairs}
