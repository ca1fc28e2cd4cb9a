"""AuditService: the books as they are stored, from one snapshot, in bounded messages."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from ledger_proto.v1 import audit_pb2 as pb
from ledger_proto.v1.audit_pb2_grpc import AuditServiceStub
from ledger_server.store.audit import CHUNK_ROWS_MAX
from tests.api.calls import refused
from tests.ledger import ATOMIC, PostingLedger, transfer

if TYPE_CHECKING:
    from ledger_proto.v1.audit_pb2_grpc import AuditServiceAsyncStub

pytestmark = pytest.mark.asyncio(loop_scope="module")


def read(ledger: PostingLedger, **fields: Any) -> AsyncIterator[pb.ReadBooksResponse]:
    stub: AuditServiceAsyncStub = AuditServiceStub(ledger.channel)
    return aiter(stub.ReadBooks(pb.ReadBooksRequest(**{"journal": ledger.journal} | fields)))


async def all_of(ledger: PostingLedger, **fields: Any) -> list[pb.ReadBooksResponse]:
    return [response async for response in read(ledger, **fields)]


async def test_rows_are_those_of_the_postings(posting: PostingLedger) -> None:
    answer = await posting.post(transfer(amount="1.50", external_id="X", correlation_id="C"))
    posted = answer.transaction
    responses = await all_of(posting)
    assert {one.head_sequence for one in responses} == {posted.sequence}
    (balance, other) = [row for one in responses for row in one.balances]
    assert (balance.account_id, other.account_id) == tuple(
        sorted(entry.account_id for entry in posted.entries)
    )
    debited = posted.entries[0].account_id
    cash = balance if balance.account_id == debited else other
    assert (cash.currency, cash.version, cash.settled_debit) == ("USD", 1, "1.50")
    days = [row for one in responses for row in one.days if row.account_id == debited]
    assert [(row.day, row.layer, row.debit) for row in days] == [(posted.effective_date, 1, "1.50")]
    entries = [row for one in responses for row in one.entries]
    assert [(row.sequence, row.position, row.account_id, row.units) for row in entries] == [
        (posted.sequence, position, entry.account_id, "1.50")
        for position, entry in enumerate(posted.entries)
    ]
    (row,) = [row for one in responses for row in one.transactions]
    assert row == pb.StoredTransaction(
        id=posted.id,
        sequence=posted.sequence,
        effective_date=posted.effective_date,
        external_id="X",
        correlation_id="C",
    )


async def test_one_snapshot_side_by_side_in_bounded_messages(posting: PostingLedger) -> None:
    """What is posted meanwhile is not seen, and neither kind runs away from the other."""
    count = 2 * CHUNK_ROWS_MAX // 1000 * 1000
    for _ in range(count // 1000):
        await posting.post_all([transfer() for _ in range(1000)], ATOMIC)
    head = await posting.head()
    stream = read(posting)
    first = await anext(stream)
    assert first.head_sequence == head
    await posting.post(transfer())
    seen = {"entries": 0, "transactions": 0}
    last = dict.fromkeys(seen, 0)
    kinds = []
    async for response in stream:
        assert response.head_sequence == head
        (kind,) = {field.name for field, _value in response.ListFields()} - {"head_sequence"}
        rows = getattr(response, kind)
        assert len(rows) <= CHUNK_ROWS_MAX
        kinds.append(kind)
        if kind in seen:
            seen[kind] += len(rows)
            behind = min(last.values())
            assert last[kind] == behind, "the kind that is behind comes next"
            last[kind] = rows[-1].sequence
    assert seen == {"entries": 2 * count, "transactions": count}
    assert kinds[:2] == ["balances", "days"]


async def test_after_a_sequence(posting: PostingLedger) -> None:
    for _ in range(3):
        await posting.post(transfer())
    head = await posting.head()
    responses = await all_of(posting, after_sequence=head - 1)
    assert [row.sequence for one in responses for row in one.transactions] == [head]
    assert [row.sequence for one in responses for row in one.entries] == [head, head]
    assert len([row for one in responses for row in one.balances]) == 2


async def test_many_readers_wait_for_each_other(posting: PostingLedger) -> None:
    await posting.post(transfer())
    answers = await asyncio.gather(*(all_of(posting) for _ in range(12)))
    assert all(answer == answers[0] for answer in answers)


async def test_refusals(posting: PostingLedger) -> None:
    for fields, reason in (
        ({"journal": "none"}, "JOURNAL_NOT_FOUND"),
        ({"journal": ""}, "FIELD_INVALID"),
        ({"after_sequence": -1}, "FIELD_INVALID"),
    ):
        assert (await refused(anext(read(posting, **fields)))).reason == reason
