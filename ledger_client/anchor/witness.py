"""A witness: sends each new checkpoint elsewhere, and never one that does not continue the last.

It needs no trust in the server. What it anchored last is kept in a file of its own; a checkpoint
that is not shown to begin with that is an alarm, and nothing is anchored.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

from ledger_client.anchor.target import Anchor, AnchorError, Receipt
from ledger_client.client import LedgerClient
from ledger_client.verify import NoteError, SignedCheckpoint, VerifierKey
from ledger_client.verify.bundle import ConsistencyBundle
from ledger_client.verify.checkpoints import check_checkpoint, newest_shown
from ledger_client.verify.files import read_whole, write_whole
from ledger_client.verify.findings import Code, wrong

_FORM: Final = "ledger-witness/1"


class WitnessStateError(Exception):
    """What was anchored last cannot be read, so nothing can be compared with it."""


class Witness:
    """Follows the checkpoints of one journal and anchors them."""

    def __init__(
        self,
        ledger: LedgerClient,
        journal_id: UUID,
        anchors: Mapping[str, Anchor],
        state: Path,
        key: VerifierKey | None,
    ) -> None:
        """Take up where the file says that the last run ended.

        Args:
            ledger: shows checkpoints and proofs.
            journal_id: of which journal.
            anchors: by the names under which the state remembers them.
            state: the file; it is made with the first checkpoint.
            key: which key should have signed; None does not look.

        Raises:
            WitnessStateError: the file is there and cannot be read, or is of another journal.
        """
        self._ledger = ledger
        self._journal_id = journal_id
        self._anchors = anchors
        self._state = state
        self._key = key
        self._last = _read(state, journal_id)

    async def look(self) -> tuple[list[Receipt], list[AnchorError]]:
        """Anchor the newest checkpoint where it is not yet.

        Returns:
            The receipts of targets that took it, and what the others failed with.

        Raises:
            WrongError: the checkpoint is not a continuation of what was anchored.
            LedgerError: the server did not answer, or has no checkpoint.
            OSError: what was anchored cannot be remembered.
        """
        shown = await newest_shown(self._ledger, self._journal_id)
        if shown.is_inconsistent:
            raise wrong(
                Code.HISTORY_REWRITTEN,
                "the server itself finds that the journal is not what it signed before",
            )
        if shown.checkpoint is None:
            assert shown.refusal is not None, "where no checkpoint is shown there is a reason"
            raise shown.refusal
        newest = shown.checkpoint
        check_checkpoint(newest, self._journal_id, self._key, "of the server")
        await self._check_continues(newest)
        receipts: list[Receipt] = []
        failures: list[AnchorError] = []
        for name, anchor in self._anchors.items():
            if (last := self._last.get(name)) is not None and last.size == newest.size:
                continue
            try:
                receipts.append(await anchor.submit(newest))
            except AnchorError as error:
                failures.append(error)
                continue
            # After the receipt: anchored twice does no harm, not at all would.
            self._last[name] = newest
            self._remember()
        return receipts, failures

    async def _check_continues(self, newest: SignedCheckpoint) -> None:
        """Hold the newest checkpoint against all that was anchored, wherever it was."""
        for last in {one.size: one for one in self._last.values()}.values():
            bundle = await ConsistencyBundle.fetch(self._ledger, self._journal_id, last, newest)
            bundle.check(None)

    def _remember(self) -> None:
        body = {
            "form": _FORM,
            "journal_id": str(self._journal_id),
            "anchored": {name: last.note for name, last in self._last.items()},
        }
        write_whole(self._state, json.dumps(body, ensure_ascii=False, indent=1) + "\n")


def _read(state: Path, journal_id: UUID) -> dict[str, SignedCheckpoint]:
    try:
        text = read_whole(state)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise WitnessStateError(f"{state}: {error}") from error
    try:
        body = json.loads(text)
        if body["form"] != _FORM:
            raise WitnessStateError(f"{state}: not the state of a witness")
        if body["journal_id"] != str(journal_id):
            raise WitnessStateError(f"{state}: of another journal, {body['journal_id']}")
        return {name: SignedCheckpoint.parse(note) for name, note in dict(body["anchored"]).items()}
    except (KeyError, TypeError, ValueError, NoteError) as error:
        raise WitnessStateError(f"{state}: not the state of a witness: {error}") from error
