"""What a batch is decided against, read from the journal or remembered of it."""

import dataclasses
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.limit_book import LoadedLimits, load_limits_in_tx
from ledger_server.domain.books import BalanceState, Books
from ledger_server.domain.primitives import TransactionId
from ledger_server.domain.reversal import Reversible, reversible_entries
from ledger_server.domain.transaction import BalanceKey, Draft, Kind
from ledger_server.store import holds, postings, reversals
from ledger_server.store.database import Tx
from ledger_server.store.transaction_codec import draft_entries


class StaleConfigurationError(Exception):
    """The journal's configuration is newer than what the batch was prepared under."""


@dataclasses.dataclass(slots=True)
class Loaded:
    """All that a batch is decided against, and the configuration that it is valid for."""

    books: Books
    config_version: int
    limits: LoadedLimits | None
    #: Whether anything of it was read after the ids, and may be of a later moment than they.
    is_read_later: bool

    def bind(self, limits: LoadedLimits | None) -> None:
        """Have it decided under limits."""
        self.limits = limits
        self.books.limits = None if limits is None else limits.book


async def find_known_in_tx(tx: Tx, books: JournalBooks, drafts: Sequence[Draft]) -> postings.Known:
    """Return what the journal says about the ids of `drafts`, and where it stands."""
    return await postings.find_known_in_tx(
        tx,
        books.journal.id,
        [draft.command.transaction_id for draft in drafts],
        [draft.external_id for draft in drafts if draft.external_id],
    )


def load_remembered(
    books: JournalBooks,
    version: int,
    drafts: Sequence[Draft],
    keys: AbstractSet[BalanceKey],
    *,
    known: postings.Known,
    states: dict[BalanceKey, BalanceState],
) -> Loaded:
    """Return what new postings and holds without limits are decided against: nothing is read here.

    Args:
        books: the memory of the journal.
        version: the configuration that `drafts` are prepared under.
        drafts: what is to be decided.
        keys: the balances of `drafts`.
        known: what the journal says about the ids of `drafts`.
        states: these balances, at least.

    Raises:
        StaleConfigurationError: the configuration is no longer `version`.
    """
    account_ids = (
        {key.account_id for key in keys}
        if books.has_limits
        else {key.account_id for draft in drafts if not draft.on_active for key in draft.keys}
    )
    accounts = {one: books.facts[one] for one in account_ids if one in books.facts}
    if not version == known.config_version == books.config_version:
        raise StaleConfigurationError
    if len(accounts) < len(account_ids):
        # Another call made room in the memory; preparing again fills it.
        raise StaleConfigurationError
    return Loaded(
        Books(
            now=known.now,
            period=books.period,
            balances=states,
            accounts=accounts,
            by_id=known.by_id,
            by_external_id=known.by_external_id,
            holds={},
            reversibles={},
        ),
        version,
        limits=None,
        is_read_later=False,
    )


async def read_rest_in_tx(
    tx: Tx,
    books: JournalBooks,
    loaded: Loaded,
    drafts: Sequence[Draft],
    keys: AbstractSet[BalanceKey],
) -> None:
    """Add to what is remembered what drafts of any kind are decided against besides.

    Args:
        tx: reads, later than what `loaded` has; counts only if the journal has not moved since.
        books: the memory of the journal.
        loaded: from `load_remembered`, to be added to.
        drafts: what is to be decided.
        keys: the balances of `drafts`.

    Raises:
        StaleConfigurationError: the configuration is no longer that of `loaded`.
    """
    journal_id, version = books.journal.id, loaded.config_version
    referring = [draft for draft in drafts if draft.command.origin_decides_params()]
    hold_ids = [draft.command.hold_id for draft in referring if draft.command.hold_id is not None]
    if hold_ids:
        loaded.books.holds = await holds.find_in_tx(tx, journal_id, hold_ids)
    loaded.books.reversibles = await _reversibles_in_tx(tx, books, referring)
    if books.has_limits:
        loaded.bind(await load_limits_in_tx(tx, books, version, keys, loaded.books.now))
    if books.config_version != version:
        raise StaleConfigurationError
    loaded.is_read_later = bool(hold_ids or loaded.books.reversibles or loaded.limits)


async def _reversibles_in_tx(
    tx: Tx, books: JournalBooks, drafts: Sequence[Draft]
) -> dict[TransactionId, Reversible]:
    originals = {
        draft.command.reverses: draft.origin
        for draft in drafts
        if draft.command.reverses is not None
    }
    if not originals:
        return {}
    gone = await reversals.reversed_in_tx(tx, books.journal.id, list(originals))
    found: dict[TransactionId, Reversible] = {}
    for original_id, record in originals.items():
        assert isinstance(record, transactions_pb2.Transaction), "prepared with its original"
        kind = Kind(record.kind)
        found[original_id] = Reversible(
            original_id,
            kind,
            reversible_entries(kind, draft_entries(record)),
            gone.get(original_id, {}),
        )
    return found
