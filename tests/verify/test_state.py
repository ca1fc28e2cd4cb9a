"""A saved state: comes back as it was, and is refused when it is not whole."""

import hashlib
import json
import uuid

import pytest
from hypothesis import given

from ledger_client.verify import SignedCheckpoint, StateError
from ledger_client.verify.merkle import Frontier
from ledger_client.verify.state import dump, load
from tests.verify.histories import PENDING, History, transfer
from tests.verify.naive_tree import leaf_of
from tests.verify.signing import Signer
from tests.verify.test_fold import histories

JOURNAL = uuid.UUID(int=9)
SIGNER = Signer()


def saved(history: History) -> str:
    fold, tree = history.fold(), Frontier()
    for number in range(len(history.events)):
        tree.append(leaf_of(bytes([number])))
    note = SIGNER.sign(f"ledger/{JOURNAL}", tree.size, tree.root())
    return dump(JOURNAL, SignedCheckpoint.parse(note), tree, fold)


@given(histories())
def test_it_comes_back_as_it_was(history: History) -> None:
    """Holds and reversals too; and what follows can be folded on it as on the whole."""
    hold = history.post(*transfer("10.00", layer=PENDING), kind="hold_created")
    original = history.post(*transfer("5.00"))
    for _ in range(2):
        history.post(
            *transfer("2.00", debit="b", credit="a"),
            kind="transaction_reversed",
            reverses=original,
        )
    text = saved(history)
    start = load(text)
    assert dump(start.journal_id, start.checkpoint, start.tree, start.fold) == text
    assert list(start.fold.holds.open) == [hold]
    history.post(*transfer("3.33"))
    start.fold.step(len(history.events), start.fold.time_us)
    start.fold.apply(history.events[-1])
    whole = history.fold()
    for place, slot in whole.balances.items():
        again = start.fold.balances[place]
        assert (again.version, again.sums, again.days) == (slot.version, slot.sums, slot.days)
    assert start.fold.reversals.taken == whole.reversals.taken


def sealed(body: dict[str, object]) -> str:
    """Seal what was changed, as one does who knows how."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f"{text}\nsha256:{hashlib.sha256(text.encode()).hexdigest()}\n"


def test_what_is_no_state() -> None:
    history = History("a", "b")
    history.post(*transfer("1.00"))
    text = saved(history)
    for broken, why in (
        ("", "not a saved state"),
        (text.replace("1", "2", 1), "seal"),
        (text[:-10], "seal"),
        (text[10:], "seal"),
    ):
        with pytest.raises(StateError, match=why):
            load(broken)
    body = json.loads(text.splitlines()[0])
    for change, why in (
        ({"form": "ledger-verify-state/9"}, "another form"),
        ({"peaks": body["peaks"][:-1]}, "cannot be read"),
        ({"peaks": ["00" * 32] * len(body["peaks"])}, "not that of its checkpoint"),
        ({"checkpoint": "none"}, "cannot be read"),
        ({"balances": [["a"]]}, "cannot be read"),
        ({"holds": None}, "cannot be read"),
        ({"journal_id": "none"}, "cannot be read"),
    ):
        with pytest.raises(StateError, match=why):
            load(sealed(body | change))
