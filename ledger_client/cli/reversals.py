"""`ledgerctl reverse`: takes a transaction back."""

import datetime as dt
from typing import Annotated
from uuid import UUID

import typer

from ledger_client.cli.arguments import (
    BehindSoftLock,
    CorrelationId,
    Description,
    ExternalId,
    Id,
    Metadata,
    Params,
    date_option,
    parse_id,
    parse_metadata,
    parse_params,
)
from ledger_client.cli.failures import ExitCode
from ledger_client.cli.session import Session, command, print_in_doubt
from ledger_client.cli.transaction_records import show_result
from ledger_client.errors import UnavailableError
from ledger_client.ids import new_id

app = typer.Typer()


@command(app, "reverse")
async def reverse(
    session: Session,
    reverses: Annotated[
        UUID,
        typer.Argument(metavar="TRANSACTION_ID", parser=parse_id, help="What to take back."),
    ],
    params: Params = None,
    *,
    date: Annotated[dt.date, date_option("--date", "On which day it is taken back.")],
    force: Annotated[
        bool, typer.Option("--force", help="Pass standing limits, nothing else.")
    ] = False,
    reversal_id: Id = None,
    description: Description = None,
    external_id: ExternalId = None,
    correlation_id: CorrelationId = None,
    metadata: Metadata = None,
    behind_soft_lock: BehindSoftLock = False,
) -> ExitCode | None:
    """Post the opposite of a transaction: all that is left of it.

    With params, only a part: ledgerctl reverse ID amount=5.00 --date 2026-01-31 takes back what
    the transaction would have been with that amount.
    """
    key = reversal_id or new_id()
    try:
        result = await session.ledger.reverse_transaction(
            await session.journal(),
            reverses,
            effective_date=date,
            params=parse_params(params or ()),
            transaction_id=key,
            description=description,
            external_id=external_id,
            correlation_id=correlation_id,
            metadata=parse_metadata(metadata),
            force=force,
            behind_soft_lock=behind_soft_lock,
        )
    except UnavailableError as error:
        return await print_in_doubt(session, error, f"--id {key}")
    show_result(session, result)
    return None
