"""The witness against a server that signs, forgets, forks and lies."""

import uuid
from pathlib import Path

import pytest

from ledger_client import LedgerError
from ledger_client.anchor import Anchor, AnchorError, Receipt, Witness
from ledger_client.anchor.witness import WitnessStateError
from ledger_client.verify import Code, SignedCheckpoint, VerifierKey, WrongError
from tests.verify.bench import JOURNAL, Bench
from tests.verify.conftest import bench, signing_server
from tests.verify.signing import Signer

__all__ = ["bench", "signing_server"]


class Shelf(Anchor):
    """Keeps checkpoints in memory, or fails."""

    def __init__(self) -> None:
        self.kept: list[SignedCheckpoint] = []
        self.is_full = False

    async def submit(self, checkpoint: SignedCheckpoint) -> Receipt:
        if self.is_full:
            raise AnchorError("the shelf is full")
        self.kept.append(checkpoint)
        return Receipt("shelf", str(len(self.kept)))

    async def close(self) -> None:
        """Nothing is held."""


class Observing:
    """A witness that can be started again."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.shelves = {"one": Shelf(), "other": Shelf()}
        self.state = folder / "witness.json"

    async def look(self, key: VerifierKey | None = None) -> tuple[list[Receipt], list[AnchorError]]:
        journal = await self.bench.ledger.get_journal(JOURNAL)
        witness = Witness(self.bench.ledger, journal.id, self.shelves, self.state, key)
        return await witness.look()

    async def alarm(self) -> Code:
        before = [list(shelf.kept) for shelf in self.shelves.values()], self.state.read_text()
        with pytest.raises(WrongError) as caught:
            await self.look()
        after = [list(shelf.kept) for shelf in self.shelves.values()], self.state.read_text()
        assert before == after, "nothing is anchored, nothing forgotten"
        return caught.value.finding.code


@pytest.fixture
def observing(bench: Bench, tmp_path: Path) -> Observing:
    return Observing(bench, tmp_path)


async def test_each_checkpoint_is_anchored_once_everywhere(observing: Observing) -> None:
    key = await observing.bench.key()
    for count in (1, 2):
        await observing.bench.post("1.00")
        await observing.bench.sign()
        receipts, failures = await observing.look(key)
        assert (len(receipts), failures) == (2, [])
        assert await observing.look(key) == ([], [])
        assert [len(shelf.kept) for shelf in observing.shelves.values()] == [count, count]


async def test_a_target_that_fails_gets_the_next_one(observing: Observing) -> None:
    observing.shelves["one"].is_full = True
    receipts, failures = await observing.look()
    assert [receipt.target for receipt in receipts] == ["shelf"]
    assert [str(failure) for failure in failures] == ["the shelf is full"]
    observing.shelves["one"].is_full = False
    await observing.look()
    assert [len(shelf.kept) for shelf in observing.shelves.values()] == [1, 1]


async def test_another_history_is_never_anchored(observing: Observing) -> None:
    await observing.look()
    made = observing.bench
    sequence = await made.sequence_of("account_updated", -1)
    async with made.changed_event(sequence) as event:
        event.account_updated.account.code = "another"
    assert await observing.alarm() is Code.HISTORY_REWRITTEN  # by the server's own word
    signing = made.server.app.checkpointer._signing
    assert signing is not None
    for note in signing.remembered._directory.iterdir():
        note.unlink()
    await made.execute("DELETE FROM checkpoints")
    await made.sign()
    assert await observing.alarm() is Code.HISTORY_REWRITTEN  # another root of the same size
    await made.post("1.00")
    await made.sign()
    assert await observing.alarm() is Code.HISTORY_REWRITTEN  # grown since


async def test_a_checkpoint_that_shrank(observing: Observing) -> None:
    first = await observing.bench.checkpoint()
    await observing.bench.post("1.00")
    await observing.bench.sign()
    await observing.look()
    made = observing.bench
    await made.execute("DELETE FROM checkpoints WHERE size > $1", first.size)
    assert await observing.alarm() is Code.TAIL_MISSING


async def test_another_key(observing: Observing) -> None:
    with pytest.raises(WrongError, match="SIGNATURE_WRONG"):
        await observing.look(VerifierKey.parse(Signer().verifier_key))
    assert observing.shelves["one"].kept == []


async def test_no_checkpoint_is_no_alarm(observing: Observing) -> None:
    await observing.bench.execute("DELETE FROM checkpoints")
    with pytest.raises(LedgerError, match="CHECKPOINT_UNAVAILABLE"):
        await observing.look()


async def test_a_state_that_cannot_be_read_is_not_begun_anew(observing: Observing) -> None:
    await observing.look()
    sound = observing.state.read_text()
    journal = await observing.bench.ledger.get_journal(JOURNAL)
    for broken in (
        "",
        "{}",
        sound[:-20],
        sound.replace(str(journal.id), str(uuid.uuid4())),
        sound.replace("witness/1", "witness/9"),
    ):
        observing.state.write_text(broken)
        with pytest.raises(WitnessStateError):
            await observing.look()
