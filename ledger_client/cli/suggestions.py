"""Names that are there, close to one that is not."""

import difflib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from ledger_client.client import LedgerClient
from ledger_client.errors import LedgerError

#: Names looked at. A hint is not worth reading a million accounts.
NAMES_MAX: Final = 5_000


async def near_names(ledger: LedgerClient, journal: str | None, error: LedgerError) -> list[str]:
    """Return up to two names close to the one that was not found; none if that fails too."""
    if error.reason not in _KINDS:
        return []
    fact, source = _KINDS[error.reason]
    wanted = error.facts.get(fact, "")
    names = []
    try:
        async for name in source(ledger, journal or "", wanted):
            names.append(name)
            if len(names) == NAMES_MAX:
                break
    except LedgerError:
        return []
    folded = {name.casefold(): name for name in names}
    return [folded[near] for near in difflib.get_close_matches(wanted.casefold(), folded, n=2)]


async def _accounts(ledger: LedgerClient, journal: str, wanted: str) -> AsyncIterator[str]:
    # Most mistakes are in the middle of a code: first what begins alike, then all the others.
    for prefix in (wanted[:3], ""):
        async for account in ledger.list_accounts(journal, code_prefix=prefix):
            yield account.code


async def _journals(ledger: LedgerClient, _journal: str, _wanted: str) -> AsyncIterator[str]:
    async for journal in ledger.list_journals():
        yield journal.code


async def _sets(ledger: LedgerClient, journal: str, _wanted: str) -> AsyncIterator[str]:
    async for account_set in ledger.list_account_sets(journal):
        yield account_set.code


async def _templates(ledger: LedgerClient, journal: str, _wanted: str) -> AsyncIterator[str]:
    async for template in ledger.list_tx_templates(journal):
        yield template.code


async def _currencies(ledger: LedgerClient, journal: str, _wanted: str) -> AsyncIterator[str]:
    async for currency in ledger.list_currencies(journal):
        yield currency.code


async def _limits(ledger: LedgerClient, journal: str, _wanted: str) -> AsyncIterator[str]:
    async for limit in ledger.list_limits(journal):
        yield limit.code


_Source = Callable[[LedgerClient, str, str], AsyncIterator[str]]
#: By the reason of the error: the fact that holds the name, and where the known ones are.
_KINDS: Final[Mapping[str, tuple[str, _Source]]] = {
    "ACCOUNT_NOT_FOUND": ("account", _accounts),
    "ACCOUNT_SET_NOT_FOUND": ("account_set", _sets),
    "CURRENCY_UNKNOWN": ("currency", _currencies),
    "JOURNAL_NOT_FOUND": ("journal", _journals),
    "LIMIT_NOT_FOUND": ("limit", _limits),
    "TEMPLATE_NOT_FOUND": ("template", _templates),
}
