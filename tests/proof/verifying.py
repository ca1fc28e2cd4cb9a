"""Proofs as a verifier asks for them and checks them: with hashlib and RFC 9162."""

import hashlib
from typing import TYPE_CHECKING, Any

from ledger_proto.v1 import proofs_pb2 as pb
from ledger_proto.v1.proofs_pb2_grpc import ProofServiceStub
from tests.ledger import PostingLedger, Serving, transfer

if TYPE_CHECKING:
    from ledger_proto.v1.proofs_pb2_grpc import ProofServiceAsyncStub

JOURNAL = "main"


def stub(running: Serving) -> "ProofServiceAsyncStub":
    return ProofServiceStub(running.channel)


async def checkpoint(running: Serving, **fields: Any) -> pb.Checkpoint:
    answer = await stub(running).GetCheckpoint(pb.GetCheckpointRequest(journal=JOURNAL, **fields))
    return answer.checkpoint


async def inclusion(running: Serving, **fields: Any) -> pb.GetInclusionProofResponse:
    return await stub(running).GetInclusionProof(
        pb.GetInclusionProofRequest(journal=JOURNAL, **fields)
    )


async def consistency(running: Serving, **fields: Any) -> pb.GetConsistencyProofResponse:
    return await stub(running).GetConsistencyProof(
        pb.GetConsistencyProofRequest(journal=JOURNAL, **fields)
    )


async def post(ledger: PostingLedger, count: int) -> list[str]:
    requests = [transfer(description=f"number {number}") for number in range(count)]
    results = await ledger.post_all(requests)
    return [result.transaction.id for result in results]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root_of_path(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2: another way up than the server's."""
    assert index < size
    node, last, root = index, size - 1, sha256(b"\0" + leaf)
    for one in path:
        assert last
        if node & 1 or node == last:
            root = sha256(b"\1" + one + root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = sha256(b"\1" + root + one)
        node, last = node >> 1, last >> 1
    assert last == 0
    return root


def is_consistent(
    older: int, newer: int, root_before: bytes, root_after: bytes, path: list[bytes]
) -> bool:
    """RFC 9162, 2.1.4.2."""
    if older == newer:
        return not path and root_before == root_after
    if older & (older - 1) == 0:
        path = [root_before, *path]
    node, last = older - 1, newer - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = path[0]
    for one in path[1:]:
        if not last:
            return False
        if node & 1 or node == last:
            before, after = sha256(b"\1" + one + before), sha256(b"\1" + one + after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = sha256(b"\1" + after + one)
        node, last = node >> 1, last >> 1
    return before == root_before and after == root_after and last == 0
