"""`ledgerctl post`: one transaction from a template."""

import dataclasses
import datetime as dt
from typing import Annotated

import typer

from ledger_client.cli.arguments import (
    BehindSoftLock,
    CorrelationId,
    Description,
    ExternalId,
    Id,
    Metadata,
    Params,
    Version,
    date_option,
    parse_metadata,
    parse_params,
)
from ledger_client.cli.failures import ExitCode, exit_code_of
from ledger_client.cli.session import Session, command, print_failure, print_in_doubt
from ledger_client.cli.transaction_records import show_result, show_validation
from ledger_client.errors import UnavailableError, from_refusal
from ledger_client.ids import new_id
from ledger_client.models import Posting

app = typer.Typer()

Template = Annotated[str, typer.Argument(metavar="TEMPLATE", help="Code, such as TRANSFER.")]


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
    description: Description = None,
    external_id: ExternalId = None,
    correlation_id: CorrelationId = None,
    metadata: Metadata = None,
    template_version: Version = None,
    behind_soft_lock: BehindSoftLock = False,
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
        behind_soft_lock=behind_soft_lock,
    )
    if dry_run:
        return await validate(session, posting)
    fields = {each.name: getattr(posting, each.name) for each in dataclasses.fields(posting)}
    try:
        result = await session.ledger.post(await session.journal(), **fields)
    except UnavailableError as error:
        return await print_in_doubt(session, error, f"--id {posting.transaction_id}")
    show_result(session, result)
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
