"""Signed checkpoints: C2SP signed-note around a C2SP tlog-checkpoint, Ed25519 signatures."""

import base64
import binascii
import dataclasses
import hashlib
import re
from typing import Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger_client.verify.merkle import HASH_BYTES

#: A checkpoint is a few hundred bytes; more is none.
NOTE_BYTES_MAX: Final = 65_536

_ED25519: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_SIGNATURE: Final = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+=*)")
_KEY: Final = re.compile(r"(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+=*)")


class NoteError(ValueError):
    """A text is not a signed checkpoint, or not a verifier key."""


@dataclasses.dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key that signs checkpoints."""

    name: str
    #: The first bytes of the hash over name and key, by which a signature says whose it is.
    id: bytes
    public_key: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+id+key`, as C2SP signed-note writes it.

        Raises:
            NoteError: it is none, its id does not belong to it, or it is not an Ed25519 key.
        """
        found = _KEY.fullmatch(text.strip())
        if not found:
            raise NoteError("not a verifier key of the form name+id+key")
        key = _decoded(found["key"])
        if key[:1] != _ED25519 or len(key) != 33:
            raise NoteError("not an Ed25519 verifier key")
        digest = hashlib.sha256(found["name"].encode() + b"\n" + key).digest()
        if digest[:_KEY_ID_BYTES].hex() != found["id"]:
            raise NoteError("the id of the verifier key does not belong to its name and key")
        return cls(found["name"], digest[:_KEY_ID_BYTES], key[1:])

    def has_signed(self, checkpoint: "SignedCheckpoint") -> bool:
        """Tell whether one of the note's signatures is this key's and right."""
        public = Ed25519PublicKey.from_public_bytes(self.public_key)
        for name, signature in checkpoint.signatures:
            if name != self.name or signature[:_KEY_ID_BYTES] != self.id:
                continue
            try:
                public.verify(signature[_KEY_ID_BYTES:], checkpoint.text.encode())
            except InvalidSignature:
                continue
            return True
        return False


@dataclasses.dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint read from its note. Whether it was signed, only a `VerifierKey` can tell."""

    note: str
    #: What is signed: the note up to the empty line.
    text: str
    origin: str
    #: Events in the tree.
    size: int
    root: bytes
    #: Name and bytes (key id, then signature) of each signature line.
    signatures: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, note: str) -> Self:
        """Read a note.

        Raises:
            NoteError: it does not have the form; the message says where.
        """
        if len(note.encode(errors="surrogatepass")) > NOTE_BYTES_MAX:
            raise NoteError("too long for a checkpoint")
        text, blank, lines = note.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise NoteError("no signature follows the text of the note")
        signatures = []
        for line in lines.removesuffix("\n").split("\n"):
            found = _SIGNATURE.fullmatch(line)
            if not found:
                raise NoteError("a signature line does not have the form")
            signatures.append((found["name"], _decoded(found["signature"])))
        fields = text.split("\n")
        if len(fields) < 3 or not fields[0]:
            raise NoteError("origin, size and root are not there")
        if not _SIZE.fullmatch(fields[1]):
            raise NoteError("the size is not a whole number")
        root = _decoded(fields[2])
        if len(root) != HASH_BYTES:
            raise NoteError(f"the root is not {HASH_BYTES} bytes long")
        return cls(note, text + "\n", fields[0], int(fields[1]), root, tuple(signatures))

    @property
    def journal_id(self) -> UUID:
        """The journal that the origin names.

        Raises:
            NoteError: it names none.
        """
        try:
            return UUID(self.origin.rpartition("/")[2])
        except ValueError as error:
            raise NoteError(f"the origin {self.origin!r} does not end in a journal's id") from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoteError("not base64") from error
