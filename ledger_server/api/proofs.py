"""ProofService: decodes, hands over, encodes."""

from typing import Final
from uuid import UUID

from ledger_proto.v1 import proofs_pb2 as pb
from ledger_proto.v1.proofs_pb2_grpc import ProofServiceServicer
from ledger_server.api.fields import page_size_field, reference_field, uuid_field
from ledger_server.api.paging import PageTokens
from ledger_server.application.journals import get_journal
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.proof.checkpointer import Signing
from ledger_server.proof.proving import checkpoint_in_tx, consistency_in_tx, inclusion_in_tx
from ledger_server.store import proofs
from ledger_server.store.codec import timestamp
from ledger_server.store.database import Database
from ledger_server.store.proofs import Checkpoint

_SIZE_END: Final = 2**63 - 1


class ProofServicer(ProofServiceServicer):
    """Hands out what a verifier needs."""

    def __init__(
        self, database: Database, page_tokens: PageTokens, signing: Signing | None
    ) -> None:
        """Serve the trees of `database`; `signing` is what this server signs with."""
        self._database = database
        self._page_tokens = page_tokens
        self._signing = signing

    async def GetCheckpoint(
        self, request: pb.GetCheckpointRequest, _context: object
    ) -> pb.GetCheckpointResponse:
        """Return a signed checkpoint."""
        covers = _size_field("covers_sequence", request.covers_sequence)
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            found = await checkpoint_in_tx(tx, journal, covers, self._signing)
        return pb.GetCheckpointResponse(checkpoint=_checkpoint(found))

    async def ListCheckpoints(
        self, request: pb.ListCheckpointsRequest, _context: object
    ) -> pb.ListCheckpointsResponse:
        """Return a page of checkpoints."""
        size = page_size_field(request.page_size)
        (below,) = self._page_tokens.read(request, request.page_token) or [_SIZE_END]
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            rows = await proofs.list_checkpoints_in_tx(tx, journal.id, int(below), size + 1)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.size])
        return pb.ListCheckpointsResponse(
            checkpoints=map(_checkpoint, shown), next_page_token=token
        )

    async def GetInclusionProof(
        self, request: pb.GetInclusionProofRequest, _context: object
    ) -> pb.GetInclusionProofResponse:
        """Return the proof that an event is in a tree."""
        subject = _subject(request)
        tree_size = _size_field("tree_size", request.tree_size)
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            proof = await inclusion_in_tx(tx, journal, subject, tree_size)
        return pb.GetInclusionProofResponse(
            sequence=proof.sequence,
            tree_size=proof.tree_size,
            leaf=proof.leaf,
            path=proof.path,
            root=proof.root,
            event=proof.event,
        )

    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, _context: object
    ) -> pb.GetConsistencyProofResponse:
        """Return the proof that a tree only grew."""
        if request.from_size < 1:
            raise FieldInvalidError("from_size", "not 1 or more")
        to_size = _size_field("to_size", request.to_size)
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            proof = await consistency_in_tx(tx, journal, request.from_size, to_size)
        return pb.GetConsistencyProofResponse(
            from_size=proof.from_size, to_size=proof.to_size, path=proof.path
        )

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _subject(request: pb.GetInclusionProofRequest) -> UUID | int:
    which = request.WhichOneof("subject")
    if which == "transaction_id":
        return uuid_field("transaction_id", request.transaction_id)
    if which == "sequence":
        if request.sequence < 1:
            raise FieldInvalidError("sequence", "not 1 or more")
        return request.sequence
    raise FieldInvalidError("subject", "required: transaction_id or sequence")


def _size_field(field: str, size: int) -> int:
    if size < 0:
        raise FieldInvalidError(field, "negative")
    return size


def _checkpoint(found: Checkpoint) -> pb.Checkpoint:
    return pb.Checkpoint(
        note=found.note,
        origin=found.note.split("\n", 1)[0],
        size=found.size,
        root=found.root,
        sign_time=timestamp(found.signed_at),
        verifier_key=found.verifier_key,
    )
