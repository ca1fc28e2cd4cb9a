"""`ledgerctl balance`: what stands on accounts."""

from typing import Annotated

import typer

from ledger_client.cli.arguments import AsOf
from ledger_client.cli.balance_records import CSV_COLUMNS, TABLE_COLUMNS, balance_record
from ledger_client.cli.session import Session, command

app = typer.Typer()


@command(app, "balance")
async def balance(
    session: Session,
    account: Annotated[
        str | None, typer.Argument(help="Code or id of an account; else all with entries.")
    ] = None,
    currency: Annotated[str | None, typer.Argument(help="Else all of the account.")] = None,
    as_of: AsOf = None,
) -> None:
    """Show balances: of all accounts, of one, or of one in one currency.

    The balance stands on the account's normal side; available is what can be drawn of it.
    """
    journal = await session.journal()
    if account is not None and currency is not None:
        found = [await session.ledger.get_balance(journal, account, currency, as_of=as_of)]
    else:
        listed = session.ledger.list_balances(journal, account=account, as_of=as_of)
        found = [each async for each in listed]
    titles = TABLE_COLUMNS if as_of is None else TABLE_COLUMNS[:-1]
    records = [balance_record(each) for each in found]
    session.show_list(CSV_COLUMNS, records, table_titles=titles, nothing="nothing was posted")
