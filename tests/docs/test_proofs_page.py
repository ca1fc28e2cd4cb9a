"""The example in docs/proofs.md, checked as a second verifier would: with hashlib and the page."""

import hashlib
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger_proto.v1 import events_pb2
from ledger_server.domain import merkle
from ledger_server.proof.signing import SignedRoot, Signer
from tests.proof.keys import read_checkpoint

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "proofs.md").read_text()
JOURNAL = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def block(name: str) -> str:
    found = re.search(rf"^```{name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def lines() -> dict[str, list[bytes]]:
    found = re.findall(r"^(\w+ \d) +([0-9a-f ]+)$", block("example"), re.MULTILINE)
    return {name: [bytes.fromhex(part) for part in parts.split()] for name, parts in found}


EXAMPLE = lines()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_leaves_are_made_as_the_page_says() -> None:
    recorded = datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)
    for sequence in (1, 2, 3):
        head, open_part, *rest = EXAMPLE[f"event {sequence}"]
        event = events_pb2.Event.FromString(head + open_part + b"".join(rest))
        assert event.sequence == sequence
        assert event.record_time.ToDatetime(tzinfo=UTC) == recorded
        personal = bytes(32)
        if rest and rest[0].startswith(b"\x22\x10"):
            personal = sha256(rest[0])
        elif rest:
            assert rest[0].startswith(b"\x2a\x20")
            personal = event.personal_digest
        (leaf,) = EXAMPLE[f"leaf {sequence}"]
        assert len(leaf) == 97
        assert leaf == b"".join(
            (
                b"\x01",
                JOURNAL.bytes,
                sequence.to_bytes(8, "big"),
                (int(recorded.timestamp()) * 1_000_000 + 123_456).to_bytes(8, "big"),
                sha256(open_part),
                personal,
            )
        )
        assert [sha256(b"\x00" + leaf)] == EXAMPLE[f"hash {sequence}"]
        assert merkle.leaf_hash(leaf) == sha256(b"\x00" + leaf)
    second = events_pb2.Event.FromString(b"".join(EXAMPLE["event 2"]))
    assert second.account_created.account.name == "Ada"
    assert second.account_created.account.code == "ada"
    third = events_pb2.Event.FromString(b"".join(EXAMPLE["event 3"]))
    assert not third.account_locked.account.name


def test_roots_and_paths_are_as_the_page_says() -> None:
    one, two, three = (EXAMPLE[f"hash {number}"][0] for number in (1, 2, 3))
    (root_of_two,), (root,) = EXAMPLE["root 2"], EXAMPLE["root 3"]
    assert root_of_two == sha256(b"\x01" + one + two)
    assert root == sha256(b"\x01" + root_of_two + three)
    assert merkle.root_of_inclusion(1, 3, two, [one, three]) == root
    assert merkle.inclusion_path(1, 3) == [merkle.Subtree(0, 1), merkle.Subtree(2, 3)]
    assert merkle.consistency_path(2, 3) == [merkle.Subtree(2, 3)]


def test_the_checkpoint_is_signed_as_the_page_says() -> None:
    note, verifier_key = block("checkpoint"), block("verifier-key").strip()
    (root,) = EXAMPLE["root 3"]
    assert read_checkpoint(note, verifier_key) == (f"bank.example/ledger/{JOURNAL}", 3, root)
    signer = Signer("bank.example/ledger", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    assert signer.verifier_key == verifier_key
    assert signer.sign(JOURNAL, SignedRoot(3, root)) == note
