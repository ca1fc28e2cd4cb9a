"""ProofService, checked as a verifier does: with the checkpoint, the proof and hashlib."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger_proto.v1 import events_pb2
from ledger_proto.v1 import proofs_pb2 as pb
from ledger_server.store import proofs
from tests.api.calls import reason, refused
from tests.ledger import Serving, serving, transfer
from tests.proof.keys import NAME, new_signing, read_checkpoint
from tests.proof.verifying import (
    JOURNAL,
    checkpoint,
    consistency,
    inclusion,
    is_consistent,
    post,
    root_of_path,
    sha256,
    stub,
)


async def check_inclusion(running: Serving, proof: pb.GetInclusionProofResponse) -> None:
    assert root_of_path(proof.sequence - 1, proof.tree_size, proof.leaf, list(proof.path)) == (
        proof.root
    )
    signed = await checkpoint(running, covers_sequence=proof.tree_size)
    if signed.size == proof.tree_size:
        assert signed.root == proof.root


async def test_a_checkpoint_is_signed_and_covers_what_is_there(signing_server: Serving) -> None:
    running = signing_server
    assert await reason(checkpoint(running)) == "CHECKPOINT_UNAVAILABLE"
    await running.app.checkpointer.look()
    head = await running.ledger.head()
    signed = await checkpoint(running)
    origin, size, root = read_checkpoint(signed.note, signed.verifier_key)
    assert (origin, size, root) == (signed.origin, signed.size, signed.root)
    assert size == head
    assert origin.startswith(f"{NAME}/")
    assert uuid.UUID(origin.removeprefix(f"{NAME}/"))
    assert signed.HasField("sign_time")
    # What stands still is not signed again.
    await running.app.checkpointer.look()
    page = await stub(running).ListCheckpoints(pb.ListCheckpointsRequest(journal=JOURNAL))
    assert [one.size for one in page.checkpoints] == [head]


async def test_the_oldest_checkpoint_that_covers_a_sequence(signing_server: Serving) -> None:
    running = signing_server
    sizes = []
    for _ in range(3):
        await post(running.ledger, 2)
        await running.app.checkpointer.look()
        sizes.append(await running.ledger.head())
    assert (await checkpoint(running, covers_sequence=1)).size == sizes[0]
    assert (await checkpoint(running, covers_sequence=sizes[0] + 1)).size == sizes[1]
    assert (await checkpoint(running, covers_sequence=sizes[2])).size == sizes[2]
    refusal = await refused(checkpoint(running, covers_sequence=sizes[2] + 1))
    assert refusal.reason == "CHECKPOINT_UNAVAILABLE"
    assert refusal.facts == {"covers_sequence": str(sizes[2] + 1), "size": str(sizes[2])}


async def test_checkpoints_are_listed_newest_first_in_pages(signing_server: Serving) -> None:
    running = signing_server
    for _ in range(3):
        await post(running.ledger, 1)
        await running.app.checkpointer.look()
    head = await running.ledger.head()
    found: list[int] = []
    token = ""
    while not found or token:
        page = await stub(running).ListCheckpoints(
            pb.ListCheckpointsRequest(journal=JOURNAL, page_size=2, page_token=token)
        )
        found += [one.size for one in page.checkpoints]
        token = page.next_page_token
    assert found == [head, head - 1, head - 2]


async def test_every_event_is_proved_in_every_tree(signing_server: Serving) -> None:
    running = signing_server
    ids = await post(running.ledger, 9)
    await running.app.checkpointer.look()
    head = await running.ledger.head()
    for size in range(1, head + 1):
        for sequence in range(1, size + 1):
            proof = await inclusion(running, sequence=sequence, tree_size=size)
            await check_inclusion(running, proof)
    by_id = await inclusion(running, transaction_id=ids[-1])
    assert (by_id.sequence, by_id.tree_size) == (head, head)
    event = events_pb2.Event.FromString(by_id.event)
    assert event.journal_posted.transaction.id == ids[-1]
    assert event.journal_posted.transaction.description == "number 8"
    assert len(event.personal_salt) == 16


async def test_a_tree_proves_that_it_only_grew(signing_server: Serving) -> None:
    running = signing_server
    await post(running.ledger, 7)
    await running.app.checkpointer.look()
    head = await running.ledger.head()
    roots = {
        size: (await inclusion(running, sequence=1, tree_size=size)).root
        for size in range(1, head + 1)
    }
    for newer in range(1, head + 1):
        for older in range(1, newer + 1):
            proof = await consistency(running, from_size=older, to_size=newer)
            path = list(proof.path)
            assert is_consistent(older, newer, roots[older], roots[newer], path)
            assert older == newer or not is_consistent(
                older, newer, sha256(roots[older]), roots[newer], path
            )
    assert (await consistency(running, from_size=1)).to_size == head


async def test_a_large_tree(signing_server: Serving) -> None:
    """Beyond one tile, with checkpoints signed on the way."""
    running = signing_server
    for _ in range(3):
        await post(running.ledger, 400)
        await running.app.checkpointer.look()
    head = await running.ledger.head()
    page = await stub(running).ListCheckpoints(pb.ListCheckpointsRequest(journal=JOURNAL))
    newest, *older = page.checkpoints
    assert newest.size == head > 1_200
    for one in older:
        proof = await consistency(running, from_size=one.size, to_size=newest.size)
        assert is_consistent(one.size, newest.size, one.root, newest.root, list(proof.path))
    for sequence in (1, 255, 256, 257, 512, 513, 1_024, 1_025, head):
        await check_inclusion(running, await inclusion(running, sequence=sequence))


async def test_what_cannot_be_proved_is_refused(signing_server: Serving) -> None:
    running = signing_server
    await running.app.checkpointer.look()
    head = await running.ledger.head()

    async def why(call: Callable[..., Awaitable[Any]], **fields: Any) -> str:
        return await reason(call(running, **fields))

    assert await why(inclusion, sequence=head + 1) == "POSITION_UNAVAILABLE"
    assert await why(inclusion, sequence=1, tree_size=head + 1) == "POSITION_UNAVAILABLE"
    assert await why(inclusion, sequence=3, tree_size=2) == "POSITION_UNAVAILABLE"
    assert await why(inclusion, transaction_id=str(uuid.uuid4())) == "TRANSACTION_NOT_FOUND"
    assert await why(inclusion, transaction_id="no") == "FIELD_INVALID"
    assert await why(inclusion) == "FIELD_INVALID"
    assert await why(inclusion, sequence=0) == "FIELD_INVALID"
    assert await why(inclusion, sequence=1, tree_size=-1) == "FIELD_INVALID"
    assert await why(consistency, from_size=0) == "FIELD_INVALID"
    assert await why(consistency, from_size=head + 1) == "POSITION_UNAVAILABLE"
    assert await why(consistency, from_size=1, to_size=head + 1) == "POSITION_UNAVAILABLE"
    assert await why(consistency, from_size=2, to_size=1) == "POSITION_UNAVAILABLE"
    assert await why(checkpoint, covers_sequence=-1) == "FIELD_INVALID"
    service = stub(running)
    absent = "absent"
    calls: list[Awaitable[Any]] = [
        service.GetCheckpoint(pb.GetCheckpointRequest(journal=absent)),
        service.ListCheckpoints(pb.ListCheckpointsRequest(journal=absent)),
        service.GetInclusionProof(pb.GetInclusionProofRequest(journal=absent, sequence=1)),
        service.GetConsistencyProof(pb.GetConsistencyProofRequest(journal=absent, from_size=1)),
    ]
    for call in calls:
        assert await reason(call) == "JOURNAL_NOT_FOUND"


async def test_without_a_key_there_are_proofs_and_no_checkpoints(database_dsn: str) -> None:
    async with serving(database_dsn) as running:
        await running.ledger.open("cash", "income")
        assert await reason(checkpoint(running)) == "SIGNING_DISABLED"
        proof = await inclusion(running, sequence=2)
        assert proof.tree_size == await running.ledger.head()
        assert root_of_path(1, proof.tree_size, proof.leaf, list(proof.path)) == proof.root


async def test_two_servers_sign_one_history(database_dsn: str, tmp_path: Path) -> None:
    """Both tasks run, both servers are posted to; what is signed is consistent throughout."""
    signing = new_signing(tmp_path)
    async with (
        serving(database_dsn, signing) as one,
        serving(database_dsn, signing) as other,
        serving(database_dsn) as keyless,
    ):
        await one.ledger.open("cash", "income")
        async with asyncio.TaskGroup() as group:
            for running in (one, other):
                group.create_task(post(running.ledger, 200))
                for _ in range(5):
                    group.create_task(running.app.checkpointer.look())
        for _ in range(4):
            await asyncio.gather(*(post(running.ledger, 90) for running in (one, other)))
            await asyncio.gather(*(running.app.checkpointer.look() for running in (one, other)))
        while (await checkpoint(other)).size < await one.ledger.head():
            await other.app.checkpointer.look()
        page = await stub(keyless).ListCheckpoints(pb.ListCheckpointsRequest(journal=JOURNAL))
        newest, *older = page.checkpoints
        assert await checkpoint(keyless) == newest == await checkpoint(one)
        assert older
        for before in older:
            assert read_checkpoint(before.note, signing.signer.verifier_key)[1] == before.size
            proof = await consistency(keyless, from_size=before.size, to_size=newest.size)
            assert is_consistent(
                before.size, newest.size, before.root, newest.root, list(proof.path)
            )


async def test_a_checkpoint_signed_meanwhile_is_no_contradiction(
    signing_server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal grows and is signed while another call looks at its tree."""
    running = signing_server
    await running.app.checkpointer.look()
    signed = await checkpoint(running)
    read = proofs.tree_in_tx
    calls = 0

    async def read_slowly(tx: Any, journal_id: Any) -> proofs.TreeState:
        nonlocal calls
        calls += 1
        state = await read(tx, journal_id)
        if calls == 1:
            await post(running.ledger, 300)
            await running.app.checkpointer.look()
        return state

    monkeypatch.setattr(proofs, "tree_in_tx", read_slowly)
    assert (await checkpoint(running)).size > signed.size + 256
    assert calls > 1


async def test_the_task_runs_by_itself_and_survives_an_outage(
    database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger_server.proof.checkpointer.INTERVAL_SECONDS", 0.02)
    async with serving(database_dsn, new_signing(tmp_path)) as running:
        await running.ledger.open("cash", "income")
        await running.ledger.post(transfer())
        connection = await asyncpg.connect(database_dsn)
        for _ in range(3):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'ledger-server' AND datname = current_database()"
            )
            await asyncio.sleep(0.05)
        await connection.close()
        while True:
            try:
                await running.ledger.post(transfer())
                head = await running.ledger.head()
            except Exception:  # noqa: BLE001  # connections that were ended
                continue
            break
        async with asyncio.timeout(20):
            while (await checkpoint(running)).size < head:  # noqa: ASYNC110  # no event tells
                await asyncio.sleep(0.02)
