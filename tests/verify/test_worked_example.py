"""The example of docs/proofs.md, checked by the verifier: the two were written apart."""

import re
import uuid
from pathlib import Path

from ledger_client.verify import SignedCheckpoint, VerifierKey
from ledger_client.verify.findings import Code
from ledger_client.verify.merkle import is_consistent, leaf_hash, root_from_inclusion, root_of
from ledger_client.verify.wire import split_event

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
JOURNAL = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def block(name: str) -> str:
    found = re.search(rf"^```{name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def values(word: str) -> list[bytes]:
    lines = re.findall(rf"^{word} \d +(.*)$", block("example"), re.MULTILINE)
    return [bytes.fromhex(line.replace(" ", "")) for line in lines]


def test_leaves_and_roots() -> None:
    events = [split_event(encoded) for encoded in values("event")]
    assert [event.sequence for event in events] == [1, 2, 3]
    assert [event.parts.is_erased for event in events] == [False, False, True]
    assert [event.leaf(JOURNAL) for event in events] == values("leaf")
    hashes = [leaf_hash(leaf) for leaf in values("leaf")]
    assert hashes == values("hash")
    two, three = values("root")
    assert (root_of(hashes[:2]), root_of(hashes)) == (two, three)
    assert root_from_inclusion(hashes[1], 1, 3, [hashes[0], hashes[2]]) == three
    assert is_consistent(2, two, 3, three, [hashes[2]])


def test_the_checkpoint() -> None:
    checkpoint = SignedCheckpoint.parse(block("checkpoint"))
    assert (checkpoint.journal_id, checkpoint.size) == (JOURNAL, 3)
    assert checkpoint.root == values("root")[1]
    assert VerifierKey.parse(block("verifier-key")).has_signed(checkpoint)


def test_every_code_is_on_the_page_of_verifying() -> None:
    page = (ROOT / "docs" / "verifying.md").read_text(encoding="utf-8")
    table = page[page.index("| code | what |") :]
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", table)) == {code.value for code in Code}
