"""Template versions: the contract's own message is their stored form."""

from collections.abc import Sequence

from ledger_proto.v1 import tx_templates_pb2
from ledger_server.domain.primitives import JournalId
from ledger_server.store.codec import timestamp
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("tx_templates")

#: Above every version.
VERSION_END = 2**31 - 1


async def insert_in_tx(
    tx: Tx, journal_id: JournalId, template: tx_templates_pb2.TxTemplate
) -> tx_templates_pb2.TxTemplate:
    """Store a version, its number set, and return it with its creation time."""
    row = await tx.fetch_one(
        _SQL["insert_template"],
        journal_id,
        template.code,
        template.version,
        template.SerializeToString(),
    )
    assert row is not None, "INSERT ... RETURNING gives its row"
    return _template(row)


async def find_in_tx(
    tx: Tx, journal_id: JournalId, code: str, version: int
) -> tx_templates_pb2.TxTemplate | None:
    """Return one version of a template, the newest for version 0."""
    row = await tx.fetch_one(_SQL["find_template"], journal_id, code, version)
    return _template(row) if row else None


async def list_in_tx(
    tx: Tx, journal_id: JournalId, after_code: str, limit: int
) -> Sequence[tx_templates_pb2.TxTemplate]:
    """Return the newest versions of up to `limit` templates above `after_code`, by code."""
    rows = await tx.fetch(_SQL["list_templates"], journal_id, after_code, limit)
    return [_template(row) for row in rows]


async def list_versions_in_tx(
    tx: Tx, journal_id: JournalId, code: str, before_version: int, limit: int
) -> Sequence[tx_templates_pb2.TxTemplate]:
    """Return up to `limit` versions below `before_version`, newest first."""
    rows = await tx.fetch(_SQL["list_versions"], journal_id, code, before_version, limit)
    return [_template(row) for row in rows]


def _template(row: Row) -> tx_templates_pb2.TxTemplate:
    template = tx_templates_pb2.TxTemplate.FromString(row["definition"])
    template.version = row["version"]
    template.create_time.CopyFrom(timestamp(row["created_at"]))
    return template
