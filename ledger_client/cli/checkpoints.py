"""`ledgerctl checkpoint`: signed roots, to look at and to keep."""

from typing import Annotated

import typer

from ledger_client.cli.arguments import parse_sequence
from ledger_client.cli.failures import ExitCode
from ledger_client.cli.rendering import Output, Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.cli.trust import NOT_CHECKED, Key, Save, read_key, save_text, show_wrong
from ledger_client.models import Checkpoint
from ledger_client.verify import WrongError
from ledger_client.verify.checkpoints import check_checkpoint, parsed

app = typer.Typer(no_args_is_help=True, help="Checkpoints: signed roots of a journal.")

_COLUMNS = columns("#size", "sign_time", "root", "origin")


@command(app, "get")
async def get(
    session: Session,
    *,
    covers: Annotated[
        int | None,
        typer.Option(
            parser=parse_sequence,
            metavar="SEQUENCE",
            help="The oldest that covers this event; else the newest.",
        ),
    ] = None,
    key: Key = None,
    save: Save = None,
) -> ExitCode | None:
    """Print a checkpoint as it was signed: keep it where nobody who can change books can."""
    trusted = read_key(key)
    journal = await session.ledger.get_journal(await session.journal())
    received = await session.ledger.get_checkpoint(journal.id, covers_sequence=covers or 0)
    try:
        checkpoint = parsed(received.note, "of the server")
        check_checkpoint(checkpoint, journal.id, trusted, "of the server")
    except WrongError as error:
        return show_wrong(session, error)
    if save is not None:
        save_text(save, checkpoint.note)
    if session.output is Output.TABLE:
        session.console.file.write(checkpoint.note)
    else:
        session.show(_record(received))
    if trusted is None:
        session.errors.print(f"note: {NOT_CHECKED}", soft_wrap=True)
    return None


@command(app, "list")
async def list_all(
    session: Session,
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="No more than these.")] = 100,
) -> None:
    """List checkpoints, newest first, by the server's word."""
    records = []
    async for received in session.ledger.list_checkpoints(await session.journal()):
        records.append(_record(received))
        if len(records) == limit:
            break
    session.show_list(_COLUMNS, records, nothing="nothing was signed yet")


def _record(received: Checkpoint) -> Record:
    return {
        "size": received.size,
        "sign_time": received.sign_time,
        "root": received.root.hex(),
        "origin": received.origin,
        "verifier_key": received.verifier_key,
        "note": received.note,
    }
