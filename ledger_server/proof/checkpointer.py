"""The background task: the tree follows the head, and its root is signed now and then.

Any number of servers may run it: who holds a journal's advisory lock works, the others pass on.
What they make is the same whoever makes it, but for the signature's key.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from ledger_server.domain.errors import LedgerError, TreeInconsistentError
from ledger_server.proof.remembered import Remembered, RememberedError
from ledger_server.proof.signing import SignedRoot, Signer
from ledger_server.proof.tree import TILE_WIDTH, Log, extend_in_tx, reach, root_in_tx
from ledger_server.store import proofs
from ledger_server.store.database import ConstraintError, Database, RetryError, Tx

_log = logging.getLogger(__name__)

#: Between two looks at all heads: what a checkpoint may be behind, and how often one is signed.
INTERVAL_SECONDS: Final = 1.0
#: A head may show up this long after the record time that it carries: no transaction lives longer.
_LATE: Final = timedelta(minutes=3)
#: Looks from one that goes through all journals to the next.
_LOOKS_PER_ROUND: Final = 60
#: Transactions on one journal in one look: 100,000 events, more than can be posted in that time.
_STEPS_PER_LOOK: Final = 50
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Signing(NamedTuple):
    """Who signs, and where it is remembered what was signed."""

    signer: Signer
    remembered: Remembered

    @classmethod
    def load(cls, name: str, key: Path) -> "Signing":
        """Return what belongs to a key file. Raises SigningKeyError as `Signer.load` does."""
        return cls(Signer.load(name, key), Remembered.beside(key))


class Checkpointer:
    """Extends the trees of all journals and signs their roots, on and on until it is closed."""

    def __init__(self, database: Database, signing: Signing | None) -> None:
        """Begin idle; `start` sets it going. Without `signing` trees grow and nothing is signed."""
        self._database = database
        self._signing = signing
        self._task: asyncio.Task[None] | None = None
        self._since = _BEGINNING
        self._looks = 0
        #: Journals of which the log has said that they are not what was signed.
        self._shouted: set[UUID] = set()

    def start(self) -> None:
        """Look after all journals from now on."""
        if self._signing is None:
            _log.warning("no signing key: checkpoints are not signed")
        self._task = asyncio.create_task(self._run(), name="checkpointer")

    async def close(self) -> None:
        """Stop; what is under way is rolled back and made again by whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Bring every journal that grew up to date.

        Raises:
            LedgerError: the database does not answer.
        """
        since = _BEGINNING if self._looks % _LOOKS_PER_ROUND == 0 else self._since
        async with self._database.transaction() as tx:
            grown, now = await proofs.grown_since_in_tx(tx, since)
        done = True
        for one in grown:
            if self._has_work(one.state):
                done &= await self._bring_up_to_date(Log(one.journal_id, one.public_id))
        if done:
            # Else what failed is looked at again.
            self._since = max(self._since, now - _LATE)
            self._looks += 1

    def _has_work(self, state: proofs.TreeState) -> bool:
        if self._signing is not None and state.head_sequence > state.signed_size:
            return True
        return state.head_sequence // TILE_WIDTH > state.tiles

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except (LedgerError, RetryError) as error:
                _log.warning("trees are behind: %s", error or type(error).__name__)
            except Exception:  # noqa: BLE001  # one failure must not end all proofs
                _log.exception("trees are behind")
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _bring_up_to_date(self, log: Log) -> bool:
        """Return whether it could be done, or never can; a failure holds up no other journal."""
        try:
            for _ in range(_STEPS_PER_LOOK):
                if not await self._step(log):
                    break
            else:
                # An old journal without tiles yet: the others have their turn in between.
                return False
        except (TreeInconsistentError, RememberedError) as error:
            self._shout(log, str(error))
        except (LedgerError, RetryError, ConstraintError) as error:
            _log.warning("journal %s: its tree is behind: %r", log.public_id, error)
            return False
        else:
            self._shouted.discard(log.public_id)
        return True

    def _shout(self, log: Log, problem: str) -> None:
        if log.public_id not in self._shouted:
            self._shouted.add(log.public_id)
            _log.critical("journal %s: nothing more is signed: %s", log.public_id, problem)

    async def _step(self, log: Log) -> bool:
        """Make some tiles, or sign if all are made; return whether to go on."""
        async with self._database.transaction() as tx:
            if not await proofs.try_lock_tree_in_tx(tx, log.journal_id):
                return False
            state = await proofs.tree_in_tx(tx, log.journal_id)
            if await extend_in_tx(tx, log, state) > state.tiles:
                return True
            if self._signing is not None and state.head_sequence > state.signed_size:
                await self._sign_in_tx(tx, log, state, self._signing)
        return False

    async def _sign_in_tx(
        self, tx: Tx, log: Log, state: proofs.TreeState, signing: Signing
    ) -> None:
        await check_remembered_in_tx(tx, log, signing)
        root = SignedRoot(state.head_sequence, await root_in_tx(tx, log, state.head_sequence))
        note = signing.signer.sign(log.public_id, root)
        # Before anybody can see it: what was given out is remembered, whatever happens then.
        await asyncio.to_thread(signing.remembered.keep, log.public_id, note)
        await proofs.insert_checkpoint_in_tx(
            tx, log.journal_id, *root, note=note, verifier_key=signing.signer.verifier_key
        )


async def check_remembered_in_tx(tx: Tx, log: Log, signing: Signing) -> None:
    """Hold the tree against what was signed last.

    What is remembered is read before the tree: it is written when its events and tiles are
    committed, so a tree that is read after it reaches as far, whoever signs meanwhile.

    Raises:
        TreeInconsistentError: it does not begin with that.
        RememberedError: it is not known what was signed last.
    """
    before = await asyncio.to_thread(signing.remembered.newest, log.public_id)
    if before is None:
        return
    state = await proofs.tree_in_tx(tx, log.journal_id)
    if before.size > reach(state) or await root_in_tx(tx, log, before.size) != before.root:
        raise TreeInconsistentError(before.size)
