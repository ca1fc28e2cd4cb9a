"""The key that signs checkpoints, and the form in which it does: C2SP signed-note, tlog-checkpoint.

The key has the name of the server's logs, not that of one journal, so that whoever verifies has one
key to learn; the origin line tells the journals apart.
"""

import base64
import hashlib
import os
import stat
from pathlib import Path
from typing import Final, NamedTuple, Self
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

#: The type of the signature in key ids and verifier keys.
_ED25519: Final = b"\x01"
#: A key file that others may read or write is refused.
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class SigningKeyError(Exception):
    """The key cannot be used: it is not there, of another kind, or open to others."""


class SignedRoot(NamedTuple):
    """What a note says."""

    size: int
    root: bytes


class Signer:
    """Signs the roots of this server's journals."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        """Sign as `name`, which holds no blanks and no plus."""
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.name = name
        self._key = key
        self._id = hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
        #: What a verifier has to know: name, key id, key.
        self.verifier_key = f"{name}+{self._id.hex()}+{_base64(_ED25519 + public)}"

    @classmethod
    def load(cls, name: str, path: Path) -> Self:
        """Read the key from a PEM file, as `openssl genpkey -algorithm ed25519` writes it.

        Raises:
            SigningKeyError: see there.
        """
        try:
            if path.stat().st_mode & _OTHERS:
                raise SigningKeyError(f"{path} is open to others than its owner: chmod 600 {path}")
            key = load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise SigningKeyError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SigningKeyError(f"{path} is not a private key in PEM without password") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningKeyError(f"{path} is not an Ed25519 key")
        return cls(name, key)

    def origin(self, journal_id: UUID) -> str:
        """Return the name of a journal's log."""
        return f"{self.name}/{journal_id}"

    def sign(self, journal_id: UUID, root: SignedRoot) -> str:
        """Return the checkpoint of a tree, as a signed note."""
        text = f"{self.origin(journal_id)}\n{root.size}\n{_base64(root.root)}\n"
        signature = self._id + self._key.sign(text.encode())
        return f"{text}\n\u2014 {self.name} {_base64(signature)}\n"


def read_note(note: str) -> SignedRoot:
    """Return what a note of ours says, its signature not looked at.

    Raises:
        ValueError: it is none.
    """
    lines = note.split("\n")
    if len(lines) < 5 or lines[3] or not lines[1].isdecimal():
        raise ValueError("not a checkpoint")
    return SignedRoot(int(lines[1]), base64.b64decode(lines[2], validate=True))


def ensure_key(path: Path) -> None:
    """Make a key that only its owner can read, if there is none at `path`.

    Raises:
        SigningKeyError: it cannot be written.
    """
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise SigningKeyError(f"{path} cannot be made: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
