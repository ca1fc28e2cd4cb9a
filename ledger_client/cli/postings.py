"""`ledgerctl post`: one transaction from a template."""

import dataclasses
import datetime as dt
from typing import Annotated

import typer

from ledger_client.cli.arguments import (
    Id,
    Metadata,
    date_option,
    parse_metadata,
    parse_params,
    parse_sequence,
)
from ledger_client.cli.failures import ExitCode, exit_code_of
from ledger_client.cli.session import Session, command, print_failure
from ledger_client.cli.transaction_records import show_transaction, show_validation
from ledger_client.errors import UnavailableError, from_refusal
from ledger_client.ids import new_id
from ledger_client.models import Posting

app = typer.Typer()

Template = Annotated[str, typer.Argument(metavar="TEMPLATE", help="Code, such as TRANSFER.")]
Params = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME=VALUE]...",
        help="A param's value as text, or NAME:=JSON for true, lists and objects.",
    ),
]
Version = Annotated[
    int | None,
    typer.Option("--template-version", parser=parse_sequence, metavar="N", help="Else the newest."),
]


@command(app, "post")
async def post(
    session: Session,
    template: Template,
    params: Params = None,
    *,
    transaction_id: Id = None,
    date: Annotated[
        dt.date | None, date_option("--date", "When it counts; else as the template, or today.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="For people.")] = None,
    external_id: Annotated[str | None, typer.Option(help="Unique in the journal.")] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Ties transactions together.")] = None,
    metadata: Metadata = None,
    template_version: Version = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")] = False,
) -> ExitCode | None:
    """Post one transaction from a template: ledgerctl post TRANSFER from=A to=B amount=12.34 ...

    With --id the same command again posts nothing new: an id stands for one posting for ever.
    """
    posting = Posting(
        template_code=template,
        params=parse_params(params or ()),
        transaction_id=transaction_id or new_id(),
        effective_date=date,
        description=description,
        external_id=external_id,
        correlation_id=correlation_id,
        metadata=parse_metadata(metadata),
        template_version=template_version,
    )
    if dry_run:
        return await validate(session, posting)
    fields = {each.name: getattr(posting, each.name) for each in dataclasses.fields(posting)}
    try:
        result = await session.ledger.post(await session.journal(), **fields)
    except UnavailableError as error:
        # Whether it was posted is not known: only with the same id is it safe to try again.
        await print_failure(session, error)
        session.errors.print(f"to repeat it safely, add --id {posting.transaction_id}")
        return exit_code_of(error)
    show_transaction(session, result.transaction, replayed=result.replayed)
    if result.replayed:
        session.note("\nit was there already: nothing was posted again")
    return None


async def validate(session: Session, posting: Posting) -> ExitCode | None:
    """Show what a posting would do; return the exit code that it would have."""
    fields = {each.name: getattr(posting, each.name) for each in dataclasses.fields(posting)}
    validation = await session.ledger.validate(await session.journal(), **fields)
    show_validation(session, validation)
    if validation.refusal is None:
        return None
    refusal = from_refusal(validation.refusal)
    await print_failure(session, refusal)
    return exit_code_of(refusal)
