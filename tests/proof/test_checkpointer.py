"""The background task where it is not seen through the API."""

from pathlib import Path

import pytest

from ledger_server.proof import checkpointer
from ledger_server.proof.tree import TILES_MAX
from tests.ledger import serving
from tests.proof.keys import new_signing
from tests.proof.verifying import checkpoint, post


async def test_a_journal_that_is_far_behind_is_caught_up_in_turns(
    database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other journals are signed meanwhile, and nothing is signed of the one that is behind."""
    monkeypatch.setattr(checkpointer, "_STEPS_PER_LOOK", 2)
    async with serving(database_dsn, new_signing(tmp_path)) as running:
        task = running.app.checkpointer
        await task.close()
        await running.ledger.open("cash", "income")
        other = running.ledger.of("other")
        await other.open("cash", "income")
        for _ in range(9):
            await post(running.ledger, 1_000)
        assert await running.ledger.head() > 4 * TILES_MAX * 256
        await task.look()
        database = running.app.database
        async with database.transaction() as tx:
            rows = await tx.fetch("SELECT journal_id, size FROM checkpoints")
            tiles = await tx.fetch("SELECT count(*) AS made FROM merkle_tiles")
        assert [(row["journal_id"], row["size"]) for row in rows] == [(2, await other.head())]
        assert tiles[0]["made"] == 2 * TILES_MAX
        for _ in range(3):
            await task.look()
        assert (await checkpoint(running)).size == await running.ledger.head()
