"""Keys for tests, and signed notes as a stranger checks them: from docs/proofs.md alone."""

import base64
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger_server.proof.checkpointer import Signing
from ledger_server.proof.signing import ensure_key

NAME = "test.example/ledger"


def new_signing(folder: Path, name: str = "key.pem") -> Signing:
    """Return a key made in `folder`, or the one that is there, and its memory."""
    ensure_key(folder / name)
    return Signing.load(NAME, folder / name)


def read_checkpoint(note: str, verifier_key: str) -> tuple[str, int, bytes]:
    """Return origin, size and root of a note; raises where its signature is not that key's."""
    name, key_id, encoded = verifier_key.split("+", 2)
    key = base64.b64decode(encoded)
    assert key[:1] == b"\x01"
    assert hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id
    text, signature_line = note.rsplit("\n\n", 1)
    dash, signer, signature = signature_line.removesuffix("\n").split(" ")
    assert (dash, signer) == ("\N{EM DASH}", name)
    raw = base64.b64decode(signature)
    assert raw[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(raw[4:], f"{text}\n".encode())
    origin, size, root = text.split("\n")
    return origin, int(size), base64.b64decode(root)
