"""Checkpoints and proofs as the server gives them: nothing of them is checked yet."""

import dataclasses
import datetime as dt


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed root."""

    #: The signed note: what to keep; the rest is read from it.
    note: str
    origin: str
    #: Events in the tree.
    size: int
    root: bytes
    #: By the server's clock.
    sign_time: dt.datetime
    #: Of the signature, by the server's word: learn it another way and compare.
    verifier_key: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """The way from an event to the root of a tree."""

    sequence: int
    tree_size: int
    #: The bytes of the leaf, as docs/proofs.md has them.
    leaf: bytes
    #: Hashes from the leaf's sibling upwards.
    path: tuple[bytes, ...]
    root: bytes
    #: The event as stored, without sequence and record time.
    event: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """The way from the root of an older tree to that of a newer."""

    from_size: int
    to_size: int
    path: tuple[bytes, ...]
