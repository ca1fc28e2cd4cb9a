"""The key, the note, and what is remembered of it."""

import base64
import uuid
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger_server.proof.remembered import Remembered, RememberedError
from ledger_server.proof.signing import (
    SignedRoot,
    Signer,
    SigningKeyError,
    ensure_key,
    read_note,
)
from tests.proof.keys import NAME, new_signing, read_checkpoint

JOURNAL = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ROOT = SignedRoot(42, bytes(range(32)))


def test_a_note_says_what_was_signed(tmp_path: Path) -> None:
    signer = new_signing(tmp_path).signer
    note = signer.sign(JOURNAL, ROOT)
    assert read_checkpoint(note, signer.verifier_key) == (f"{NAME}/{JOURNAL}", *ROOT)
    assert read_note(note) == ROOT


def test_no_other_note_and_no_other_key_passes(tmp_path: Path) -> None:
    signer, other = new_signing(tmp_path).signer, new_signing(tmp_path, "other.pem").signer
    note = signer.sign(JOURNAL, ROOT)
    with pytest.raises(InvalidSignature):
        read_checkpoint(note.replace("\n42\n", "\n43\n"), signer.verifier_key)
    with pytest.raises(AssertionError):
        read_checkpoint(note, other.verifier_key)


def test_a_note_is_as_the_specification_has_it(tmp_path: Path) -> None:
    signer = new_signing(tmp_path).signer
    lines = signer.sign(JOURNAL, ROOT).split("\n")
    assert lines[:4] == [
        f"{NAME}/{JOURNAL}",
        "42",
        base64.b64encode(ROOT.root).decode(),
        "",
    ]
    assert lines[4].startswith(f"\N{EM DASH} {NAME} ")
    assert lines[5:] == [""]


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    ensure_key(path)
    made = path.read_bytes()
    ensure_key(path)
    assert path.read_bytes() == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(SigningKeyError, match="cannot be read"):
        Signer.load(NAME, path)
    ensure_key(path)
    path.chmod(0o640)
    with pytest.raises(SigningKeyError, match="open to others"):
        Signer.load(NAME, path)
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(SigningKeyError, match="not a private key"):
        Signer.load(NAME, path)
    rsa = generate_private_key(65537, 2048)
    path.write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(SigningKeyError, match="not an Ed25519 key"):
        Signer.load(NAME, path)


def test_what_was_signed_is_remembered_by_others_too(tmp_path: Path) -> None:
    signing = new_signing(tmp_path)
    assert signing.remembered.newest(JOURNAL) is None
    for size in (42, 43):
        signing.remembered.keep(JOURNAL, signing.signer.sign(JOURNAL, SignedRoot(size, ROOT.root)))
    again = Remembered.beside(tmp_path / "key.pem")
    assert again.newest(JOURNAL) == SignedRoot(43, ROOT.root)
    assert again.newest(uuid.uuid4()) is None
    assert len(list((tmp_path / "key.pem.signed").iterdir())) == 1


def test_what_cannot_be_read_is_not_taken_for_nothing(tmp_path: Path) -> None:
    signing = new_signing(tmp_path)
    signing.remembered.keep(JOURNAL, "nonsense")
    with pytest.raises(RememberedError):
        signing.remembered.newest(JOURNAL)


def test_a_memory_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "key.pem.signed").write_text("in the way")
    with pytest.raises(RememberedError):
        new_signing(tmp_path).remembered.keep(JOURNAL, "note")
