"""Account sets and their members."""

import json
from collections.abc import Sequence
from uuid import UUID

from ledger_server.domain.account import AccountCategory, AccountSet, Member, NewAccountSet
from ledger_server.domain.chart import Chart
from ledger_server.domain.primitives import AccountId, Direction, JournalId, parse_uuid
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("account_sets")


async def codes_of_sets_in_tx(tx: Tx, journal_id: JournalId, codes: Sequence[str]) -> set[str]:
    """Return those of `codes`, each a code or an id, that name a set."""
    found = await ids_by_reference_in_tx(tx, journal_id, codes)
    return set(found)


async def ids_by_reference_in_tx(
    tx: Tx, journal_id: JournalId, references: Sequence[str]
) -> dict[str, UUID]:
    """Return the ids of the sets that `references` name; what names none is left out."""
    ids = {reference: parse_uuid(reference) for reference in references}
    rows = await tx.fetch(
        _SQL["sets_among"],
        journal_id,
        [set_id for set_id in ids.values() if set_id],
        [reference for reference, set_id in ids.items() if not set_id],
    )
    known: dict[UUID | str, UUID] = {}
    for row in rows:
        known[row["id"]] = row["id"]
        known[row["code"]] = row["id"]
    return {
        reference: known[set_id or reference]
        for reference, set_id in ids.items()
        if (set_id or reference) in known
    }


async def find_in_tx(tx: Tx, journal_id: JournalId, reference: str) -> AccountSet | None:
    """Return the set whose id or code is `reference`; the form of a UUID is always an id."""
    set_id = parse_uuid(reference)
    code = None if set_id else reference
    row = await tx.fetch_one(_SQL["find_set"], journal_id, set_id, code)
    return _account_set(row) if row else None


async def list_in_tx(
    tx: Tx, journal_id: JournalId, after_code: str, limit: int
) -> list[AccountSet]:
    """Return up to `limit` sets whose code is above `after_code`, by code."""
    rows = await tx.fetch(_SQL["list_sets"], journal_id, after_code, limit)
    return [_account_set(row) for row in rows]


async def insert_in_tx(
    tx: Tx, journal_id: JournalId, set_id: UUID, new: NewAccountSet
) -> AccountSet:
    """Create a set without members under the id given.

    Raises:
        ConstraintError: `account_sets_pkey` or `account_sets_code_key` if an id or code is taken.
    """
    row = await tx.fetch_one(
        _SQL["insert_set"],
        journal_id,
        set_id,
        new.code,
        new.name,
        new.category,
        new.normal_side or 0,
        json.dumps(dict(new.metadata)),
    )
    assert row is not None, "INSERT ... RETURNING gives its row"
    return _account_set(row)


async def all_in_tx(tx: Tx, journal_id: JournalId) -> Chart:
    """Return all sets of a journal and which stand in which."""
    sets = [_account_set(row) for row in await tx.fetch(_SQL["all_sets"], journal_id)]
    edges = await tx.fetch(_SQL["all_set_edges"], journal_id)
    return Chart(sets, [(row["set_id"], row["member_id"]) for row in edges])


async def insert_many_in_tx(
    tx: Tx, journal_id: JournalId, sets: Sequence[tuple[UUID, NewAccountSet]]
) -> list[AccountSet]:
    """Create sets without members or metadata under the ids given, and return them in order."""
    rows = await tx.fetch(
        _SQL["insert_sets"],
        journal_id,
        [set_id for set_id, _ in sets],
        [new.code for _, new in sets],
        [new.name for _, new in sets],
        [new.category for _, new in sets],
        [new.normal_side or 0 for _, new in sets],
    )
    inserted = {row["id"]: _account_set(row) for row in rows}
    return [inserted[set_id] for set_id, _ in sets]


async def insert_edges_in_tx(
    tx: Tx, journal_id: JournalId, edges: Sequence[tuple[UUID, UUID]]
) -> None:
    """Put sets (second) into sets (first) that they do not stand in yet."""
    if edges:
        await tx.execute(_SQL["insert_edges"], journal_id, *zip(*edges, strict=True))


async def with_sets_in_tx(tx: Tx, journal_id: JournalId, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the sets that have sets below them."""
    rows = await tx.fetch(_SQL["sets_with_sets"], journal_id, ids)
    return {row["id"] for row in rows}


async def accounts_of_in_tx(
    tx: Tx, journal_id: JournalId, ids: Sequence[UUID], limit: int
) -> list[tuple[UUID, Member]]:
    """Return up to `limit` accounts that stand directly in the sets, each with its set, by code."""
    rows = await tx.fetch(_SQL["accounts_of_sets"], journal_id, ids, limit)
    return [(row["set_id"], _account_member(row)) for row in rows]


async def accounts_outside_in_tx(
    tx: Tx, journal_id: JournalId, ids: Sequence[UUID], limit: int
) -> list[Member]:
    """Return up to `limit` accounts that stand directly in none of the sets, by code."""
    rows = await tx.fetch(_SQL["accounts_outside_sets"], journal_id, ids, limit)
    return [_account_member(row) for row in rows]


async def containers_among_in_tx(
    tx: Tx, journal_id: JournalId, set_id: UUID, candidates: Sequence[UUID]
) -> set[UUID]:
    """Return those of `candidates` that contain the set, at any depth, or are the set itself."""
    rows = await tx.fetch(_SQL["containers_among"], journal_id, set_id, candidates)
    return {row["id"] for row in rows}


async def accounts_below_in_tx(tx: Tx, journal_id: JournalId, set_id: UUID) -> set[AccountId]:
    """Return the accounts in a set, at any depth."""
    rows = await tx.fetch(_SQL["accounts_below"], journal_id, set_id)
    return {row["account_id"] for row in rows}


async def add_accounts_in_tx(
    tx: Tx, journal_id: JournalId, set_id: UUID, account_ids: Sequence[AccountId]
) -> set[AccountId]:
    """Put accounts into a set and return those that were not members before."""
    return await _ids(tx, "add_accounts", journal_id, set_id, account_ids)


async def add_sets_in_tx(
    tx: Tx, journal_id: JournalId, set_id: UUID, member_ids: Sequence[UUID]
) -> set[UUID]:
    """Put sets into a set and return those that were not members before.

    Raises:
        ConstraintError: `account_set_cycle` if the set would come to contain itself.
    """
    return await _ids(tx, "add_sets", journal_id, set_id, member_ids)


async def remove_accounts_in_tx(
    tx: Tx, journal_id: JournalId, set_id: UUID, account_ids: Sequence[AccountId]
) -> set[AccountId]:
    """Take accounts out of a set and return those that were members."""
    return await _ids(tx, "remove_accounts", journal_id, set_id, account_ids)


async def remove_sets_in_tx(
    tx: Tx, journal_id: JournalId, set_id: UUID, member_ids: Sequence[UUID]
) -> set[UUID]:
    """Take sets out of a set and return those that were members."""
    return await _ids(tx, "remove_sets", journal_id, set_id, member_ids)


async def list_members_in_tx(
    tx: Tx, journal_id: JournalId, set_id: UUID, after: tuple[int, str], limit: int
) -> list[Member]:
    """Return up to `limit` direct members after (kind, code): sets (kind 0), then accounts (1)."""
    rows = await tx.fetch(_SQL["list_members"], journal_id, set_id, *after, limit)
    return [
        Member(id=row["id"], code=row["code"], name=row["name"], is_set=row["kind"] == 0)
        for row in rows
    ]


async def _ids(
    tx: Tx, query: str, journal_id: JournalId, set_id: UUID, member_ids: Sequence[UUID]
) -> set[UUID]:
    if not member_ids:
        return set()
    rows = await tx.fetch(_SQL[query], journal_id, set_id, member_ids)
    return {row["id"] for row in rows}


def _account_member(row: Row) -> Member:
    return Member(id=row["id"], code=row["code"], name=row["name"], is_set=False)


def _account_set(row: Row) -> AccountSet:
    return AccountSet(
        id=row["id"],
        code=row["code"],
        name=row["name"],
        category=AccountCategory(row["category"]),
        normal_side=Direction(row["normal_side"]) if row["normal_side"] else None,
        metadata=json.loads(row["metadata"]),
        created_at=row["created_at"],
    )
