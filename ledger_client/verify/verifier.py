"""A whole journal, checked without trusting the server: the events, the rows, the checkpoints."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from ledger_client.client import LedgerClient
from ledger_client.errors import ServerError
from ledger_client.models import InclusionProof, Journal, Reference
from ledger_client.verify import state
from ledger_client.verify.bundle import ConsistencyBundle
from ledger_client.verify.checkpoints import Shown, check_checkpoint, newest_shown
from ledger_client.verify.findings import Code, WrongError, wrong
from ledger_client.verify.fold import Fold
from ledger_client.verify.leaves import Leaves
from ledger_client.verify.locating import descend, narrow
from ledger_client.verify.merkle import Frontier, leaf_hash
from ledger_client.verify.note import NoteError, SignedCheckpoint
from ledger_client.verify.originals import Originals
from ledger_client.verify.report import Asked, Report
from ledger_client.verify.rows import StoredRows, check_sums
from ledger_client.verify.wire import MalformedEventError, WireEvent, split_event, split_response
from ledger_proto.v1 import events_pb2

#: The most that a page may have.
EVENTS_PER_PAGE: Final = 1_000

_NEWEST: Final = "of the server"


async def verify(ledger: LedgerClient, reference: Reference, asked: Asked) -> Report:
    """Check a journal.

    Raises:
        WrongError: with the first thing that is wrong.
        LedgerError: the server did not answer, so nothing can be said.
    """
    journal = await ledger.get_journal(reference)
    shown = await newest_shown(ledger, journal.id)
    run = _Run(ledger, journal, asked, shown)
    for place, checkpoint in run.known:
        check_checkpoint(checkpoint, journal.id, asked.key, place)
    after = run.tree.size
    async with contextlib.aclosing(ledger.read_books(journal.id, after_sequence=after)) as books:
        rows = StoredRows(books)
        await rows.begin()
        with Leaves(after) as leaves:
            try:
                return await run.check(rows, leaves)
            except WrongError as error:
                # Holds and reversals know ids alone.
                named = run.fold.account(error.finding.account)
                raise WrongError(dataclasses.replace(error.finding, account=named)) from error


class _Run:
    """One check of one journal."""

    def __init__(self, ledger: LedgerClient, journal: Journal, asked: Asked, shown: Shown) -> None:
        self._ledger = ledger
        self._journal = journal
        self._asked = asked
        self._shown = shown
        start = asked.start
        self.fold = start.fold if start else Fold()
        self.tree = Frontier(start.tree.size, start.tree.peaks) if start else Frontier()
        #: By where they come from; the server's last.
        self.checkpoints = [*asked.kept]
        if shown.checkpoint is not None:
            self.checkpoints.append((_NEWEST, shown.checkpoint))
        #: The same, and the one that the check goes on from.
        self.known = [*self.checkpoints, *([("of the start", start.checkpoint)] if start else [])]
        self._roots: dict[int, bytes] = {}
        self._state: str | None = None

    async def check(self, rows: StoredRows, leaves: Leaves) -> Report:
        after, head = self.tree.size, rows.head_sequence
        await self._check_sizes(after, head)
        self._reached()
        async with contextlib.aclosing(self._events(after, head)) as events:
            async for event in events:
                await self._step(event, rows, leaves)
        await self._check_roots(leaves)
        await rows.check_end()
        check_sums(self.fold, rows)
        await self._explain_erasures(head)
        self.fold.check_end()
        originals = Originals(self._ledger, self._journal.id, leaves, self._asked.start)
        await originals.check(self.fold)
        self._check_shown()
        return Report(
            journal=self._journal,
            after_sequence=after,
            head_sequence=head,
            transactions=self.fold.transactions,
            entries=self.fold.entries,
            balances=len(rows.balances),
            days=sum(map(len, rows.days.values())),
            unknown=self.fold.unknown,
            whole=self.fold.whole,
            signed=self._asked.key is not None and bool(self.checkpoints),
            checkpoint=self._shown.checkpoint,
            refusal=self._shown.refusal,
            state=self._state,
        )

    async def _check_sizes(self, after: int, head: int) -> None:
        """Check that there are as many events as checkpoints cover, and older checkpoints fit."""
        start = self._asked.start
        for place, checkpoint in self.known:
            if checkpoint.size > head:
                raise wrong(
                    Code.TAIL_MISSING,
                    f"the checkpoint {place} covers {checkpoint.size} events, and the journal ends "
                    f"with event {head}: {checkpoint.size - head} were cut off",
                    sequence=head + 1,
                    expected=f"at least {checkpoint.size} events",
                    found=f"{head} events",
                )
        if start is None:
            return
        for _place, checkpoint in self.checkpoints:
            if checkpoint.size < after:
                await self._check_grown(checkpoint, start.checkpoint)

    async def _check_grown(self, older: SignedCheckpoint, newer: SignedCheckpoint) -> None:
        proof = await ConsistencyBundle.fetch(self._ledger, self._journal.id, older, newer)
        proof.check(None)  # whose they are was looked at before

    async def _events(self, after: int, head: int) -> AsyncGenerator[WireEvent, None]:
        """Give the events in (after, head], each taken apart."""
        position = after
        async with contextlib.aclosing(self._pages(after, head)) as pages:
            async for page in pages:
                for one in page:
                    if position == head:
                        return  # more than was asked for
                    try:
                        event = split_event(one)
                    except MalformedEventError as error:
                        raise _no_event(position, error) from error
                    if event.sequence > head > position:
                        raise _no_more(position, head, f"event {event.sequence} follows")
                    yield event
                    position = event.sequence

    async def _pages(self, after: int, head: int) -> AsyncGenerator[list[bytes], None]:
        """Give the events after a position by pages, asking for each while the last is looked at.

        They are asked for by pages, not followed: what is followed may come out of the server's
        memory, and only what is stored is worth checking.
        """
        position, size = after, EVENTS_PER_PAGE
        waiting = self._page(position, head, size)
        try:
            while position < head:
                try:
                    page = split_response(await waiting)
                except MalformedEventError as error:
                    raise _no_event(position, error) from error
                except ServerError as error:
                    if size == 1:
                        raise _no_more(position, head, error.message) from error
                    # It fails over an event in this page: all before it are wanted still.
                    size = max(1, min(size, head - position) // 2)
                    waiting = self._page(position, head, size)
                    continue
                last = _last(page, position)
                if last <= position:
                    raise _no_more(position, head, "none follows")
                if last < head:
                    waiting = self._page(last, head, size)
                yield page
                position = last
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    def _page(self, after: int, head: int, size: int) -> "asyncio.Task[bytes]":
        return asyncio.create_task(
            self._ledger.list_events_encoded(
                self._journal.id, after_sequence=after, page_size=max(1, min(size, head - after))
            )
        )

    async def _step(self, event: WireEvent, rows: StoredRows, leaves: Leaves) -> None:
        self.fold.step(event.sequence, event.time_us, is_erased=event.parts.is_erased)
        message = _parsed(event)
        if event.sequence == 1:
            self._check_first(message)
        await rows.check(event.sequence, self.fold.apply(message))
        hashed = leaf_hash(event.leaf(self._journal.id))
        self.tree.append(hashed)
        leaves.append(hashed)
        self._reached()

    def _check_first(self, message: Any) -> None:
        created = message.journal_created.journal
        if (created.id, created.code) != (str(self._journal.id), self._journal.code):
            raise wrong(
                Code.EVENT_MALFORMED,
                f"the first event is not that of the creation of {self._journal.code}",
                sequence=1,
                expected=f"{self._journal.code}, {self._journal.id}",
                found=f"{created.code}, {created.id}",
            )

    def _reached(self) -> None:
        """Note the root, and the state, where a checkpoint stands."""
        size = self.tree.size
        shown = self._shown.checkpoint
        if any(checkpoint.size == size for _place, checkpoint in self.checkpoints):
            self._roots[size] = self.tree.root()
            if self._asked.save and self.fold.whole and shown and shown.size == size:
                self._state = state.dump(self._journal.id, shown, self.tree, self.fold)

    async def _check_roots(self, leaves: Leaves) -> None:
        shown = self._shown.checkpoint
        for place, checkpoint in reversed(self.checkpoints):
            computed = self._roots.get(checkpoint.size)
            if computed is None or computed == checkpoint.root:
                continue
            if checkpoint is shown:
                raise await self._located(checkpoint, leaves)
            raise wrong(
                Code.HISTORY_REWRITTEN,
                f"the checkpoint {place} is not the beginning of the journal as it is now: events "
                f"up to {checkpoint.size} were changed after it was signed",
                expected=checkpoint.root.hex(),
                found=computed.hex(),
            )

    async def _explain_erasures(self, head: int) -> None:
        """Look beyond the head for what was erased since: events are as they are now."""
        if not self.fold.unexplained:
            return
        now = (await self._ledger.get_head(self._journal.id)).sequence
        async with contextlib.aclosing(self._events(head, now)) as events:
            async for event in events:
                erased = _parsed(event).personal_data_erased
                self.fold.unexplained.difference_update(erased.sequences)

    def _check_shown(self) -> None:
        refusal = self._shown.refusal
        if self._shown.is_inconsistent and refusal is not None:
            raise wrong(
                Code.HISTORY_REWRITTEN,
                "the server itself finds that the journal is not what it signed before: "
                f"{refusal.message}",
            )

    async def _located(self, checkpoint: SignedCheckpoint, leaves: Leaves) -> WrongError:
        """Return the finding for events that do not give a root, as narrow as can be shown.

        Raises:
            WrongError: what was changed lies before the start.
        """
        start = self._asked.start
        if start is not None:
            await self._check_grown(start.checkpoint, checkpoint)
        tree = start.tree if start else Frontier()
        fits, first = narrow(tree, leaves, await self._signed_until(checkpoint, leaves.first))
        first = first or checkpoint
        begin, end = fits, first.size
        if leaves.first == 0 and end - begin > 1:

            async def ask(sequence: int, tree_size: int) -> InclusionProof:
                return await self._ledger.get_inclusion_proof(
                    self._journal.id, sequence=sequence, tree_size=tree_size
                )

            low, high = await descend(first, leaves, ask)
            begin, end = max(begin, low), min(end, high)
        if end - begin != 1:
            return wrong(
                Code.ROOT_WRONG,
                f"one of the events {begin + 1} to {end} is not the one that was signed: they do "
                f"not give the root of the checkpoint of {first.size} events",
                sequence=begin + 1,
                expected=first.root.hex(),
            )
        kind = await self._kind(end)
        return wrong(
            Code.EVENT_CHANGED,
            f"event {end} ({kind}) is not the one that was signed with the checkpoint of "
            f"{first.size} events",
            sequence=end,
            expected=f"the leaf that leads to root {first.root.hex()}",
            found=next(leaves.read(end - 1, end)).hex(),
        )

    async def _signed_until(
        self, checkpoint: SignedCheckpoint, after: int
    ) -> list[SignedCheckpoint]:
        """Return the checkpoints that can be believed as much as this one, by size."""
        found = {checkpoint.size: checkpoint}
        async for one in self._ledger.list_checkpoints(self._journal.id):
            try:
                signed = SignedCheckpoint.parse(one.note)
            except NoteError:
                continue
            key = self._asked.key
            if after < signed.size < checkpoint.size and (key is None or key.has_signed(signed)):
                found[signed.size] = signed
        return [found[size] for size in sorted(found)]

    async def _kind(self, sequence: int) -> str:
        """Return the name of the fact that an event states now."""
        encoded = await self._ledger.list_events_encoded(
            self._journal.id, after_sequence=sequence - 1, page_size=1
        )
        event = events_pb2.Event.FromString(split_response(encoded)[0])
        return (event.WhichOneof("fact") or "no fact").replace("_", " ")


def _last(page: Sequence[bytes], position: int) -> int:
    """Return the sequence up to which a page reaches; one that ends in no event is the last."""
    if not page:
        return position
    try:
        return split_event(page[-1]).sequence
    except MalformedEventError:
        return 2**63  # whoever takes the page apart comes to it, and says where


def _parsed(event: WireEvent) -> Any:
    try:
        return events_pb2.Event.FromString(event.encoded)
    except DecodeError as error:
        raise wrong(
            Code.EVENT_MALFORMED,
            f"event {event.sequence} cannot be parsed",
            sequence=event.sequence,
        ) from error


def _no_event(position: int, error: MalformedEventError) -> WrongError:
    return wrong(
        Code.EVENT_MALFORMED,
        f"what follows event {position} does not have the form of an event: {error}",
        sequence=position + 1,
    )


def _no_more(position: int, head: int, why: str) -> WrongError:
    return wrong(
        Code.EVENT_MISSING,
        f"the journal's head is {head}, and the server gives no event after {position}: {why}",
        sequence=position + 1,
        expected=f"event {position + 1}",
        found="none",
    )
