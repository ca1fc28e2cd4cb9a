"""What a server remembers of a journal between postings: templates, accounts, currencies.

All of it is valid for one configuration version, which the journal's head carries. A batch that
meets a newer one rolls back, calls `refresh` and decides again, so a stale memory can delay a
posting but never decide one. Nothing is remembered as absent: what is not found is looked up.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.journals import get_journal
from ledger_server.application.shared_reads import SharedReads
from ledger_server.domain.account import AccountFacts
from ledger_server.domain.errors import (
    AccountIsSetError,
    AccountNotFoundError,
    LedgerError,
    TemplateNotFoundError,
)
from ledger_server.domain.expression import Expression
from ledger_server.domain.journal import Journal
from ledger_server.domain.limit import UNLIMITED, AccountLimits
from ledger_server.domain.limit_condition import compile_condition
from ledger_server.domain.period import ALL_OPEN, Period
from ledger_server.domain.primitives import AccountId, TransactionId
from ledger_server.domain.replay import Recorded
from ledger_server.domain.template_compiler import compile_template
from ledger_server.domain.tx_template import CompiledTemplate
from ledger_server.store import (
    account_sets,
    accounts,
    journals,
    limits,
    periods,
    postings,
    transactions,
    tx_templates,
)
from ledger_server.store.database import Database, Tx
from ledger_server.store.template_codec import template_of

#: Accounts remembered of one journal: about 300 bytes each.
ACCOUNTS_MAX: Final = 500_000
#: Template versions remembered of one journal.
TEMPLATES_MAX: Final = 1_000

#: An account's code or id as an expression gives it.
AccountReference = str | UUID


class JournalBooks:
    """The memory of one journal."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Begin with nothing remembered; call `refresh` before use."""
        self.journal = journal
        self.config_version = 0
        #: Decimals of each currency.
        self.exponents: Mapping[str, int] = {}
        #: Each account remembered, by id.
        self.facts: dict[AccountId, AccountFacts] = {}
        #: Which days are closed and locked.
        self.period: Period = ALL_OPEN
        #: The zone of the journal's days.
        self.zone = ZoneInfo(journal.time_zone)
        self._database = database
        #: Whether the journal has any limit at all.
        self.has_limits = False
        #: What binds each account asked about. Exchanged as a whole, never emptied: batches that
        #: are being decided go on with what they have.
        self._limits: dict[AccountId, AccountLimits] = {}
        self._conditions: dict[str, Expression] = {}
        #: Each account remembered, by code and by id.
        self.accounts: dict[AccountReference, AccountFacts] = {}
        self._account_reads = SharedReads(self._learn_accounts)
        self._templates: dict[tuple[str, int], CompiledTemplate] = {}

    def day_of(self, moment: datetime) -> date:
        """Return the civil date of an aware instant in the journal's time zone."""
        return moment.astimezone(self.zone).date()

    async def refresh(self, under_head: Tx | None = None) -> None:
        """Read again what changed since the version that is remembered.

        Args:
            under_head: a transaction that holds the journal's head, to read in.
        """
        async with self._database.snapshot(under_head) as tx:
            # The version is of the same snapshot as what is read for it, or the head is held.
            head = await journals.read_head_in_tx(tx, self.journal.id)
            if head.config_version == self.config_version:
                return
            currencies = await journals.list_currencies_in_tx(tx, self.journal.id)
            changed = await accounts.facts_changed_since_in_tx(
                tx, self.journal.id, self.config_version
            )
            period = await periods.current_in_tx(tx, self.journal.id)
            has_limits = await limits.any_in_tx(tx, self.journal.id)
        if head.config_version <= self.config_version:
            # Another refresh, of a later moment, has overtaken this one.
            return
        self.exponents = {currency.code: currency.exponent for currency in currencies}
        for facts in changed:
            if facts.id in self.facts:
                self._remember(facts)
        self.period = period
        self.has_limits = has_limits
        self._limits = {}
        # Which version is the newest may have changed; versions themselves never do.
        for code, version in list(self._templates):
            if version == 0:
                del self._templates[code, 0]
        self.config_version = head.config_version

    async def is_current(self) -> bool:
        """Tell whether the version that is remembered is still the journal's."""
        async with self._database.look_up_connection() as tx:
            head = await journals.read_head_in_tx(tx, self.journal.id)
        return head.config_version == self.config_version

    async def template(
        self, code: str, version: int | None, under_head: Tx | None = None
    ) -> CompiledTemplate:
        """Return a template, the newest version of it for None.

        Args:
            code: the template's.
            version: of it.
            under_head: as for `refresh`; so below.

        Raises:
            TemplateNotFoundError: there is none.
        """
        found = self._templates.get((code, version or 0))
        if found is not None:
            return found
        known_version = self.config_version
        async with self._database.look_up_connection(under_head) as tx:
            message = await tx_templates.find_in_tx(tx, self.journal.id, code, version or 0)
        if message is None:
            raise TemplateNotFoundError(code, version or 0)
        if self.config_version != known_version:
            # A refresh has overtaken the read, which may be of the moment before it.
            return await self.template(code, version, under_head)
        compiled = compile_template(template_of(message))
        if len(self._templates) >= TEMPLATES_MAX:
            self._templates.clear()
        self._templates[code, version or 0] = compiled
        return compiled

    def account(self, reference: AccountReference) -> AccountFacts | None:
        """Return an account that is remembered."""
        return self.accounts.get(reference)

    async def look_up(
        self, references: Iterable[AccountReference], under_head: Tx | None = None
    ) -> Mapping[AccountReference, LedgerError]:
        """Remember the accounts that are missing, in one statement for them and those of others.

        Returns:
            Why a reference has no account, for those that have none.
        """
        wanted = set(references)
        absent: dict[AccountReference, LedgerError] = {}
        asked = {one for one in wanted if one not in self.accounts}
        # Until all are there at one moment: while a read is under way, another call may make room.
        while not wanted - absent.keys() <= self.accounts.keys():
            refusals = (
                await self._account_reads.read(asked)
                if under_head is None
                else await self._learn_accounts(asked, under_head)
            )
            absent.update((one, refusals[one]) for one in asked if one in refusals)
            # What one read finds is there, however much; what was there before may have gone.
            asked = wanted - absent.keys()
        return absent

    async def _learn_accounts(
        self, missing: AbstractSet[AccountReference], under_head: Tx | None = None
    ) -> Mapping[AccountReference, LedgerError]:
        """Read accounts and remember them; return why the other references have none."""
        known_version = self.config_version
        found, refusals = await self._read_accounts(missing, under_head)
        if self.config_version != known_version:
            # A refresh has overtaken the read, which may be of the moment before it: whoever still
            # misses them asks again.
            return {}
        if len(self.accounts) + 2 * len(found) > 2 * ACCOUNTS_MAX:
            self.accounts.clear()
            self.facts.clear()
        for facts in found:
            self._remember(facts)
        return refusals

    async def _read_accounts(
        self, missing: AbstractSet[AccountReference], under_head: Tx | None
    ) -> tuple[Sequence[AccountFacts], Mapping[AccountReference, LedgerError]]:
        """Return the accounts found, and why the other references have none."""
        ids = [reference for reference in missing if isinstance(reference, UUID)]
        codes = [reference for reference in missing if isinstance(reference, str)]
        async with self._database.look_up_connection(under_head) as tx:
            found = await accounts.facts_in_tx(tx, self.journal.id, ids, codes)
            known: set[AccountReference] = {facts.id for facts in found}
            known.update(facts.code for facts in found)
            absent: list[AccountReference] = [one for one in missing if one not in known]
            if not absent:
                return found, {}
            sets = await account_sets.codes_of_sets_in_tx(
                tx, self.journal.id, [str(reference) for reference in absent]
            )
        return found, {
            reference: AccountIsSetError(str(reference))
            if str(reference) in sets
            else AccountNotFoundError(str(reference))
            for reference in absent
        }

    async def recorded(
        self, ids: Sequence[UUID], under_head: Tx | None = None
    ) -> Mapping[UUID, Recorded]:
        """Return what is in the books under these transaction ids. Nothing of it is remembered."""
        async with self._database.look_up_connection(under_head) as tx:
            return (await postings.find_known_in_tx(tx, self.journal.id, ids, [])).by_id

    async def records(
        self, ids: Sequence[TransactionId], under_head: Tx | None = None
    ) -> Mapping[TransactionId, transactions_pb2.Transaction]:
        """Return the recorded transactions with these ids that are there."""
        if not ids:
            return {}
        async with self._database.look_up_connection(under_head) as tx:
            return await transactions.find_many_in_tx(tx, self.journal.id, ids)

    async def limits_in_tx(
        self, tx: Tx, account_ids: Iterable[AccountId], version: int
    ) -> Mapping[AccountId, AccountLimits]:
        """Return what binds these accounts and maybe others. Costs nothing without any limits.

        Asked inside a batch, not before it: a refresh in between must not make a limit forgotten.

        Args:
            tx: reads what is not remembered.
            account_ids: whose limits.
            version: the configuration that `tx` sees. A snapshot may be of an older one than is
                remembered by now; what it shows must not be.
        """
        if not self.has_limits:
            return {}
        known = self._limits
        missing = {one for one in account_ids if one not in known}
        if not missing:
            return known
        found = await limits.attachments_in_tx(tx, self.journal.id, list(missing))
        loaded = {
            one: AccountLimits.of(found[one]) if one in found else UNLIMITED for one in missing
        }
        if known is not self._limits or version != self.config_version:
            return known | loaded
        if len(known) + len(missing) <= ACCOUNTS_MAX:
            known.update(loaded)
            return known
        self._limits = loaded
        return known | loaded

    @property
    def remembered_limits(self) -> Mapping[AccountId, AccountLimits]:
        """What binds those accounts of which it is known, in the configuration remembered."""
        return self._limits

    def are_bound_by_balances(self, account_ids: Iterable[AccountId]) -> bool:
        """Tell whether nothing but these accounts' balances bounds them, as far as is known."""
        known = self._limits
        return not self.has_limits or all(
            one in known and known[one].is_of_balances for one in account_ids
        )

    def condition(self, source: str) -> Expression:
        """Return a limit's condition, compiled once."""
        compiled = self._conditions.get(source)
        if compiled is None:
            compiled = self._conditions[source] = compile_condition(source)
        return compiled

    def _remember(self, facts: AccountFacts) -> None:
        self.accounts[facts.id] = facts
        self.accounts[facts.code] = facts
        self.facts[facts.id] = facts


class Library:
    """The books of all journals that this server has been asked about."""

    def __init__(self, database: Database) -> None:
        """Begin empty."""
        self._database = database
        self._by_reference: dict[str, JournalBooks] = {}
        self._by_id: dict[int, JournalBooks] = {}

    async def books(self, reference: str) -> JournalBooks:
        """Return the books of the journal with this code or id.

        Raises:
            JournalNotFoundError: there is none.
        """
        found = self._by_reference.get(reference)
        if found is not None:
            return found
        journal = await get_journal(self._database, reference)
        books = self._by_id.get(journal.id)
        if books is None:
            books = JournalBooks(self._database, journal)
            await books.refresh()
            # Another call may have come first while this one waited.
            books = self._by_id.setdefault(journal.id, books)
        self._by_reference[reference] = books
        return books
