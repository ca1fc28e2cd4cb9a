"""Journals, their heads, their currencies, and the answers kept for request ids."""

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ledger_server.domain.journal import Head, Journal
from ledger_server.domain.primitives import Currency, JournalId, parse_uuid
from ledger_server.store.codec import StoredEvent
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("journals")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a request with an id was answered."""

    #: Digest of the request; of its open fields alone once personal data was erased from it.
    fingerprint: bytes
    open_fingerprint: bytes
    #: Full name of the answer's message.
    answer: str
    response: bytes
    erased: bool = False


async def find_in_tx(tx: Tx, reference: str) -> Journal | None:
    """Return the journal whose code or id is `reference`."""
    row = await tx.fetch_one(_SQL["find_journal"], reference, parse_uuid(reference))
    return _journal(row) if row else None


async def list_in_tx(tx: Tx, after_code: str, limit: int) -> list[tuple[Journal, int]]:
    """Return up to `limit` journals whose code is above `after_code`, by code.

    With each comes the sequence of its last event.
    """
    rows = await tx.fetch(_SQL["list_journals"], after_code, limit)
    return [(_journal(row), row["sequence"]) for row in rows]


async def insert_in_tx(tx: Tx, *, public_id: UUID, code: str, name: str, time_zone: str) -> Journal:
    """Create a journal at sequence 0.

    Raises:
        ConstraintError: `journals_code_key` if the code is taken.
    """
    row = await tx.fetch_one(_SQL["insert_journal"], public_id, code, name, time_zone)
    assert row is not None, "INSERT ... RETURNING gives its row"
    journal = _journal(row)
    await tx.execute(_SQL["insert_head"], journal.id)
    return journal


async def lock_creation_in_tx(tx: Tx) -> None:
    """Wait until no other transaction is creating a journal."""
    await tx.execute(_SQL["lock_creation"])


async def lock_head_in_tx(tx: Tx, journal_id: JournalId) -> Head:
    """Hold the journal's head until `tx` ends: nothing else of the journal commits meanwhile.

    Returns where the journal stands: as whoever was waited for has left it.
    """
    row = await tx.fetch_one(_SQL["lock_head"], journal_id)
    assert row is not None, f"journal {journal_id} has no head"
    return _head(row)


async def read_head_in_tx(tx: Tx, journal_id: JournalId) -> Head:
    """Return where the journal stands."""
    row = await tx.fetch_one(_SQL["read_head"], journal_id)
    assert row is not None, f"journal {journal_id} has no head"
    return _head(row)


async def append_events_in_tx(
    tx: Tx, journal_id: JournalId, events: list[StoredEvent], *, config_changed: bool
) -> Head:
    """Append `events` and return the new head. The caller holds the head."""
    row = await tx.fetch_one(_SQL["advance_head"], journal_id, len(events), int(config_changed))
    assert row is not None, f"journal {journal_id} has no head"
    head = _head(row)
    if events:
        tx.appended(journal_id, head.sequence)
        await tx.execute(
            _SQL["insert_events"],
            journal_id,
            head.sequence - len(events),
            head.recorded_at,
            [event.type for event in events],
            [event.payload for event in events],
            [event.personal for event in events],
        )
    return head


async def find_request_in_tx(tx: Tx, journal_id: int, request_id: str) -> KeptAnswer | None:
    """Return the answer kept for a request id."""
    row = await tx.fetch_one(_SQL["find_request"], journal_id, request_id)
    return KeptAnswer(**row) if row else None


async def insert_request_in_tx(tx: Tx, journal_id: int, request_id: str, kept: KeptAnswer) -> None:
    """Keep the answer to a request id for as long as the journal."""
    await tx.execute(
        _SQL["insert_request"],
        journal_id,
        request_id,
        kept.fingerprint,
        kept.response,
        kept.answer,
        kept.open_fingerprint,
    )


async def insert_currencies_in_tx(
    tx: Tx, journal_id: JournalId, currencies: Iterable[Currency]
) -> None:
    """Register currencies that are not there yet."""
    rows = list(currencies)
    await tx.execute(
        _SQL["insert_currencies"],
        journal_id,
        [currency.code for currency in rows],
        [currency.exponent for currency in rows],
    )


async def find_currency_in_tx(tx: Tx, journal_id: JournalId, code: str) -> Currency | None:
    """Return a registered currency."""
    row = await tx.fetch_one(_SQL["find_currency"], journal_id, code)
    return Currency(row["code"], row["exponent"]) if row else None


async def find_currencies_in_tx(
    tx: Tx, journal_id: JournalId, codes: Sequence[str]
) -> dict[str, Currency]:
    """Return those of the currencies named that are registered, by code."""
    rows = await tx.fetch(_SQL["find_currencies"], journal_id, codes)
    return {row["code"]: Currency(row["code"], row["exponent"]) for row in rows}


async def list_currencies_in_tx(
    tx: Tx, journal_id: JournalId, after_code: str = "", limit: int | None = None
) -> list[Currency]:
    """Return registered currencies above `after_code`, by code."""
    rows = await tx.fetch(_SQL["list_currencies"], journal_id, after_code, limit)
    return [Currency(row["code"], row["exponent"]) for row in rows]


async def page_token_key_in_tx(tx: Tx) -> bytes:
    """Return the key that page tokens of this database are signed with."""
    row = await tx.fetch_one(_SQL["page_token_key"])
    assert row is not None, "migration 0001 inserts it"
    key: bytes = row["value"]
    return key


def _journal(row: Row) -> Journal:
    created_at: datetime = row["created_at"]
    return Journal(
        id=JournalId(row["id"]),
        public_id=row["public_id"],
        code=row["code"],
        name=row["name"],
        time_zone=row["time_zone"],
        created_at=created_at,
    )


def _head(row: Row) -> Head:
    return Head(
        sequence=row["sequence"],
        recorded_at=row["recorded_at"],
        config_version=row["config_version"],
    )
