"""From what callers ask to drafts that can be decided: everything that needs no lock."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

from ledger_server.application.journal_books import AccountReference, JournalBooks
from ledger_server.domain.balancing import check_balanced
from ledger_server.domain.errors import LedgerError
from ledger_server.domain.posting import Replay
from ledger_server.domain.replay import says_the_same
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry, PostCommand
from ledger_server.domain.tx_template import (
    CompiledTemplate,
    EntryAsEvaluated,
    evaluate_entries,
    evaluate_fields,
)

#: A draft, or why there is none: it is in the books already, or refused.
Prepared = Draft | Replay | LedgerError


async def prepare(
    commands: Sequence[PostCommand], books: JournalBooks, now: Callable[[], datetime]
) -> tuple[list[Prepared], int]:
    """Evaluate `commands` and look up their accounts.

    A refusal here may come from a memory that is behind; if any command is refused, the memory is
    held against the journal and, if it was behind, everything is prepared again.

    Returns:
        What became of each command, and the configuration version that all of it is good for. It
        is taken at the beginning: should the memory move on meanwhile, the batch notices.
    """
    version = books.config_version
    prepared = await _prepare(commands, books, now)
    if not any(isinstance(one, LedgerError) for one in prepared):
        return prepared, version
    if not await books.is_current():
        await books.refresh()
        version = books.config_version
        prepared = await _prepare(commands, books, now)
    return await _replayed(commands, prepared, books), version


async def _replayed(
    commands: Sequence[PostCommand], prepared: list[Prepared], books: JournalBooks
) -> list[Prepared]:
    """Answer from the books what is refused today and was posted, word for word, before.

    A newer version of a template may refuse what an older one took. That does not make the request
    another one.
    """
    recorded = await books.recorded(
        [
            command.transaction_id
            for command, one in zip(commands, prepared, strict=True)
            if isinstance(one, LedgerError)
        ]
    )
    if not recorded:
        return prepared
    return [
        Replay(recorded[command.transaction_id])
        if isinstance(one, LedgerError)
        and command.transaction_id in recorded
        and says_the_same(command, recorded[command.transaction_id])
        else one
        for command, one in zip(commands, prepared, strict=True)
    ]


async def _prepare(
    commands: Sequence[PostCommand], books: JournalBooks, now: Callable[[], datetime]
) -> list[Prepared]:
    evaluated: list[_Evaluated | LedgerError] = []
    references: set[AccountReference] = set()
    for command in commands:
        try:
            template = await books.template(command.template_code, command.template_version)
            one = _Evaluated(command, template, books)
        except LedgerError as refusal:
            evaluated.append(refusal)
            continue
        evaluated.append(one)
        references.update(entry.account for entry in one.entries)
    absent = await books.look_up(references)
    today = books.day_of(now())
    prepared: list[Prepared] = []
    for outcome in evaluated:
        if isinstance(outcome, LedgerError):
            prepared.append(outcome)
            continue
        refusal_of_account = next(
            (absent[entry.account] for entry in outcome.entries if entry.account in absent), None
        )
        if refusal_of_account is not None:
            prepared.append(refusal_of_account)
            continue
        try:
            prepared.append(outcome.draft(books, today))
        except LedgerError as refusal:
            prepared.append(refusal)
    return prepared


class _Evaluated:
    """A command with what its template gives, its accounts not looked up yet."""

    __slots__ = ("_command", "_fields", "_params", "_template", "entries")

    def __init__(
        self, command: PostCommand, template: CompiledTemplate, books: JournalBooks
    ) -> None:
        self._command = command
        self._template = template
        self._params = template.bind(command.params)
        self._fields = evaluate_fields(template, self._params, books.exponents)
        self.entries: list[EntryAsEvaluated] = evaluate_entries(
            template, self._params, books.exponents
        )

    def draft(self, books: JournalBooks, today: date) -> Draft:
        """Return the draft: what the request gives wins over what the template gives."""
        command, fields = self._command, self._fields
        entries: list[DraftEntry] = []
        for entry in self.entries:
            facts = books.account(entry.account)
            assert facts is not None, f"looked up: {entry.account}"
            entries.append(
                DraftEntry(
                    BalanceKey(facts.id, entry.currency),
                    facts.code,
                    entry.direction,
                    entry.layer,
                    entry.units,
                )
            )
        check_balanced(entries)
        return Draft(
            command=command,
            template_version=self._template.source.version,
            params=self._params,
            bind=self._template.bind,
            effective=command.effective or fields.effective or today,
            description=_first(command.description, fields.description),
            external_id=_first(command.external_id, fields.external_id),
            correlation_id=_first(command.correlation_id, fields.correlation_id),
            metadata=(command.metadata if command.metadata is not None else fields.metadata or {}),
            entries=entries,
        )


def _first(asked: str | None, given: str | None) -> str:
    return asked if asked is not None else given or ""
