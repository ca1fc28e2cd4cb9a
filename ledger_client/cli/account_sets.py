"""`ledgerctl set`: groups of accounts, of which charts are made."""

import dataclasses
import enum
from typing import Annotated

import typer

from ledger_client.cli.accounts import Side
from ledger_client.cli.arguments import Id, Metadata, parse_metadata
from ledger_client.cli.rendering import Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.models import AccountCategory, AccountSet, Direction

app = typer.Typer(no_args_is_help=True, help="Account sets: groups of accounts and of sets.")

_COLUMNS = columns("code", "name", "category", "normal_side", "metadata", "create_time", "id")
_TABLE_COLUMNS = columns("code", "name", "category", "normal_side")

Code = Annotated[str, typer.Argument(help="Code or id of the set.")]
Accounts = Annotated[
    list[str] | None, typer.Option("--account", help="Code or id of an account; may be repeated.")
]
MemberSets = Annotated[
    list[str] | None, typer.Option("--set", help="Code or id of a set; may be repeated.")
]


class Category(enum.StrEnum):
    """A category as typed."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    REVENUE = "revenue"
    EXPENSE = "expense"
    OFF_BALANCE = "off-balance"


@command(app, "create")
async def create(
    session: Session,
    code: Annotated[str, typer.Argument(help="Unique among the journal's sets; never changes.")],
    *,
    name: Annotated[str, typer.Option(help="Title; else the code.")] = "",
    category: Annotated[
        Category | None, typer.Option(help="Where it belongs in the statements; else inherited.")
    ] = None,
    normal_side: Annotated[Side | None, typer.Option(help="If it has one of its own.")] = None,
    set_id: Id = None,
    metadata: Metadata = None,
) -> None:
    """Create a set."""
    account_set = await session.ledger.create_account_set(
        await session.journal(),
        code,
        name=name,
        category=AccountCategory[category.name] if category else None,
        normal_side=Direction[normal_side.name] if normal_side else None,
        id=set_id,
        metadata=parse_metadata(metadata),
    )
    session.show(_record(account_set))


@command(app, "show")
async def show(session: Session, code: Code) -> None:
    """Show a set; its members are shown by `set members`."""
    session.show(_record(await session.ledger.get_account_set(await session.journal(), code)))


@command(app, "list")
async def list_all(session: Session) -> None:
    """List sets by code."""
    found = session.ledger.list_account_sets(await session.journal())
    records = [_record(account_set) async for account_set in found]
    session.show_list(_COLUMNS, records, table_titles=_TABLE_COLUMNS, nothing="no sets yet")


@command(app, "add")
async def add(
    session: Session, code: Code, accounts: Accounts = None, member_sets: MemberSets = None
) -> None:
    """Put accounts and sets into a set, all or none."""
    _some(accounts, member_sets)
    count = await session.ledger.add_account_set_members(
        await session.journal(), code, accounts=accounts or (), member_sets=member_sets or ()
    )
    session.show({"added": count})


@command(app, "remove")
async def remove(
    session: Session, code: Code, accounts: Accounts = None, member_sets: MemberSets = None
) -> None:
    """Take accounts and sets out of a set, all or none."""
    _some(accounts, member_sets)
    count = await session.ledger.remove_account_set_members(
        await session.journal(), code, accounts=accounts or (), member_sets=member_sets or ()
    )
    session.show({"removed": count})


@command(app, "members")
async def members(session: Session, code: Code) -> None:
    """List the direct members of a set: sets first, each kind by code."""
    found = session.ledger.list_account_set_members(await session.journal(), code)
    records = [
        {
            "kind": "set" if member.is_account_set else "account",
            "code": member.code,
            "name": member.name,
            "id": member.id,
        }
        async for member in found
    ]
    titles = columns("kind", "code", "name", "id")
    session.show_list(titles, records, table_titles=titles[:3], nothing="the set is empty")


def _some(accounts: list[str] | None, member_sets: list[str] | None) -> None:
    if not accounts and not member_sets:
        raise typer.BadParameter("name a member: --account CODE or --set CODE")


def _record(account_set: AccountSet) -> Record:
    fields = dataclasses.asdict(account_set)
    return {column.name: fields[column.name] for column in _COLUMNS}
