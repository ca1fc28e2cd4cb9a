"""Where a verification had come to, in a file: what the next one goes on from."""

import dataclasses
import hashlib
import json
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from ledger_client.verify.amounts import plain
from ledger_client.verify.fold import Fold, Sums
from ledger_client.verify.merkle import Frontier
from ledger_client.verify.note import SignedCheckpoint

_FORM: Final = "ledger-verify-state/1"
_SEAL: Final = "sha256:"


class StateError(ValueError):
    """A file is not a saved state, or not whole."""


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """What to go on from: the tree and the fold at a checkpoint."""

    journal_id: UUID
    checkpoint: SignedCheckpoint
    tree: Frontier
    fold: Fold


def dump(journal_id: UUID, checkpoint: SignedCheckpoint, tree: Frontier, fold: Fold) -> str:
    """Write the state at a checkpoint, sealed by a digest over all of it.

    The seal tells a file that was damaged, not one that was forged: keep it as the checkpoint.
    """
    assert tree.size == checkpoint.size == fold.sequence, "a state is that of its checkpoint"
    body = {
        "form": _FORM,
        "journal_id": str(journal_id),
        "checkpoint": checkpoint.note,
        "peaks": [peak.hex() for peak in tree.peaks],
        "time_us": fold.time_us,
        "accounts": fold.accounts,
        "exponents": fold.exponents,
        "balances": [_balance(place, slot) for place, slot in sorted(fold.balances.items())],
        "holds": {
            hold: [[*leg, plain(left)] for leg, left in legs.items()]
            for hold, legs in fold.holds.open.items()
        },
        "reversals": {
            original: [[*part, plain(units)] for part, units in parts.items()]
            for original, parts in fold.reversals.taken.items()
        },
        "transactions": fold.transactions,
        "entries": fold.entries,
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f"{text}\n{_SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n"


def load(text: str) -> Start:
    """Read what `dump` wrote.

    Raises:
        StateError: it is not that, its seal is broken, or its tree is not the checkpoint's.
    """
    body_text, _, seal = text.removesuffix("\n").rpartition("\n")
    if not seal.startswith(_SEAL):
        raise StateError("not a saved state of a verification")
    if seal != f"{_SEAL}{hashlib.sha256(body_text.encode()).hexdigest()}":
        raise StateError("the seal of the saved state is broken: the file was damaged or changed")
    try:
        return _start(json.loads(body_text))
    except StateError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise StateError(f"the saved state cannot be read: {error}") from error


def _start(body: Any) -> Start:
    if body["form"] != _FORM:
        raise StateError(f"a saved state of another form: {body['form']}")
    checkpoint = SignedCheckpoint.parse(body["checkpoint"])
    tree = Frontier(checkpoint.size, map(bytes.fromhex, body["peaks"]))
    if tree.root() != checkpoint.root:
        raise StateError("the tree of the saved state is not that of its checkpoint")
    return Start(UUID(body["journal_id"]), checkpoint, tree, _fold(body, checkpoint.size))


def _balance(place: tuple[str, str], slot: Sums) -> list[Any]:
    days = [[*key, *map(plain, sums)] for key, sums in sorted(slot.days.items())]
    sums = [None if value is None else plain(value) for value in slot.sums]
    return [*place, slot.version, sums, days]


def _fold(body: Any, size: int) -> Fold:
    fold = Fold(size, body["time_us"])
    fold.accounts = body["accounts"]
    fold.exponents = body["exponents"]
    for account_id, currency, version, sums, days in body["balances"]:
        slot = Sums(version, [Decimal(value) for value in sums])
        slot.days = {(layer, day): [Decimal(one), Decimal(two)] for layer, day, one, two in days}
        fold.balances[account_id, currency] = slot
    fold.holds.open = {
        hold: {(account, currency, side): Decimal(left) for account, currency, side, left in legs}
        for hold, legs in body["holds"].items()
    }
    fold.reversals.taken = {
        original: {
            (account, currency, side, layer): Decimal(units)
            for account, currency, side, layer, units in parts
        }
        for original, parts in body["reversals"].items()
    }
    fold.transactions, fold.entries = body["transactions"], body["entries"]
    return fold
