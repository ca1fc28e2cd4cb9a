"""`ledgerctl cursor`: how far followers of a journal have come."""

import dataclasses
from typing import Annotated

import typer

from ledger_client.cli.rendering import Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.models import Cursor

app = typer.Typer(
    no_args_is_help=True, help="Cursors: how far publishers and other followers have come."
)

_COLUMNS = columns("name", "#position", "holder", "lease_expire_time", "update_time")


@command(app, "list")
async def list_all(session: Session) -> None:
    """List the cursors of a journal, and who is at work."""
    found = session.ledger.list_cursors(await session.journal())
    records = [_record(cursor) async for cursor in found]
    session.show_list(_COLUMNS, records, nothing="nobody has followed the journal with a cursor")


@command(app, "reset")
async def reset(
    session: Session,
    name: Annotated[str, typer.Argument(help="Name of the cursor.")],
    position: Annotated[
        int, typer.Argument(min=0, help="The last event that counts as handled; 0 for none.")
    ],
) -> None:
    """Put a cursor that nobody holds elsewhere: back to send again, forward to leave out."""
    cursor = await session.ledger.reset_cursor(await session.journal(), name, position)
    session.show(_record(cursor))


def _record(cursor: Cursor) -> Record:
    return dataclasses.asdict(cursor)
