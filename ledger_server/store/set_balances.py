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


async def read_in_tx(
    tx: Tx, journal_id: JournalId, config_version: int, keys: Sequence[Key]
) -> dict[Key, list[Decimal]]:
    """Return the sums of sets, laid out as those of a balance.

    A sum that is older than the configuration, or not kept yet, is made from the accounts that
    stand in the set now.
    """
    columns = ([set_id for set_id, _ in keys], [currency for _, currency in keys])
    rows = await tx.fetch(_SQL["read_sets"], journal_id, *columns)
    found = {
        (row["set_id"], row["currency"]): _sums(row)
        for row in rows
        if row["config_version"] == config_version
    }
    for key in keys:
        if key not in found:
            summed = await tx.fetch_one(_SQL["sum_members"], journal_id, *key)
            assert summed is not None, "an aggregate gives a row"
            found[key] = _sums(summed)
    return found


async def write_in_tx(
    tx: Tx, journal_id: JournalId, config_version: int, sums: Mapping[Key, Sequence[Decimal]]
) -> None:
    """Write the sums of sets. The caller holds the journal's head."""
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
