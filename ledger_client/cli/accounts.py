"""`ledgerctl account`: what entries are posted to."""

import dataclasses
import enum
from typing import Annotated

import typer

from ledger_client.cli.arguments import Id, Metadata, parse_metadata
from ledger_client.cli.balance_records import TABLE_COLUMNS, balance_record
from ledger_client.cli.rendering import Grid, Output, Record, columns, print_grid
from ledger_client.cli.session import Session, command
from ledger_client.models import Account, AccountStatus, Direction

app = typer.Typer(no_args_is_help=True, help="Accounts: what entries are posted to.")

_COLUMNS = columns("code", "name", "normal_side", "status", "metadata", "create_time", "id")
_COLUMNS += columns("lock_allows_hold_ends")
_TABLE_COLUMNS = columns("code", "name", "normal_side", "status")

Code = Annotated[str, typer.Argument(help="Code or id of the account.")]


class Side(enum.StrEnum):
    """A side as typed."""

    DEBIT = "debit"
    CREDIT = "credit"


class Status(enum.StrEnum):
    """A status as typed."""

    ACTIVE = "active"
    LOCKED = "locked"
    CLOSED = "closed"


@command(app, "create")
async def create(
    session: Session,
    code: Annotated[str, typer.Argument(help="1 to 255 printable characters; never changes.")],
    *,
    normal_side: Annotated[
        Side, typer.Option(help="Debit for assets and expenses, credit for the others.")
    ],
    name: Annotated[str, typer.Option(help="Title; else the code.")] = "",
    inside: Annotated[
        list[str] | None,
        typer.Option("--in", metavar="SET", help="A leaf of the chart; may be repeated."),
    ] = None,
    account_id: Id = None,
    metadata: Metadata = None,
) -> None:
    """Create an account."""
    account = await session.ledger.create_account(
        await session.journal(),
        code,
        normal_side=Direction[normal_side.name],
        name=name,
        id=account_id,
        metadata=parse_metadata(metadata),
        account_sets=inside or (),
    )
    session.show(_record(account))


@command(app, "list")
async def list_all(
    session: Session,
    prefix: Annotated[str, typer.Option(help="Only codes that begin with this.")] = "",
    status: Annotated[Status | None, typer.Option(help="Only those in this status.")] = None,
) -> None:
    """List accounts by code."""
    accounts = session.ledger.list_accounts(
        await session.journal(),
        code_prefix=prefix,
        status=AccountStatus[status.name] if status else None,
    )
    records = [_record(account) async for account in accounts]
    session.show_list(_COLUMNS, records, table_titles=_TABLE_COLUMNS, nothing="no such account")


@command(app, "show")
async def show(session: Session, code: Code) -> None:
    """Show an account and its balances."""
    journal = await session.journal()
    account = await session.ledger.get_account(journal, code)
    found = session.ledger.list_balances(journal, account=account.id)
    balances = [balance_record(balance) async for balance in found]
    record = _record(account)
    session.show({**record, "balances": balances} if session.output is Output.JSON else record)
    if session.output is Output.TABLE:
        session.note("")
        if balances:
            print_grid(session.console, Grid(TABLE_COLUMNS[1:], balances))
        else:
            session.note("nothing was posted to it yet")


@command(app, "update")
async def update(
    session: Session,
    code: Code,
    name: Annotated[str | None, typer.Option(help="The new title.")] = None,
    metadata: Metadata = None,
    clear_metadata: Annotated[
        bool, typer.Option("--clear-metadata", help="Remove all metadata.")
    ] = False,
) -> None:
    """Change an account's title, or its metadata as a whole."""
    facts = parse_metadata(metadata)
    if name is None and facts is None and not clear_metadata:
        raise typer.BadParameter("give --name, --metadata or --clear-metadata")
    if clear_metadata and facts is not None:
        raise typer.BadParameter("--metadata and --clear-metadata exclude each other")
    journal = await session.journal()
    account = await session.ledger.update_account(
        journal, code, name=name, metadata={} if clear_metadata else facts
    )
    session.show(_record(account))


@command(app, "lock")
async def lock(
    session: Session,
    code: Code,
    allow_hold_ends: Annotated[
        bool,
        typer.Option(
            "--allow-hold-ends", help="Captures and releases of holds placed before still post."
        ),
    ] = False,
) -> None:
    """Stop an account from taking entries. Once more changes what the lock allows."""
    account = await session.ledger.lock_account(
        await session.journal(), code, allow_hold_ends=allow_hold_ends
    )
    session.show(_record(account))


@command(app, "unlock")
async def unlock(session: Session, code: Code) -> None:
    """Let a locked account take entries again."""
    session.show(_record(await session.ledger.unlock_account(await session.journal(), code)))


@command(app, "close")
async def close(session: Session, code: Code) -> None:
    """Close an account for good: only at zero in every layer and currency."""
    session.show(_record(await session.ledger.close_account(await session.journal(), code)))


def _record(account: Account) -> Record:
    fields = dataclasses.asdict(account)
    return {column.name: fields[column.name] for column in _COLUMNS}
