"""`ledgerctl transaction`: what was posted."""

import datetime as dt
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import typer

from ledger_client.amounts import EXACT
from ledger_client.cli.arguments import date_option, parse_id, parse_sequence
from ledger_client.cli.rendering import Output, Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.cli.transaction_records import (
    entries_csv,
    show_transaction,
    transaction_record,
)
from ledger_client.models import Direction, Transaction

app = typer.Typer(no_args_is_help=True, help="Transactions: what was posted.")

_TABLE_COLUMNS = columns("date", "description", "external_id", "#amount", "currency", "id")


@command(app, "show")
async def show(
    session: Session,
    transaction_id: Annotated[
        UUID, typer.Argument(metavar="ID", parser=parse_id, help="The transaction's id.")
    ],
) -> None:
    """Show a transaction and its entries."""
    journal = await session.journal()
    show_transaction(session, await session.ledger.get_transaction(journal, transaction_id))


@command(app, "list")
async def list_all(
    session: Session,
    *,
    account: Annotated[
        str | None, typer.Option(help="Only those with an entry on it: code or id.")
    ] = None,
    from_date: Annotated[dt.date | None, date_option("--from", "First day.")] = None,
    to_date: Annotated[dt.date | None, date_option("--to", "Last day.")] = None,
    external_id: Annotated[str | None, typer.Option(help="Only the one with this.")] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Only those with this.")] = None,
    newest_first: Annotated[
        bool, typer.Option("--newest-first", help="Turn the order around.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(parser=parse_sequence, metavar="N", help="At most so many; else all."),
    ] = None,
) -> None:
    """List transactions by date, then in the order of posting. CSV has a row for each entry."""
    found = session.ledger.list_transactions(
        await session.journal(),
        account=account,
        from_date=from_date,
        to_date=to_date,
        external_id=external_id,
        correlation_id=correlation_id,
        newest_first=newest_first,
    )
    transactions: list[Transaction] = []
    async for transaction in found:
        transactions.append(transaction)
        if len(transactions) == limit:
            break
    if session.output is Output.CSV:
        session.console.file.write(entries_csv(transactions) + "\n")
    elif session.output is Output.JSON:
        session.show_list([], [transaction_record(each) for each in transactions])
    else:
        rows = [row for transaction in transactions for row in _rows(transaction)]
        session.show_list(_TABLE_COLUMNS, rows, nothing="no such transaction")


def _rows(transaction: Transaction) -> list[Record]:
    """Return a line for each currency, with the sum of its debits."""
    sums: dict[str, Decimal] = {}
    for entry in transaction.entries:
        if entry.direction is Direction.DEBIT:
            sums[entry.currency] = EXACT.add(sums.get(entry.currency, Decimal(0)), entry.units)
    head = {
        "date": transaction.effective_date,
        "description": transaction.description,
        "external_id": transaction.external_id,
        "id": transaction.id,
    }
    amounts = [{"amount": amount, "currency": currency} for currency, amount in sums.items()]
    return [(head if index == 0 else {}) | amount for index, amount in enumerate(amounts)]
