"""From one command to its draft, by its template and what is remembered of the journal."""

from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.journal_books import AccountReference, JournalBooks
from ledger_server.domain.balancing import check_balanced
from ledger_server.domain.errors import HoldLayerError
from ledger_server.domain.primitives import Layer
from ledger_server.domain.template import Json
from ledger_server.domain.transaction import (
    Draft,
    DraftEntry,
    Kind,
    PostCommand,
    balance_key_of,
    draft_entry_of,
)
from ledger_server.domain.tx_template import (
    CompiledTemplate,
    EntriesFunction,
    EntryAsEvaluated,
    FieldsAsEvaluated,
    evaluate_entries,
    evaluate_fields,
)
from ledger_server.store.transaction_codec import draft_entries, struct_values


def draft_at_once(
    command: PostCommand,
    template: CompiledTemplate,
    draft_entries_of: EntriesFunction,
    books: JournalBooks,
    today: date,
) -> Draft | None:
    """Return the draft of a command if nothing is wrong and its accounts, active, are in memory.

    If there is none, `Evaluated` looks at it step by step, and tells what is wrong.
    """
    try:
        params = template.bind(command.params)
        fields = evaluate_fields(template, params, books.exponents)
        entries = draft_entries_of(params, books.exponents, books.accounts)
        check_balanced(entries)
    except Exception:  # noqa: BLE001  # step by step it comes again, with its reason
        return None
    draft = _made(
        command,
        fields,
        today,
        version=template.source.version,
        bind=template.bind,
        entries=entries,
    )
    draft.on_active = True
    if books.has_limits:
        draft.seen_by_limits = _seen_by_limits(draft)
    return draft


def _made(
    command: PostCommand,
    fields: FieldsAsEvaluated,
    today: date,
    *,
    version: int,
    bind: Callable[[Mapping[str, Json]], Mapping[str, object]],
    entries: list[DraftEntry] | None,
) -> Draft:
    """Return a draft: what the request gives wins over what the template gives.

    Args:
        command: the request.
        fields: what the template gives, or the record that the command refers to.
        today: the day for what names none.
        version: of the template.
        bind: by the template.
        entries: of the template; its balances are those of the draft.
    """
    description, external_id = command.description, command.external_id
    correlation_id, metadata = command.correlation_id, command.metadata
    return Draft(
        command=command,
        effective=command.effective or fields.effective or today,
        description=(fields.description or "") if description is None else description,
        external_id=(fields.external_id or "") if external_id is None else external_id,
        correlation_id=(fields.correlation_id or "") if correlation_id is None else correlation_id,
        metadata=(fields.metadata or {}) if metadata is None else metadata,
        template_version=version,
        bind=bind,
        entries=entries,
        keys=[entry.key for entry in entries] if entries else [],
    )


class Evaluated:
    """A command with what its template gives, its accounts not looked up yet."""

    __slots__ = ("_base", "_command", "_fields", "_origin", "_template", "entries")

    def __init__(
        self,
        command: PostCommand,
        origin: transactions_pb2.Transaction | None,
        books: JournalBooks,
        template: CompiledTemplate | None = None,
    ) -> None:
        """Evaluate a command. Raises `LedgerError` if it is refused."""
        self._command = command
        self._origin = origin
        self._template = template
        # A part is asked for through params that differ from the original's.
        self._base: Mapping[str, Json] = struct_values(origin.params) if origin else {}
        # Without fields of its own it takes those of the record that it refers to.
        self._fields = (
            FieldsAsEvaluated(description=origin.description, correlation_id=origin.correlation_id)
            if origin
            else FieldsAsEvaluated()
        )
        self.entries: list[EntryAsEvaluated] | None = None
        if template is not None:
            params = self._bind(command.params)
            if origin is None:
                self._fields = evaluate_fields(template, params, books.exponents)
            self.entries = evaluate_entries(template, params, books.exponents)

    def references(self) -> list[AccountReference]:
        """Return the accounts that it names."""
        references: list[AccountReference] = (
            [] if self.entries is None else [entry.account for entry in self.entries]
        )
        if self._origin is not None:
            references.extend(UUID(entry.account_id) for entry in self._origin.entries)
        return references

    def draft(self, books: JournalBooks, today: date) -> Draft:
        """Return the draft, its accounts being in memory."""
        command, fields, origin = self._command, self._fields, self._origin
        entries = None if self.entries is None else self._draft_entries(books)
        day = self._default_day(books, today)
        draft = _made(
            command, fields, day, version=self._version(), bind=self._bind, entries=entries
        )
        if origin is not None:
            draft.origin = origin
            draft.keys = {*draft.keys, *(entry.key for entry in draft_entries(origin))}
        if books.has_limits:
            draft.seen_by_limits = _seen_by_limits(draft, origin)
        return draft

    def _draft_entries(self, books: JournalBooks) -> list[DraftEntry]:
        entries: list[DraftEntry] = []
        for entry in self.entries or ():
            facts = books.account(entry.account)
            assert facts is not None, f"looked up: {entry.account}"
            if self._command.kind is Kind.CAPTURE and entry.layer is not Layer.SETTLED:
                raise HoldLayerError(facts.code, entry.layer.name)
            entries.append(
                draft_entry_of(
                    (
                        balance_key_of((facts.id, entry.currency)),
                        facts.code,
                        entry.direction,
                        entry.layer,
                        entry.units,
                    )
                )
            )
        check_balanced(entries)
        return entries

    def _bind(self, given: Mapping[str, Json]) -> Mapping[str, object]:
        if self._template is None:
            return given
        return self._template.bind({**self._base, **given} if self._base else given)

    def _version(self) -> int:
        if self._template is not None:
            return self._template.source.version
        assert self._origin is not None, "without a template there is an original"
        return self._origin.template_version

    def _default_day(self, books: JournalBooks, today: date) -> date:
        if self._command.kind is Kind.EXPIRY:
            return books.period.first_open_day(today)
        return today


def _seen_by_limits(
    draft: Draft, origin: transactions_pb2.Transaction | None = None
) -> Mapping[str, object]:
    """Return what limits' conditions see: of what ends a hold, that of its placing."""
    if origin is not None and draft.command.kind is not Kind.REVERSAL:
        return {
            "template": origin.template_code,
            "description": origin.description,
            "external_id": origin.external_id,
            "correlation_id": origin.correlation_id,
            "metadata": dict(origin.metadata),
        }
    return {
        "template": draft.command.template_code,
        "description": draft.description,
        "external_id": draft.external_id,
        "correlation_id": draft.correlation_id,
        "metadata": draft.metadata,
    }
