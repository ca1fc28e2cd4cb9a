"""Checkpoints and proofs from the wire."""

from ledger_client import models
from ledger_client.convert import words
from ledger_proto.v1 import proofs_pb2 as pb


def checkpoint(received: pb.Checkpoint) -> models.Checkpoint:
    """Return a checkpoint."""
    return models.Checkpoint(
        note=received.note,
        origin=received.origin,
        size=received.size,
        root=received.root,
        sign_time=words.instant(received.sign_time),
        verifier_key=received.verifier_key,
    )


def inclusion(received: pb.GetInclusionProofResponse) -> models.InclusionProof:
    """Return an inclusion proof."""
    return models.InclusionProof(
        sequence=received.sequence,
        tree_size=received.tree_size,
        leaf=received.leaf,
        path=tuple(received.path),
        root=received.root,
        event=received.event,
    )


def consistency(received: pb.GetConsistencyProofResponse) -> models.ConsistencyProof:
    """Return a consistency proof."""
    return models.ConsistencyProof(
        from_size=received.from_size, to_size=received.to_size, path=tuple(received.path)
    )
