"""A ledger whose database was changed by other means proves and signs nothing of it."""

import asyncpg
import pytest

from ledger_proto.v1 import proofs_pb2 as pb
from tests.api.calls import reason, refused
from tests.ledger import Serving
from tests.proof.verifying import JOURNAL, checkpoint, inclusion, post, stub


class TestTampering:
    """By somebody who owns the database and takes its guards away."""

    @staticmethod
    async def tamper(dsn: str, *statements: str) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for table in ("events", "checkpoints"):
                await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def test_a_changed_event_is_not_proved_and_nothing_more_is_signed(
        self, signing_server: Serving, database_dsn: str
    ) -> None:
        running = signing_server
        await post(running.ledger, 3)
        await running.app.checkpointer.look()
        signed = await checkpoint(running)
        await self.tamper(
            database_dsn, "UPDATE events SET payload = payload || '\\x1a0162' WHERE sequence = 6"
        )
        assert await reason(inclusion(running, sequence=6)) == "TREE_INCONSISTENT"
        refusal = await refused(checkpoint(running))
        assert refusal.reason == "TREE_INCONSISTENT"
        assert refusal.facts == {"size": str(signed.size)}
        await post(running.ledger, 1)
        await running.app.checkpointer.look()
        page = await stub(running).ListCheckpoints(pb.ListCheckpointsRequest(journal=JOURNAL))
        assert [one.size for one in page.checkpoints] == [signed.size]

    async def test_a_changed_event_of_long_ago_is_not_proved(
        self, signing_server: Serving, database_dsn: str
    ) -> None:
        """Its tile is full and remembers its hash, also where no checkpoint was signed."""
        running = signing_server
        await post(running.ledger, 300)
        await running.app.checkpointer.look()
        await self.tamper(
            database_dsn,
            "UPDATE events SET recorded_at = recorded_at - interval '1 s' WHERE sequence = 6",
        )
        for size in (0, 270):
            assert await reason(inclusion(running, sequence=6, tree_size=size)) == (
                "TREE_INCONSISTENT"
            )
        assert await inclusion(running, sequence=7, tree_size=270)

    async def test_a_tail_that_was_cut_off_is_seen(
        self, signing_server: Serving, database_dsn: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With every trace of it: the file beside the key remembers."""
        running = signing_server
        await post(running.ledger, 3)
        await running.app.checkpointer.look()
        signed = await checkpoint(running)
        await self.tamper(
            database_dsn,
            "DELETE FROM checkpoints",
            f"DELETE FROM events WHERE sequence > {signed.size - 2}",
            f"UPDATE journal_heads SET sequence = {signed.size - 2}, recorded_at = now()",
        )
        assert await reason(checkpoint(running)) == "TREE_INCONSISTENT"
        for _ in range(2):
            await running.app.checkpointer.look()
        shouts = [one for one in caplog.records if one.levelname == "CRITICAL"]
        assert len(shouts) == 1
        assert f"the first {signed.size} events" in shouts[0].getMessage()
        page = await stub(running).ListCheckpoints(pb.ListCheckpointsRequest(journal=JOURNAL))
        assert not page.checkpoints

    async def test_a_journal_that_is_broken_holds_up_no_other(
        self, signing_server: Serving, database_dsn: str
    ) -> None:
        running = signing_server
        other = running.ledger.of("other")
        await other.open("cash", "income")
        await running.app.checkpointer.look()
        await self.tamper(database_dsn, "DELETE FROM events WHERE journal_id = 1 AND sequence = 2")
        await post(running.ledger, 1)
        await post(other, 1)
        await running.app.checkpointer.look()
        assert await reason(checkpoint(running)) == "TREE_INCONSISTENT"
        answer = await stub(running).GetCheckpoint(pb.GetCheckpointRequest(journal="other"))
        assert answer.checkpoint.size == await other.head()
