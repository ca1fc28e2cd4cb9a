"""Calls of the `ProofService`: the server's word, which `ledger_client.verify` checks."""

from collections.abc import AsyncIterator
from uuid import UUID

from ledger_client.connection import Connection
from ledger_client.convert import encode, proofs
from ledger_client.models import Checkpoint, ConsistencyProof, InclusionProof, Reference
from ledger_proto.v1 import proofs_pb2 as pb


class ProofCalls(Connection):
    """Reads checkpoints and proofs."""

    async def get_checkpoint(self, journal: Reference, *, covers_sequence: int = 0) -> Checkpoint:
        """Return a signed checkpoint.

        Args:
            journal: code or id.
            covers_sequence: the oldest that holds this event; 0 takes the newest.

        Raises:
            NotFoundError: there is no such journal.
            RefusedError: none is there yet, the server has no key, or what it signed before is no
                longer what is stored (`TREE_INCONSISTENT`).
        """
        request = pb.GetCheckpointRequest(
            journal=encode.reference(journal), covers_sequence=covers_sequence
        )
        answer = await self._call(self._proofs.GetCheckpoint, request)
        return proofs.checkpoint(answer.checkpoint)

    def list_checkpoints(self, journal: Reference) -> AsyncIterator[Checkpoint]:
        """Give the checkpoints of a journal, newest first.

        Args:
            journal: code or id.
        """
        request = pb.ListCheckpointsRequest(journal=encode.reference(journal))
        return self._items(
            self._proofs.ListCheckpoints,
            request,
            lambda page: map(proofs.checkpoint, page.checkpoints),
        )

    async def get_inclusion_proof(
        self,
        journal: Reference,
        *,
        transaction_id: UUID | None = None,
        sequence: int | None = None,
        tree_size: int = 0,
    ) -> InclusionProof:
        """Return the proof that an event is in a tree.

        Args:
            journal: code or id.
            transaction_id: names the event by its transaction; else give `sequence`.
            sequence: names it by its place.
            tree_size: of which tree; 0 takes that of the newest checkpoint that holds it.

        Raises:
            NotFoundError: there is no such journal or transaction.
            InvalidRequestError: the tree of that size does not hold the event, or is not there.
        """
        request = pb.GetInclusionProofRequest(
            journal=encode.reference(journal), tree_size=tree_size
        )
        if transaction_id is not None:
            request.transaction_id = str(transaction_id)
        elif sequence is not None:
            request.sequence = sequence
        return proofs.inclusion(await self._call(self._proofs.GetInclusionProof, request))

    async def get_consistency_proof(
        self, journal: Reference, *, from_size: int, to_size: int = 0
    ) -> ConsistencyProof:
        """Return the proof that one tree is the beginning of another.

        Args:
            journal: code or id.
            from_size: of the older tree, at least 1.
            to_size: of the newer tree; 0 takes that of the newest checkpoint.

        Raises:
            NotFoundError: there is no such journal.
            InvalidRequestError: a size is beyond the tree.
        """
        request = pb.GetConsistencyProofRequest(
            journal=encode.reference(journal), from_size=from_size, to_size=to_size
        )
        return proofs.consistency(await self._call(self._proofs.GetConsistencyProof, request))
