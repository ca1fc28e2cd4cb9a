"""`ledgerctl hold`: money promised, then captured or released."""

import datetime as dt
import enum
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
    Version,
    date_option,
    parse_id,
    parse_metadata,
    parse_moment,
    parse_params,
)
from ledger_client.cli.failures import ExitCode
from ledger_client.cli.hold_records import show_hold, show_holds
from ledger_client.cli.postings import Template
from ledger_client.cli.session import Session, command, print_in_doubt
from ledger_client.cli.transaction_records import show_result
from ledger_client.errors import UnavailableError
from ledger_client.ids import new_id
from ledger_client.models import HoldStatus

app = typer.Typer(no_args_is_help=True, help="Holds: money promised, captured or released later.")

HoldId = Annotated[
    UUID, typer.Argument(metavar="HOLD_ID", parser=parse_id, help="The id of the hold.")
]


class Status(enum.StrEnum):
    """A status as typed."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


@command(app, "place")
async def place(
    session: Session,
    template: Template,
    params: Params = None,
    *,
    hold_id: Id = None,
    expires: Annotated[
        dt.datetime | None,
        typer.Option(
            parser=parse_moment,
            metavar="MOMENT|+SPAN",
            help="2026-01-31T18:00:00Z, or from now: +45m, +7d. Else it never expires.",
        ),
    ] = None,
    date: Annotated[
        dt.date | None, date_option("--date", "When it counts; else as the template, or today.")
    ] = None,
    description: Description = None,
    external_id: ExternalId = None,
    correlation_id: CorrelationId = None,
    metadata: Metadata = None,
    template_version: Version = None,
    behind_soft_lock: BehindSoftLock = False,
) -> ExitCode | None:
    """Promise what a template would move: ledgerctl hold place CARD_PURCHASE amount=50.00 ...

    The money is no longer available, and nothing has moved. With --id the same command again
    places nothing new; then name the moment of expiry, as +SPAN is another one each time.
    """
    key = hold_id or new_id()
    try:
        result = await session.ledger.place_hold(
            await session.journal(),
            template,
            parse_params(params or ()),
            hold_id=key,
            expire_time=expires,
            template_version=template_version,
            effective_date=date,
            description=description,
            external_id=external_id,
            correlation_id=correlation_id,
            metadata=parse_metadata(metadata),
            behind_soft_lock=behind_soft_lock,
        )
    except UnavailableError as error:
        moment = f" --expires {expires.isoformat()}" if expires else ""
        return await print_in_doubt(session, error, f"--id {key}{moment}")
    show_hold(session, result.hold, replayed=result.replayed)
    if result.replayed:
        session.note("\nit was there already: nothing was placed again")
    return None


@command(app, "capture")
async def capture(
    session: Session,
    hold_id: HoldId,
    params: Params = None,
    *,
    final: Annotated[
        bool, typer.Option("--final", help="Give back what this capture leaves.")
    ] = False,
    capture_id: Id = None,
    date: Annotated[dt.date | None, date_option("--date", "When it counts; else today.")] = None,
    description: Description = None,
    external_id: ExternalId = None,
    correlation_id: CorrelationId = None,
    metadata: Metadata = None,
    behind_soft_lock: BehindSoftLock = False,
) -> ExitCode | None:
    """Move what was promised: all that is left of a hold.

    With params, only a part: ledgerctl hold capture ID amount=5.00 captures what the hold would
    have been with that amount, as often as something is left.
    """
    key = capture_id or new_id()
    try:
        result = await session.ledger.capture_hold(
            await session.journal(),
            hold_id,
            parse_params(params or ()),
            capture_id=key,
            final=final,
            effective_date=date,
            description=description,
            external_id=external_id,
            correlation_id=correlation_id,
            metadata=parse_metadata(metadata),
            behind_soft_lock=behind_soft_lock,
        )
    except UnavailableError as error:
        return await print_in_doubt(session, error, f"--id {key}")
    show_result(session, result)
    return None


@command(app, "release")
async def release(
    session: Session,
    hold_id: HoldId,
    *,
    release_id: Id = None,
    date: Annotated[dt.date | None, date_option("--date", "When it counts; else today.")] = None,
    description: Description = None,
    metadata: Metadata = None,
    behind_soft_lock: BehindSoftLock = False,
) -> ExitCode | None:
    """Give back all that is left of a hold."""
    key = release_id or new_id()
    try:
        result = await session.ledger.release_hold(
            await session.journal(),
            hold_id,
            release_id=key,
            effective_date=date,
            description=description,
            metadata=parse_metadata(metadata),
            behind_soft_lock=behind_soft_lock,
        )
    except UnavailableError as error:
        return await print_in_doubt(session, error, f"--id {key}")
    show_result(session, result)
    return None


@command(app, "show")
async def show(session: Session, hold_id: HoldId) -> None:
    """Show a hold: for each entry what was placed, captured, released, and is left."""
    show_hold(session, await session.ledger.get_hold(await session.journal(), hold_id))


@command(app, "list")
async def list_all(
    session: Session,
    *,
    account: Annotated[
        str | None, typer.Option(help="Only those with an entry on it: code or id.")
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only those in this status.")] = None,
    expire_before: Annotated[
        dt.datetime | None,
        typer.Option(
            parser=parse_moment,
            metavar="MOMENT|+SPAN",
            help="Only those that expire by then: 2026-01-31T18:00:00Z, or from now, +24h.",
        ),
    ] = None,
) -> None:
    """List holds in the order in which they were placed. CSV has a row for each entry."""
    found = session.ledger.list_holds(
        await session.journal(),
        account=account,
        status=HoldStatus[status.name] if status else None,
        expire_before=expire_before,
    )
    show_holds(session, [hold async for hold in found])
