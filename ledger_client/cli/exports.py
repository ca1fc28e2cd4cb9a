"""`ledgerctl export`: a journal as text for programs that others wrote."""

import datetime as dt
from typing import Annotated, Final

import typer

from ledger_client.cli.arguments import date_option
from ledger_client.cli.report_options import WithoutClosing
from ledger_client.cli.session import Session, command
from ledger_client.plain_text import read_books, transactions_up_to
from ledger_client.plain_text.beancount import Beancount
from ledger_client.plain_text.hledger import Hledger

app = typer.Typer(no_args_is_help=True, help="The whole journal as text for other programs.")

#: What closes a fiscal year, or takes a close back, is marked with it.
CLOSING_TAG: Final = "closing"

ToDate = Annotated[dt.date | None, date_option("--to", "Last effective day; else everything.")]


@command(app, "hledger", timeout_seconds=60.0)
async def hledger(
    session: Session, *, to_date: ToDate = None, without_closing: WithoutClosing = False
) -> None:
    """Write the settled entries as an hledger journal, for `hledger -f FILE balancesheet`.

    Accounts keep their codes; what the chart says of them becomes their type. What
    closes a fiscal year has the tag `closing`.
    """
    await _write(session, Hledger, to_date, without_closing=without_closing)


@command(app, "beancount", timeout_seconds=60.0)
async def beancount(
    session: Session, *, to_date: ToDate = None, without_closing: WithoutClosing = False
) -> None:
    """Write the settled entries as a beancount file, for `bean-check FILE`.

    Accounts stand below the root of their category; their codes are in the metadata `code`.
    What closes a fiscal year has the tag `closing`.
    """
    await _write(session, Beancount, to_date, without_closing=without_closing)


async def _write(
    session: Session,
    program: type[Hledger] | type[Beancount],
    to_date: dt.date | None,
    *,
    without_closing: bool,
) -> None:
    journal = await session.journal()
    books = await read_books(session.ledger, journal)
    writer = program(books)
    out = session.console.file
    out.writelines(f"{line}\n" for line in writer.head())
    found = transactions_up_to(session.ledger, journal, books.position, to_date)
    async for transaction, is_closing in found:
        if not (is_closing and without_closing):
            tags = (CLOSING_TAG,) if is_closing else ()
            out.writelines(f"{line}\n" for line in writer.transaction(transaction, tags))
