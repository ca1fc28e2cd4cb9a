"""Balances of sets that a limit binds as a whole."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from ledger_server.domain.limit_check import HELD_PLACE
from ledger_server.domain.primitives import ZERO, JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("set_balances")

#: A set and a currency.
Key = tuple[UUID, str]


async def lock_in_tx(
    tx: Tx, journal_id: JournalId, config_version: int, keys: Sequence[Key]
) -> dict[Key, list[Decimal]]:
    """Return the sums of sets, laid out as those of a balance, held until `tx` ends.

    The caller holds the balances of its batch. A sum that is older than the configuration is made
    anew from the accounts that stand in the set now.
    """
    columns = ([set_id for set_id, _ in keys], [currency for _, currency in keys])
    await tx.execute(_SQL["ensure_sets"], journal_id, *columns)
    found: dict[Key, list[Decimal]] = {}
    for row in await tx.fetch(_SQL["lock_sets"], journal_id, *columns):
        key = (row["set_id"], row["currency"])
        if row["config_version"] == config_version:
            found[key] = _sums(row)
            continue
        summed = await tx.fetch_one(_SQL["sum_members"], journal_id, *key)
        assert summed is not None, "an aggregate gives a row"
        found[key] = _sums(summed)
    return found


async def sum_in_tx(tx: Tx, journal_id: JournalId, key: Key) -> list[Decimal]:
    """Return the sums of a set as they stand, without holding them."""
    row = await tx.fetch_one(_SQL["sum_members"], journal_id, *key)
    assert row is not None, "an aggregate gives a row"
    return _sums(row)


async def write_in_tx(
    tx: Tx, journal_id: JournalId, config_version: int, sums: Mapping[Key, Sequence[Decimal]]
) -> None:
    """Write the sums of sets that are held."""
    rows = [
        (set_id, currency, one[0], one[1], one[HELD_PLACE], one[HELD_PLACE + 1])
        for (set_id, currency), one in sums.items()
    ]
    await tx.execute(_SQL["write_sets"], journal_id, config_version, *zip(*rows, strict=True))


def _sums(row: Row) -> list[Decimal]:
    # PENDING and ENCUMBRANCE say nothing about what is available.
    return [
        row["settled_debit"],
        row["settled_credit"],
        *[ZERO] * 4,
        row["held_debit"],
        row["held_credit"],
    ]
