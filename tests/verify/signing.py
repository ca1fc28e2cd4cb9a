"""Signs notes as a server does, from the words of C2SP signed-note."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Signer:
    """A key that signs checkpoints."""

    def __init__(self, name: str = "ledger.example") -> None:
        self.name = name
        self._key = Ed25519PrivateKey.generate()
        public = b"\x01" + self._key.public_key().public_bytes_raw()
        self._id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        self.verifier_key = f"{name}+{self._id.hex()}+{base64.b64encode(public).decode()}"

    def sign(self, origin: str, size: int, root: bytes) -> str:
        text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._id + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {signature}\n"
