"""`ledgerctl report`: reports of the books."""

from typing import Annotated

import typer

from ledger_client.cli.arguments import AsOf
from ledger_client.cli.failures import ExitCode
from ledger_client.cli.report_files import ReportFile, write_report
from ledger_client.cli.report_options import (
    REPORT_TIMEOUT_SECONDS,
    AsKnownAt,
    Compare,
    Currency,
    Depth,
    FiscalYearStart,
    From,
    Interval,
    LayerName,
    LayerOption,
    Periods,
    ReportingCurrency,
    WithoutClosing,
    ZeroRows,
    comparison,
)
from ledger_client.cli.session import Session, command
from ledger_client.cli.statement_sections import (
    check_balance_sheet,
    show_balance_sheet,
    show_income_statement,
)
from ledger_client.cli.trial_balances import check_trial_balance, show_trial_balance
from ledger_client.documents.statements import balance_sheet_sheet, income_statement_sheet
from ledger_client.documents.trial_balance import trial_balance_sheet
from ledger_client.models import Layer, TrialBalanceForm

app = typer.Typer(no_args_is_help=True, help="Reports of the books.")


@command(app, "trial-balance", timeout_seconds=REPORT_TIMEOUT_SECONDS)
async def trial_balance(
    session: Session,
    *,
    from_date: From = None,
    as_of: AsOf = None,
    currency: Currency = None,
    layer: LayerOption = LayerName.SETTLED,
    zero_rows: ZeroRows = False,
    depth: Annotated[
        int, typer.Option(min=0, metavar="N", help="Sum up by account sets, so many levels deep.")
    ] = 0,
    gross: Annotated[
        bool, typer.Option("--gross", help="All debits and credits of openings and closings.")
    ] = False,
    without_closing: WithoutClosing = False,
    compare: Compare = 0,
    interval: Interval = None,
    period: Periods = None,
    as_known_at: AsKnownAt = None,
    file: ReportFile = None,
) -> ExitCode | None:
    """Print the trial balance: opening, movement and closing of each account in each currency.

    Openings and closings are net: one of the two is zero. With earlier columns a table shows the
    closings. CSV ends with a row TOTAL for each currency.
    """
    journal = await session.journal()
    report = await session.ledger.get_trial_balance(
        journal,
        from_date=from_date,
        as_of=as_of,
        layer=Layer[layer.name],
        currency=currency,
        include_zero_rows=zero_rows,
        as_known_at=as_known_at,
        set_depth=depth,
        form=TrialBalanceForm.GROSS if gross else TrialBalanceForm.NET,
        without_closing=without_closing,
        comparison=comparison(compare, interval, period),
    )
    if file is not None:
        write_report(session, file, [trial_balance_sheet(journal, report)])
        return check_trial_balance(session, report)
    return show_trial_balance(session, journal, report)


@command(app, "balance-sheet", timeout_seconds=REPORT_TIMEOUT_SECONDS)
async def balance_sheet(
    session: Session,
    *,
    as_of: AsOf = None,
    currency: Currency = None,
    reporting_currency: ReportingCurrency = None,
    layer: LayerOption = LayerName.SETTLED,
    zero_rows: ZeroRows = False,
    depth: Depth = 0,
    fiscal_year_start: FiscalYearStart = "",
    without_closing: WithoutClosing = False,
    compare: Compare = 0,
    interval: Interval = None,
    period: Periods = None,
    as_known_at: AsKnownAt = None,
    file: ReportFile = None,
) -> ExitCode | None:
    """Print the balance sheet: assets, liabilities, equity and earnings, and what is left over.

    The chart is made of account sets with a category; what stands in none is shown apart. Without
    `--as-of` it is of the day on which the last event was recorded. `--in` converts at the closing
    rate, earnings of the year at the rate of each day.
    """
    journal = await session.journal()
    report = await session.ledger.get_balance_sheet(
        journal,
        as_of=as_of,
        layer=Layer[layer.name],
        currency=currency,
        include_zero_rows=zero_rows,
        as_known_at=as_known_at,
        set_depth=depth,
        fiscal_year_start=fiscal_year_start,
        without_closing=without_closing,
        comparison=comparison(compare, interval, period),
        reporting_currency=reporting_currency,
    )
    if file is not None:
        write_report(session, file, [balance_sheet_sheet(journal, report)])
        return check_balance_sheet(session, report)
    return show_balance_sheet(session, journal, report)


@command(app, "income-statement", timeout_seconds=REPORT_TIMEOUT_SECONDS)
async def income_statement(
    session: Session,
    *,
    from_date: From = None,
    as_of: AsOf = None,
    currency: Currency = None,
    reporting_currency: ReportingCurrency = None,
    layer: LayerOption = LayerName.SETTLED,
    zero_rows: ZeroRows = False,
    depth: Depth = 0,
    fiscal_year_start: FiscalYearStart = "",
    without_closing: WithoutClosing = False,
    compare: Compare = 0,
    interval: Interval = None,
    period: Periods = None,
    as_known_at: AsKnownAt = None,
    file: ReportFile = None,
) -> None:
    """Print the income statement: revenue, expenses and net income of a range of days.

    Without `--from` it begins with the fiscal year. A year that was closed shows no income unless
    closing entries are left out. `--in` converts at the rate of each day.
    """
    journal = await session.journal()
    report = await session.ledger.get_income_statement(
        journal,
        from_date=from_date,
        as_of=as_of,
        layer=Layer[layer.name],
        currency=currency,
        include_zero_rows=zero_rows,
        as_known_at=as_known_at,
        set_depth=depth,
        fiscal_year_start=fiscal_year_start,
        without_closing=without_closing,
        comparison=comparison(compare, interval, period),
        reporting_currency=reporting_currency,
    )
    if file is not None:
        write_report(session, file, [income_statement_sheet(journal, report)])
        return
    show_income_statement(session, journal, report)
