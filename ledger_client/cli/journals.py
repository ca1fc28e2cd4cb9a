"""`ledgerctl journal`: sets of books."""

import dataclasses
from typing import Annotated

import typer

from ledger_client.cli.rendering import Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.models import Journal
from ledger_client.templates import library

app = typer.Typer(no_args_is_help=True, help="Journals: each one set of books.")

_COLUMNS = columns("code", "name", "time_zone", "#head_sequence", "create_time", "id")


@command(app, "create", of_journal=False)
async def create(
    session: Session,
    code: Annotated[str, typer.Argument(help="Name for people and programs; never changes.")],
    name: Annotated[str, typer.Option(help="Title; else the code.")] = "",
    time_zone: Annotated[
        str, typer.Option(help="IANA time zone of the journal's days, such as Europe/Zurich.")
    ] = "UTC",
) -> None:
    """Create a journal, ready for use: the built-in templates are in it."""
    templates = library()  # first, so that a broken installation leaves no half journal
    journal = await session.ledger.create_journal(code, name=name, time_zone=time_zone)
    for loaded in templates:
        await session.ledger.create_tx_template(code, loaded.template)
    session.show(_record(await session.ledger.get_journal(journal.id)))
    codes = ", ".join(loaded.template.code for loaded in templates)
    session.note(f"\n{len(templates)} templates are in it: {codes}")


@command(app, "show")
async def show(
    session: Session,
    code: Annotated[str | None, typer.Argument(help="Code or id; else as --journal.")] = None,
) -> None:
    """Show a journal and how far it has come."""
    journal = code or await session.journal()
    session.show(_record(await session.ledger.get_journal(journal)))


@command(app, "list", of_journal=False)
async def list_all(session: Session) -> None:
    """List all journals by code."""
    records = [_record(journal) async for journal in session.ledger.list_journals()]
    nothing = "no journal yet; make one: ledgerctl journal create CODE"
    session.show_list(_COLUMNS, records, nothing=nothing)


def _record(journal: Journal) -> Record:
    fields = dataclasses.asdict(journal)
    return {column.name: fields[column.name] for column in _COLUMNS}
