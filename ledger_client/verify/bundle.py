"""Proofs to keep: all that is needed to check them later, by anybody, without a server."""

import base64
import binascii
import dataclasses
import json
from typing import Any, Final, Self
from uuid import UUID

from google.protobuf.message import DecodeError

from ledger_client.client import LedgerClient
from ledger_client.verify.checkpoints import check_checkpoint
from ledger_client.verify.findings import Code, WrongError, wrong
from ledger_client.verify.merkle import is_consistent, leaf_hash, root_from_inclusion
from ledger_client.verify.note import NoteError, SignedCheckpoint, VerifierKey
from ledger_client.verify.wire import (
    LEAF_BYTES,
    TIME_IN_LEAF,
    MalformedEventError,
    leaf,
    split_stored,
)
from ledger_proto.v1 import events_pb2

_INCLUSION: Final = "ledger-inclusion-proof/1"
_CONSISTENCY: Final = "ledger-consistency-proof/1"


class BundleError(ValueError):
    """A text is not a proof that was saved."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProvenEvent:
    """What an inclusion proof shows to be in a journal."""

    journal_id: UUID
    sequence: int
    #: Microseconds since 1970, UTC.
    time_us: int
    #: A ledger.v1.Event without sequence and record time.
    event: Any


@dataclasses.dataclass(frozen=True, slots=True)
class InclusionBundle:
    """An event, and its way to a signed root."""

    checkpoint: SignedCheckpoint
    sequence: int
    leaf: bytes
    path: tuple[bytes, ...]
    #: As stored: without sequence and record time.
    event: bytes

    @classmethod
    async def fetch(
        cls, ledger: LedgerClient, journal_id: UUID, transaction_id: UUID, at: SignedCheckpoint
    ) -> Self:
        """Ask for the proof of a transaction in the tree of a checkpoint. Nothing is checked yet.

        Raises:
            LedgerError: the transaction or the tree is not there, or the server did not answer.
        """
        proof = await ledger.get_inclusion_proof(
            journal_id, transaction_id=transaction_id, tree_size=at.size
        )
        return cls(at, proof.sequence, proof.leaf, proof.path, proof.event)

    def check(self, key: VerifierKey | None) -> ProvenEvent:
        """Check the proof and return what it shows.

        Args:
            key: which key should have signed the root; None does not look.

        Raises:
            WrongError: it does not show it.
        """
        journal_id = _journal_id(self.checkpoint)
        check_checkpoint(self.checkpoint, journal_id, key, "of the proof")
        try:
            parts = split_stored(self.event)
            event = events_pb2.Event.FromString(self.event)
        except (MalformedEventError, DecodeError) as error:
            raise self._wrong(f"what it holds is no event: {error}") from error
        if len(self.leaf) != LEAF_BYTES:
            raise self._wrong(f"its leaf is not {LEAF_BYTES} bytes long")
        time_us = int.from_bytes(self.leaf[TIME_IN_LEAF], "big", signed=True)
        if not 0 < self.sequence < 2**63:
            raise self._wrong("its sequence is none")
        if self.leaf != leaf(journal_id, self.sequence, time_us, parts):
            raise self._wrong("its leaf is not made of the event that it holds")
        try:
            root = root_from_inclusion(
                leaf_hash(self.leaf), self.sequence - 1, self.checkpoint.size, self.path
            )
        except ValueError as error:
            raise self._wrong(f"its path is none: {error}") from error
        if root != self.checkpoint.root:
            raise self._wrong("its path does not lead to the root of the checkpoint")
        return ProvenEvent(journal_id, self.sequence, time_us, event)

    def _wrong(self, problem: str) -> WrongError:
        return wrong(
            Code.PROOF_WRONG,
            f"the proof of event {self.sequence}: {problem}",
            sequence=self.sequence,
            expected=self.checkpoint.root.hex(),
        )

    def dump(self) -> str:
        """Write it as JSON."""
        return _json(
            {
                "form": _INCLUSION,
                "checkpoint": self.checkpoint.note,
                "sequence": self.sequence,
                "leaf": self.leaf.hex(),
                "path": [node.hex() for node in self.path],
                "event": base64.b64encode(self.event).decode(),
            }
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ConsistencyBundle:
    """Two signed roots, and that the older is the beginning of the newer."""

    older: SignedCheckpoint
    newer: SignedCheckpoint
    path: tuple[bytes, ...]

    @classmethod
    async def fetch(
        cls,
        ledger: LedgerClient,
        journal_id: UUID,
        older: SignedCheckpoint,
        newer: SignedCheckpoint,
    ) -> Self:
        """Ask for the proof between two checkpoints. Nothing is checked yet.

        Raises:
            LedgerError: a tree is not there, or the server did not answer.
        """
        path: tuple[bytes, ...] = ()
        if 0 < older.size < newer.size:
            proof = await ledger.get_consistency_proof(
                journal_id, from_size=older.size, to_size=newer.size
            )
            path = proof.path
        return cls(older, newer, path)

    def check(self, key: VerifierKey | None) -> None:
        """Check the proof.

        Args:
            key: which key should have signed both roots; None does not look.

        Raises:
            WrongError: the older is not shown to be the beginning of the newer.
        """
        journal_id = _journal_id(self.older)
        check_checkpoint(self.older, journal_id, key, "that is older")
        check_checkpoint(self.newer, journal_id, key, "that is newer")
        older, newer = self.older, self.newer
        if older.size > newer.size:
            raise wrong(
                Code.TAIL_MISSING,
                f"the newer checkpoint covers {newer.size} events, the older {older.size}",
                sequence=newer.size + 1,
                expected=f"at least {older.size} events",
                found=f"{newer.size} events",
            )
        if older.size == 0:
            return
        if not is_consistent(older.size, older.root, newer.size, newer.root, self.path):
            raise wrong(
                Code.HISTORY_REWRITTEN,
                f"the checkpoint of {older.size} events is not shown to be the beginning of that "
                f"of {newer.size}",
                expected=f"a tree that begins with root {older.root.hex()}",
                found=f"one with root {newer.root.hex()}",
            )

    def dump(self) -> str:
        """Write it as JSON."""
        return _json(
            {
                "form": _CONSISTENCY,
                "older": self.older.note,
                "newer": self.newer.note,
                "path": [node.hex() for node in self.path],
            }
        )


def load(text: str) -> InclusionBundle | ConsistencyBundle:
    """Read what `dump` wrote. Nothing is checked yet.

    Raises:
        BundleError: it is not that.
    """
    try:
        body = json.loads(text)
        path = tuple(bytes.fromhex(node) for node in body["path"])
        if body["form"] == _INCLUSION:
            return InclusionBundle(
                SignedCheckpoint.parse(body["checkpoint"]),
                int(body["sequence"]),
                bytes.fromhex(body["leaf"]),
                path,
                base64.b64decode(body["event"], validate=True),
            )
        if body["form"] == _CONSISTENCY:
            older, newer = map(SignedCheckpoint.parse, (body["older"], body["newer"]))
            return ConsistencyBundle(older, newer, path)
    except (KeyError, TypeError, AttributeError, NoteError, ValueError, binascii.Error) as error:
        raise BundleError(f"not a saved proof: {error}") from error
    raise BundleError(f"a proof of another form: {body['form']}")


def _journal_id(checkpoint: SignedCheckpoint) -> UUID:
    try:
        return checkpoint.journal_id
    except NoteError as error:
        raise wrong(Code.CHECKPOINT_WRONG, f"the checkpoint: {error}") from error


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"
