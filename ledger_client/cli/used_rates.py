"""Below a converted statement: the rates that it was converted with, and what had none."""

from rich.text import Text

from ledger_client.cli.rendering import Grid, Record, columns, print_grid
from ledger_client.cli.session import Session
from ledger_client.models import BalanceSheet, IncomeStatement


def print_rates(session: Session, report: BalanceSheet | IncomeStatement) -> None:
    """Print what a statement was converted with; nothing if it was not converted."""
    if not report.reporting_currency:
        return
    session.console.print()
    session.console.print(Text(f"converted to {report.reporting_currency}", style="bold"))
    if report.used_rates:
        titles = columns("base", "quote", "from", "rate", "source", "sequence")
        records: list[Record] = [
            {
                "base": used.rate.base,
                "quote": used.rate.quote,
                "from": used.rate.effective_time,
                "rate": used.rate.rate,
                "source": used.rate.source,
                "sequence": used.rate.sequence,
            }
            for used in report.used_rates
        ]
        print_grid(session.console, Grid(titles, records, []))
    else:
        session.note("no rate was used")
    if report.unconverted:
        codes = ", ".join(report.unconverted)
        text = f"without a rate, in their own currency: {codes}"
        session.console.print(Text(text, style="yellow"), soft_wrap=True)
