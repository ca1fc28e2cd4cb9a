"""How much of the limits on an account is used, and what is left."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from ledger_server.application.accounts import get_account_in_tx
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.limit_book import load_limits_in_tx
from ledger_server.domain.account import Account
from ledger_server.domain.errors import ContentionError
from ledger_server.domain.limit import UNLIMITED, Attachment, Scope
from ledger_server.domain.limit_check import LimitBook, available
from ledger_server.domain.primitives import EXACT, ZERO
from ledger_server.domain.transaction import BalanceKey
from ledger_server.store import balances, journals, limits
from ledger_server.store.database import Database, Tx

#: Looks before a caller is told that the configuration will not hold still.
_LOOKS_MAX: Final = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A limit on an account and how much of it is used, in whole currency units."""

    attachment: Attachment
    #: Of a standing limit, what is available; of a velocity limit, what moved in the window.
    used: Decimal
    #: What can still go out; negative if the limit was passed before it was attached.
    left: Decimal
    #: None for a standing limit and for a window without a beginning.
    window_start: datetime | None = None


async def read_limit_uses(
    database: Database, books: JournalBooks, reference: str
) -> list[LimitUse]:
    """Return what binds an account, by limit code, all read at one moment.

    Counts as a posting would that is decided at this moment.

    Raises:
        AccountNotFoundError: no account has this code or id.
        ContentionError: the configuration changed at each look.
    """
    async with database.reader_connection() as tx:
        account = await get_account_in_tx(tx, books.journal, reference)
    for _ in range(_LOOKS_MAX):
        await books.look_up([account.id])
        async with database.snapshot() as tx:
            head = await journals.read_head_in_tx(tx, books.journal.id)
            if head.config_version == books.config_version:
                return await _read_in_tx(tx, books, head.config_version, account)
        await books.refresh()
    raise ContentionError(_LOOKS_MAX)


async def _read_in_tx(
    tx: Tx, books: JournalBooks, version: int, account: Account
) -> list[LimitUse]:
    all_bound = await books.limits_in_tx(tx, [account.id], version)
    bound = all_bound.get(account.id, UNLIMITED).attachments
    keys = [
        BalanceKey(account.id, currency)
        for currency in sorted({attachment.limit.currency for attachment in bound})
    ]
    present = await limits.present_in_tx(tx, books.journal.id)
    loaded = await load_limits_in_tx(tx, books, version, keys, present)
    if loaded is None:
        return []
    found = await balances.list_of_account_in_tx(tx, books.journal.id, account)
    drawable = {balance.currency: balance.available() for balance in found}
    return [_use(attachment, account, loaded.book, drawable) for attachment in bound]


def _use(
    attachment: Attachment, account: Account, book: LimitBook, drawable: Mapping[str, Decimal]
) -> LimitUse:
    limit = attachment.limit
    if limit.velocity is not None:
        moved = book.moved[limit.code, account.id]
        return LimitUse(
            attachment=attachment,
            used=moved.used,
            left=EXACT.subtract(limit.bound, moved.used),
            window_start=moved.window_start,
        )
    if attachment.scope is Scope.WHOLE_SET:
        assert attachment.set_id is not None, "only sets are bound as a whole"
        used = available(book.sets[attachment.set_id, limit.currency], attachment.set_side)
    else:
        used = drawable.get(limit.currency, ZERO)
    return LimitUse(attachment=attachment, used=used, left=EXACT.subtract(used, limit.bound))
