"""What the page itself checks of the server's proofs, with the client's own verifier."""

import dataclasses
import datetime as dt
from typing import Any
from uuid import UUID

from ledger_client.client import LedgerClient
from ledger_client.errors import LedgerError
from ledger_client.models import Transaction
from ledger_client.verify import NoteError, VerifierKey, WrongError
from ledger_client.verify.bundle import InclusionBundle, ProvenEvent
from ledger_client.verify.checkpoints import check_checkpoint, newest_shown, parsed


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewestCheckpoint:
    """The newest signed root of a journal, as far as there is one."""

    #: Events that it covers; 0 without one.
    size: int = 0
    #: By the server's clock; None without one.
    sign_time: dt.datetime | None = None
    #: Why there is none, or what is wrong; empty if all is well.
    trouble: str = ""
    #: True if the journal is not what was signed.
    is_wrong: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a transaction is in the tree of a checkpoint, or why that is not shown."""

    #: What to keep: checkpoint, leaf, path and event; None if there is no proof yet.
    bundle: InclusionBundle | None = None
    #: The key that signed, by the server's word.
    verifier_key: str = ""
    #: Why there is none, or what is wrong; empty if it was checked and holds.
    trouble: str = ""
    #: True if what the server gave proves something else, or nothing.
    is_wrong: bool = False

    @property
    def leaf_index(self) -> int:
        """Place of the leaf in the tree, from 0."""
        return self.bundle.sequence - 1 if self.bundle else 0


async def newest_checkpoint(ledger: LedgerClient, journal_id: UUID) -> NewestCheckpoint:
    """Return the newest checkpoint of a journal, its signature checked.

    Raises:
        LedgerError: the server did not answer.
    """
    try:
        shown = await newest_shown(ledger, journal_id)
        refusal = shown.refusal.message if shown.refusal else ""
        if shown.checkpoint is None:
            return NewestCheckpoint(trouble=refusal, is_wrong=shown.is_inconsistent)
        sign_time = None
        async for each in ledger.list_checkpoints(journal_id):
            if each.size <= shown.checkpoint.size:
                sign_time = each.sign_time
                key = VerifierKey.parse(each.verifier_key)
                check_checkpoint(shown.checkpoint, journal_id, key, "of the server")
                break
    except (WrongError, NoteError) as error:
        return NewestCheckpoint(trouble=str(error), is_wrong=True)
    return NewestCheckpoint(
        size=shown.checkpoint.size,
        sign_time=sign_time,
        trouble=refusal,
        is_wrong=shown.is_inconsistent,
    )


async def proof_of(ledger: LedgerClient, journal_id: UUID, transaction: Transaction) -> Proof:
    """Return the proof of a transaction in the newest checkpoint, checked here."""
    bundle, key = None, ""
    try:
        received = await ledger.get_checkpoint(journal_id)
        key = received.verifier_key
        at = parsed(received.note, "of the server")
        if at.size < (transaction.sequence or 0):
            return Proof(trouble=f"the newest checkpoint ends at position {at.size}; look again")
        bundle = await InclusionBundle.fetch(ledger, journal_id, transaction.id, at)
        proven = bundle.check(VerifierKey.parse(key))
    except LedgerError as error:
        return Proof(trouble=error.message, is_wrong=error.reason == "TREE_INCONSISTENT")
    except (WrongError, NoteError) as error:
        return Proof(bundle=bundle, verifier_key=key, trouble=str(error), is_wrong=True)
    if proven.journal_id != journal_id or _transaction_id(proven) != str(transaction.id):
        trouble = "the server proved something else than this transaction"
        return Proof(bundle=bundle, verifier_key=key, trouble=trouble, is_wrong=True)
    return Proof(bundle=bundle, verifier_key=key)


def _transaction_id(proven: ProvenEvent) -> str:
    """Return the id of the transaction that a proven event states, empty if it states none."""
    fact: Any = getattr(proven.event, proven.event.WhichOneof("fact") or "", None)
    if fact is None or "transaction" not in fact.DESCRIPTOR.fields_by_name:
        return ""
    return str(fact.transaction.id)
