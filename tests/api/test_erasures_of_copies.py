"""What took personal data over from something that is erased loses it too."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ledger_proto.v1 import holds_pb2, holds_pb2_grpc
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.store import postings
from tests.api.erasing import SECRETS, erasable, erase, everything, secret_transfer
from tests.ledger import Serving


@pytest.fixture
async def running(database_dsn: str, tmp_path: Path) -> AsyncIterator[Serving]:
    async with erasable(database_dsn, tmp_path) as made:
        yield made


async def test_copies_go_with_what_they_copied(running: Serving, database_dsn: str) -> None:
    """What ends a hold and what takes a posting back has its description and params."""
    holds = holds_pb2_grpc.HoldServiceStub(running.channel)
    posted = (await running.ledger.post(secret_transfer())).transaction
    await running.ledger.transactions.ReverseTransaction(
        pb.ReverseTransactionRequest(
            journal="main", transaction_id=str(uuid.uuid4()), reverses=posted.id,
            effective_date="2026-01-31",
        )
    )  # fmt: skip
    held, others = secret_transfer(), secret_transfer(description="not hers", metadata={})
    others.params["memo"] = "none"
    for one in (held, others):
        await holds.PlaceHold(holds_pb2.PlaceHoldRequest(journal="main", transaction=one))
        for amount, final in (("0.40", False), ("0.10", True)):
            part = pb.TransactionRequest()
            part.params["amount"] = amount
            await holds.CaptureHold(
                holds_pb2.CaptureHoldRequest(
                    journal="main", hold_id=one.transaction_id, final=final,
                    capture_id=str(uuid.uuid4()), params=part.params,
                    # Another's correlation id does not make it part of that hold.
                    correlation_id=held.transaction_id,
                )
            )  # fmt: skip
    answer = await erase(running, transaction_ids=[posted.id, held.transaction_id])
    assert len(answer.erased_sequences) == 5
    stored = await everything(database_dsn)
    assert not any(secret.encode() in stored for secret in SECRETS)
    assert b"not hers" in stored


async def test_a_capture_taken_back_goes_with_the_hold(running: Serving, database_dsn: str) -> None:
    """The reversal of a capture has what the capture had of the hold."""
    holds = holds_pb2_grpc.HoldServiceStub(running.channel)
    held, capture_id = secret_transfer(), str(uuid.uuid4())
    await holds.PlaceHold(holds_pb2.PlaceHoldRequest(journal="main", transaction=held))
    await holds.CaptureHold(
        holds_pb2.CaptureHoldRequest(
            journal="main", hold_id=held.transaction_id, capture_id=capture_id
        )
    )
    await running.ledger.transactions.ReverseTransaction(
        pb.ReverseTransactionRequest(
            journal="main", transaction_id=str(uuid.uuid4()), reverses=capture_id,
            effective_date="2026-01-31",
        )
    )  # fmt: skip
    answer = await erase(running, transaction_ids=[held.transaction_id])
    assert len(answer.erased_sequences) == 3
    stored = await everything(database_dsn)
    assert not any(secret.encode() in stored for secret in SECRETS)


@pytest.mark.parametrize("how", ["capture", "reversal"])
async def test_what_is_on_its_way_takes_nothing_over_that_is_erased_meanwhile(
    running: Serving, database_dsn: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The erasure commits after the copy was made, and before it is written."""
    holds = holds_pb2_grpc.HoldServiceStub(running.channel)
    asked = secret_transfer()
    write, waiting = postings.write_batch_in_tx, [asked.transaction_id]
    if how == "capture":
        await holds.PlaceHold(holds_pb2.PlaceHoldRequest(journal="main", transaction=asked))
    else:
        await running.ledger.post(asked)

    async def overtaken(*arguments: Any, **fields: Any) -> Any:
        if waiting:
            await erase(running, transaction_ids=[waiting.pop()])
        return await write(*arguments, **fields)

    monkeypatch.setattr(postings, "write_batch_in_tx", overtaken)
    copy_id = str(uuid.uuid4())
    if how == "capture":
        await holds.CaptureHold(
            holds_pb2.CaptureHoldRequest(
                journal="main", hold_id=asked.transaction_id, capture_id=copy_id
            )
        )
    else:
        await running.ledger.transactions.ReverseTransaction(
            pb.ReverseTransactionRequest(
                journal="main", transaction_id=copy_id, reverses=asked.transaction_id,
                effective_date="2026-01-31",
            )
        )  # fmt: skip
    assert not waiting
    stored = await everything(database_dsn)
    assert not any(secret.encode() in stored for secret in SECRETS)
