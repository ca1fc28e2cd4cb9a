"""Signed notes: what is one, and who signed it."""

import uuid
from collections.abc import Callable

import pytest

from ledger_client.verify import NoteError, SignedCheckpoint, VerifierKey
from tests.verify.signing import Signer

JOURNAL = uuid.UUID(int=7)
ROOT = bytes(range(32))


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def note(signer: Signer) -> str:
    return signer.sign(f"ledger.example/{JOURNAL}", 12, ROOT)


def test_a_note_is_read(signer: Signer, note: str) -> None:
    checkpoint = SignedCheckpoint.parse(note)
    assert (checkpoint.size, checkpoint.root, checkpoint.journal_id) == (12, ROOT, JOURNAL)
    assert VerifierKey.parse(signer.verifier_key + "\n").has_signed(checkpoint)


def test_the_key_of_the_c2sp_page() -> None:
    """The example of signed-note: its key id must come out the same."""
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = VerifierKey.parse(text)
    assert key.id.hex() == "c74f20a3"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
        "ZwRb6KE09hnBwn1ak=\n"
    )
    with pytest.raises(NoteError, match="origin, size and root"):
        SignedCheckpoint.parse(note)


@pytest.mark.parametrize("change", ["size", "root", "origin", "signature", "name"])
def test_a_changed_note_was_not_signed(signer: Signer, note: str, change: str) -> None:
    lines = note.split("\n")
    changed = {
        "size": [lines[0], "13", *lines[2:]],
        "root": [*lines[:2], lines[2][::-1].lstrip("=") + "=", *lines[3:]],
        "origin": ["elsewhere/" + str(JOURNAL), *lines[1:]],
        "signature": [*lines[:4], Signer().sign(lines[0], 12, ROOT).split("\n")[4], ""],
        "name": [*lines[:4], lines[4].replace("ledger.example", "other.example"), ""],
    }[change]
    try:
        checkpoint = SignedCheckpoint.parse("\n".join(changed))
    except NoteError:
        assert change == "root", "only a root may stop being one"
        return
    assert not VerifierKey.parse(signer.verifier_key).has_signed(checkpoint)


def test_one_of_several_signatures_is_enough(signer: Signer, note: str) -> None:
    other = Signer("other.example")
    both = note + other.sign(f"ledger.example/{JOURNAL}", 12, ROOT).split("\n\n")[1]
    checkpoint = SignedCheckpoint.parse(both)
    assert VerifierKey.parse(signer.verifier_key).has_signed(checkpoint)
    assert VerifierKey.parse(other.verifier_key).has_signed(checkpoint)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("", "no signature"),
        ("a\n1\n" + "A" * 43 + "=\n", "no signature"),
        ("a\n1\nAAAA\n\n— k AAAA\n", "32 bytes"),
        ("a\n01\n" + "A" * 43 + "=\n\n— k AAAA\n", "size"),
        ("a\n-1\n" + "A" * 43 + "=\n\n— k AAAA\n", "size"),
        ("a\n1\n" + "A" * 43 + "=\n\n- k AAAA\n", "signature line"),
        ("a\n1\n" + "A" * 43 + "=\n\n— k AAAA", "no signature"),
        ("a\n1\n\n— k AAAA\n", "origin, size and root"),
        ("a\n" * 70_000, "too long"),
    ],
)
def test_what_is_no_note(broken: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        SignedCheckpoint.parse(broken)


def test_an_origin_that_names_no_journal(signer: Signer) -> None:
    checkpoint = SignedCheckpoint.parse(signer.sign("ledger.example/main", 1, ROOT))
    with pytest.raises(NoteError, match="does not end in a journal's id"):
        _ = checkpoint.journal_id


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda key: key.replace("+", " "), "of the form"),
        (lambda key: "another" + key, "does not belong"),
        (lambda key: key[:-4], "not an Ed25519|not base64"),
    ],
)
def test_what_is_no_verifier_key(signer: Signer, change: Callable[[str], str], why: str) -> None:
    with pytest.raises(NoteError, match=why):
        VerifierKey.parse(change(signer.verifier_key))
