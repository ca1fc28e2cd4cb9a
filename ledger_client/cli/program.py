"""All commands of `ledgerctl` in one tree."""

from typing import Final

import typer

from ledger_client.cli import (
    account_sets,
    accounts,
    anchors,
    balances,
    charts,
    checkpoints,
    currencies,
    cursors,
    dead_letters,
    erasures,
    events,
    exports,
    fiscal_years,
    holds,
    imports,
    journals,
    limits,
    periods,
    postings,
    proofs,
    publishing,
    rates,
    reports,
    reversals,
    statements,
    templates,
    topologies,
    transactions,
    verification,
    versions,
    web,
)
from ledger_client.cli.bank import commands as bank
from ledger_client.cli.failures import EXIT_CODES_HELP
from ledger_client.cli.session import OutputFormat, Server, Settings, Timeout

app: Final = typer.Typer(
    name="ledgerctl",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(journals.app, name="journal")
app.add_typer(currencies.app, name="currency")
app.add_typer(accounts.app, name="account")
app.add_typer(account_sets.app, name="set")
app.add_typer(charts.app, name="chart")
app.add_typer(templates.app, name="template")
app.add_typer(postings.app)
app.add_typer(holds.app, name="hold")
app.add_typer(reversals.app)
app.add_typer(transactions.app, name="transaction")
app.add_typer(balances.app)
app.add_typer(limits.app, name="limit")
app.add_typer(periods.app, name="period")
app.add_typer(fiscal_years.app, name="year")
app.add_typer(rates.app, name="rate")
app.add_typer(events.app, name="events")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(imports.app, name="import")
app.add_typer(exports.app, name="export")
app.add_typer(erasures.app)
reports.app.add_typer(statements.app)
app.add_typer(reports.app, name="report")
app.add_typer(web.app)
app.add_typer(verification.app)
app.add_typer(checkpoints.app, name="checkpoint")
app.add_typer(proofs.app, name="proof")
app.add_typer(anchors.app)
app.add_typer(topologies.app, name="topology")
app.add_typer(publishing.app)
app.add_typer(cursors.app, name="cursor")
app.add_typer(bank.app, name="bank")
app.add_typer(versions.app)


@app.callback(epilog=EXIT_CODES_HELP)
def ledgerctl(
    context: typer.Context,
    server: Server = None,
    timeout: Timeout = None,
    output: OutputFormat = None,
) -> None:
    """Keep books on a ledger server: accounts, templates, postings, holds, limits, reports.

    Amounts are exact decimals in whole currency units. Where an option stands, before or after
    the command, makes no difference.
    """
    context.obj = Settings(server=server, timeout=timeout, output=output)
