"""The balance sheet and the income statement as sheets."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from ledger_client.documents.conversion import conversion_notes
from ledger_client.documents.heading import period_columns, position_line, range_text, stem
from ledger_client.documents.links import Link, nowhere
from ledger_client.documents.sheet import Column, Row, RowStyle, Sheet
from ledger_client.models import (
    BalanceSheet,
    BalanceSheetTotal,
    IncomeStatement,
    IncomeStatementTotal,
    Section,
    SectionKind,
    SectionLine,
)

_TITLES: Final = {
    SectionKind.ASSETS: "Assets",
    SectionKind.LIABILITIES: "Liabilities",
    SectionKind.EQUITY: "Equity",
    SectionKind.REVENUE: "Revenue",
    SectionKind.EXPENSES: "Expenses",
    SectionKind.OFF_BALANCE: "Off balance",
    SectionKind.UNMAPPED: "Unmapped: in no part of the chart",
}


def balance_sheet_sheet(journal: str, report: BalanceSheet, link: Link = nowhere) -> Sheet:
    """Return a balance sheet as one sheet: for each currency its sections and the check."""
    parts = {section.kind: section for section in report.sections}
    rows: list[Row] = []
    for total in report.totals:
        # Earnings can stand alone where conversion left as much over.
        amounts_shown = (total.assets, total.liabilities, total.equity, total.current_earnings)
        if _is_silent(report, total.currency, *amounts_shown):
            continue
        writer = _Writer(total.currency, len(report.periods), link)
        writer.heading(total.currency)
        writer.section(parts[SectionKind.ASSETS], total.assets)
        writer.section(parts[SectionKind.LIABILITIES], total.liabilities)
        writer.section(parts[SectionKind.EQUITY], total.equity)
        _balance_sheet_end(writer, total)
        for kind, amounts in (
            (SectionKind.UNMAPPED, total.unmapped),
            (SectionKind.OFF_BALANCE, total.off_balance),
        ):
            writer.section(parts[kind], amounts, only_if_any=True)
        rows += writer.rows
    last = report.periods[0].as_of if report.periods else None
    return Sheet(
        title="Balance sheet",
        subtitles=_subtitles(journal, report, range_text(None, last)),
        columns=[*_COLUMNS, *period_columns(report.periods, as_of_only=True)],
        rows=rows,
        notes=[*_balance_sheet_notes(report), *conversion_notes(report)],
        file_stem=stem("balance-sheet", journal, None, last),
    )


def income_statement_sheet(journal: str, report: IncomeStatement, link: Link = nowhere) -> Sheet:
    """Return an income statement as one sheet: for each currency revenue, expenses, net income."""
    parts = {section.kind: section for section in report.sections}
    rows: list[Row] = []
    for total in report.totals:
        if _is_silent(report, total.currency, total.revenue, total.expenses):
            continue
        writer = _Writer(total.currency, len(report.periods), link)
        writer.heading(total.currency)
        writer.section(parts[SectionKind.REVENUE], total.revenue)
        writer.section(parts[SectionKind.EXPENSES], total.expenses)
        writer.line("Net income", total.net_income, RowStyle.TOTAL)
        unmapped = _amounts_of(parts[SectionKind.UNMAPPED], total.currency, total)
        writer.section(parts[SectionKind.UNMAPPED], unmapped, only_if_any=True)
        rows += writer.rows
    # A currency in which nothing stands in the chart has no totals: it is shown all the same.
    known = {total.currency for total in report.totals}
    for each in parts[SectionKind.UNMAPPED].totals:
        if each.currency not in known:
            writer = _Writer(each.currency, len(report.periods), link)
            writer.heading(each.currency)
            writer.section(parts[SectionKind.UNMAPPED], each.amounts, only_if_any=True)
            rows += writer.rows
    first, last = None, None
    if report.periods:
        first, last = report.periods[0].from_date, report.periods[0].as_of
    return Sheet(
        title="Income statement",
        subtitles=_subtitles(journal, report, range_text(first, last)),
        columns=[*_COLUMNS, *period_columns(report.periods, as_of_only=False)],
        rows=rows,
        notes=conversion_notes(report),
        file_stem=stem("income-statement", journal, first, last),
    )


_COLUMNS: Final = (
    Column(name="account", title="Account"),
    Column(name="name", title="Name"),
    Column(name="currency", title="Currency"),
)


class _Writer:
    """Writes the rows of one currency."""

    def __init__(self, currency: str, width: int, link: Link) -> None:
        self.rows: list[Row] = []
        self._currency = currency
        self._width = width
        self._link = link

    def heading(self, text: str, indent: int = 0) -> None:
        cells = [text, *[None] * (2 + self._width)]
        self.rows.append(Row(cells=cells, style=RowStyle.HEADING, indent=indent))

    def line(self, text: str, amounts: Sequence[Decimal], style: RowStyle) -> None:
        self.rows.append(Row(cells=[text, "", self._currency, *amounts], style=style))

    def section(
        self, section: Section, totals: Sequence[Decimal], *, only_if_any: bool = False
    ) -> None:
        lines = [line for line in section.lines if line.currency == self._currency]
        if only_if_any and not lines and not any(totals):
            return
        title = _TITLES[section.kind]
        self.heading(title, indent=1)
        self.rows += [self._line(line) for line in lines]
        self.line(f"Total {title.partition(':')[0].lower()}", totals, RowStyle.TOTAL)

    def _line(self, line: SectionLine) -> Row:
        name = "" if line.name == line.code else line.name
        if line.is_repeated:
            name = f"{name} (also shown above)".strip()
        if line.categories:
            name = f"{name} (in {', '.join(line.categories).lower()})".strip()
        return Row(
            cells=[line.code, name, self._currency, *line.amounts],
            style=RowStyle.SUBTOTAL if line.is_account_set else RowStyle.PLAIN,
            indent=line.depth + 1,
            link=self._link("set" if line.is_account_set else "account", line.code),
        )


def _balance_sheet_end(writer: _Writer, total: BalanceSheetTotal) -> None:
    writer.line("Earnings of the year", total.current_earnings, RowStyle.SUBTOTAL)
    writer.line("Earlier earnings, not closed", total.earlier_earnings, RowStyle.SUBTOTAL)
    against_title = "Liabilities, equity and earnings"
    if total.translation_difference:
        writer.line("Translation difference", total.translation_difference, RowStyle.SUBTOTAL)
        against_title = "Liabilities, equity, earnings and translation"
    # A - (A - L - E - earnings - translation) is what stands against the assets; amounts are exact.
    against = [
        assets - difference
        for assets, difference in zip(total.assets, total.difference, strict=True)
    ]
    writer.line(against_title, against, RowStyle.TOTAL)
    writer.line("Difference", total.difference, RowStyle.CHECK)


def _balance_sheet_notes(report: BalanceSheet) -> list[str]:
    notes = []
    for total in report.totals:
        if any(total.unexplained):
            notes.append(f"THE BOOKS DO NOT BALANCE IN {total.currency}: THE LEDGER IS BROKEN")
        elif any(total.difference):
            notes.append(
                f"{total.currency}: the difference is what stands outside the chart: "
                "unmapped and off balance."
            )
        else:
            more = " + translation difference" if total.translation_difference else ""
            notes.append(f"{total.currency}: assets = liabilities + equity + earnings{more}.")
    return notes


def _is_silent(
    report: BalanceSheet | IncomeStatement, currency: str, *totals: Sequence[Decimal]
) -> bool:
    """Return whether there is nothing to say in a currency: no line, and all totals zero."""
    has_lines = any(line.currency == currency for part in report.sections for line in part.lines)
    return not has_lines and not any(amount for each in totals for amount in each)


def _amounts_of(section: Section, currency: str, total: IncomeStatementTotal) -> Sequence[Decimal]:
    for each in section.totals:
        if each.currency == currency:
            return each.amounts
    return [Decimal(0)] * len(total.net_income)


def _subtitles(journal: str, report: BalanceSheet | IncomeStatement, days: str) -> list[str]:
    closing = "; without closing entries" if report.without_closing else ""
    converted = f"; in {report.reporting_currency}" if report.reporting_currency else ""
    position = position_line(report.layer, report.sequence, report.record_time)
    return [f"{journal}; {days}{closing}{converted}", position]
