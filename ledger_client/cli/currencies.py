"""`ledgerctl currency`: units of account."""

import dataclasses
from typing import Annotated

import typer

from ledger_client.cli.rendering import columns
from ledger_client.cli.session import Session, command

app = typer.Typer(no_args_is_help=True, help="Currencies: units of account of a journal.")


@command(app, "register")
async def register(
    session: Session,
    code: Annotated[str, typer.Argument(help="1 to 16 of A-Z 0-9 . _ -, a letter first.")],
    exponent: Annotated[int, typer.Argument(min=0, max=18, help="Decimals: USD 2, BTC 8, JPY 0.")],
) -> None:
    """Make a currency usable in a journal; one that is there with the same exponent stays."""
    journal = await session.journal()
    currency = await session.ledger.register_currency(journal, code, exponent)
    session.show(dataclasses.asdict(currency))


@command(app, "list")
async def list_all(session: Session) -> None:
    """List the currencies of a journal by code: ISO 4217, BTC and those registered."""
    journal = await session.journal()
    records = [dataclasses.asdict(each) async for each in session.ledger.list_currencies(journal)]
    session.show_list(columns("code", "#exponent"), records)
