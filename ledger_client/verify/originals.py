"""What reversals took back, looked up again: so that no transaction has to be remembered.

The server is asked for each original and not believed: its leaf must be the one that was seen on
the way, or be proven to stand in the tree that the check began from.
"""

import asyncio
from typing import Any
from uuid import UUID

from ledger_client.client import LedgerClient
from ledger_client.errors import NotFoundError
from ledger_client.verify.findings import Code, WrongError, wrong
from ledger_client.verify.fold import Fold
from ledger_client.verify.leaves import Leaves
from ledger_client.verify.merkle import leaf_hash, root_from_inclusion
from ledger_client.verify.state import Start
from ledger_client.verify.wire import MalformedEventError, WireEvent, split_event, split_response
from ledger_proto.v1 import events_pb2

#: Originals asked for at one time.
_WIDTH = 16


class Originals:
    """Finds the transactions that were taken back."""

    def __init__(
        self, ledger: LedgerClient, journal_id: UUID, leaves: Leaves, start: Start | None
    ) -> None:
        """Ask `ledger`; believe what stands in `leaves`, or in the tree of `start`."""
        self._ledger = ledger
        self._journal_id = journal_id
        self._leaves = leaves
        self._start = start

    async def check(self, fold: Fold) -> None:
        """Hold all that was taken back since it was last looked at against the originals.

        Raises:
            WrongError: more was taken back than there was.
            LedgerError: the server did not answer.
        """
        waiting = sorted(fold.reversals.unchecked.items(), key=lambda item: item[1])
        for place in range(0, len(waiting), _WIDTH):
            some = waiting[place : place + _WIDTH]
            events = await asyncio.gather(*(self._find(*one) for one in some))
            for (transaction_id, at), event in zip(some, events, strict=True):
                self._hold(fold, transaction_id, at, event)

    def _hold(self, fold: Fold, transaction_id: str, at: int, event: WireEvent) -> None:
        message = events_pb2.Event.FromString(event.encoded)
        name = message.WhichOneof("fact")
        transaction: Any = None
        if name in {"journal_posted", "hold_captured"}:
            transaction = getattr(message, name).transaction
        if transaction is None or transaction.id != transaction_id:
            raise _missing(transaction_id, at)
        captured = name == "hold_captured"
        fold.reversals.check(transaction, event.sequence, captured=captured)

    async def _find(self, transaction_id: str, at: int) -> WireEvent:
        """Return the event of a transaction, one that is in the tree."""
        try:
            named = await self._ledger.get_transaction(self._journal_id, UUID(transaction_id))
        except (NotFoundError, ValueError) as error:
            raise _missing(transaction_id, at) from error
        sequence = named.sequence
        assert sequence is not None, "a posted transaction has its sequence"
        if sequence >= at:
            raise _missing(transaction_id, at)
        encoded = await self._ledger.list_events_encoded(
            self._journal_id, after_sequence=sequence - 1, page_size=1
        )
        try:
            event = split_event(split_response(encoded)[0])
        except (MalformedEventError, IndexError) as error:
            raise _unproven(sequence) from error
        hashed = leaf_hash(event.leaf(self._journal_id))
        if event.sequence != sequence or not await self._is_in_tree(sequence, hashed):
            raise _unproven(sequence)
        return event

    async def _is_in_tree(self, sequence: int, hashed: bytes) -> bool:
        if sequence > self._leaves.first:
            return next(self._leaves.read(sequence - 1, sequence)) == hashed
        assert self._start is not None, "leaves begin with the first unless there is a start"
        size = self._leaves.first
        proof = await self._ledger.get_inclusion_proof(
            self._journal_id, sequence=sequence, tree_size=size
        )
        try:
            root = root_from_inclusion(hashed, sequence - 1, size, proof.path)
        except ValueError:
            return False
        return root == self._start.checkpoint.root


def _missing(transaction_id: str, at: int) -> WrongError:
    return wrong(
        Code.REVERSAL_WRONG,
        f"event {at} takes back transaction {transaction_id}, and no event before it posted that",
        sequence=at,
        expected=f"an event with transaction {transaction_id}",
        found="none",
    )


def _unproven(sequence: int) -> WrongError:
    return wrong(
        Code.PROOF_WRONG,
        f"event {sequence}, asked for again, is not the one that is in the tree",
        sequence=sequence,
    )
