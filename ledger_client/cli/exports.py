"""`ledgerctl export`: a journal as text for programs that others wrote."""

import datetime as dt
from typing import Annotated

import typer

from ledger_client.cli.arguments import date_option
from ledger_client.cli.session import Session, command
from ledger_client.plain_text import read_books, transactions_up_to
from ledger_client.plain_text.beancount import Beancount
from ledger_client.plain_text.hledger import Hledger

app = typer.Typer(no_args_is_help=True, help="The whole journal as text for other programs.")

ToDate = Annotated[dt.date | None, date_option("--to", "Last effective day; else everything.")]


@command(app, "hledger", timeout_seconds=60.0)
async def hledger(session: Session, *, to_date: ToDate = None) -> None:
    """Write the settled entries as an hledger journal, for `hledger -f FILE balancesheet`.

    Accounts keep their codes; what the chart says of them becomes their type.
    """
    await _write(session, Hledger, to_date)


@command(app, "beancount", timeout_seconds=60.0)
async def beancount(session: Session, *, to_date: ToDate = None) -> None:
    """Write the settled entries as a beancount file, for `bean-check FILE`.

    Accounts stand below the root of their category; their codes are in the metadata `code`.
    """
    await _write(session, Beancount, to_date)


async def _write(
    session: Session, program: type[Hledger] | type[Beancount], to_date: dt.date | None
) -> None:
    journal = await session.journal()
    books = await read_books(session.ledger, journal)
    writer = program(books)
    out = session.console.file
    out.writelines(f"{line}\n" for line in writer.head())
    async for transaction in transactions_up_to(session.ledger, journal, books.position, to_date):
        out.writelines(f"{line}\n" for line in writer.transaction(transaction))
