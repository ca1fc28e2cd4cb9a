"""From what callers ask to drafts that can be decided: everything that needs no lock."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from google.protobuf.struct_pb2 import Struct

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.journal_books import AccountReference, JournalBooks
from ledger_server.domain.balancing import check_balanced
from ledger_server.domain.errors import (
    HoldLayerError,
    HoldNotFoundError,
    LedgerError,
    NotReversibleError,
    TemplateNotFoundError,
    TransactionNotFoundError,
)
from ledger_server.domain.posting import Replay
from ledger_server.domain.primitives import Layer
from ledger_server.domain.replay import says_the_same
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
    EntryAsEvaluated,
    FieldsAsEvaluated,
    evaluate_entries,
    evaluate_fields,
)
from ledger_server.store.database import Tx
from ledger_server.store.transaction_codec import draft_entries, struct_values

#: A draft, or why there is none: it is in the books already, or refused.
Prepared = Draft | Replay | LedgerError
#: Recorded transactions that commands refer to, by id.
Origins = Mapping[UUID, transactions_pb2.Transaction]

#: A template's code and version, None for the newest.
_Wanted = tuple[str, int | None]
_Templates = dict[_Wanted, CompiledTemplate | LedgerError]
#: A command, the record that it refers to, and the template that it needs.
_Asked = tuple[PostCommand, transactions_pb2.Transaction | None, _Wanted | None]

_NO_FIELDS = FieldsAsEvaluated()


async def prepare(
    commands: Sequence[PostCommand],
    books: JournalBooks,
    now: Callable[[], datetime],
    under_head: Tx | None = None,
) -> tuple[list[Prepared], int]:
    """Evaluate `commands` and look up their accounts.

    A refusal here may come from a memory that is behind; if any command is refused, the memory is
    held against the journal and, if it was behind, everything is prepared again.

    Args:
        commands: what is asked for.
        books: the memory of the journal.
        now: the server's clock, for what is to be posted today.
        under_head: a transaction that holds the journal's head, to read in; the memory is up to
            date then.

    Returns:
        What became of each command, and the configuration version that all of it is good for. It
        is taken at the beginning: should the memory move on meanwhile, the batch notices.
    """
    version = books.config_version
    prepared = await _prepare(commands, books, now, under_head)
    if not any(isinstance(one, LedgerError) for one in prepared):
        return prepared, version
    if under_head is None and not await books.is_current():
        await books.refresh()
        version = books.config_version
        prepared = await _prepare(commands, books, now, None)
    return await _replayed(commands, prepared, books, under_head), version


async def _replayed(
    commands: Sequence[PostCommand],
    prepared: list[Prepared],
    books: JournalBooks,
    under_head: Tx | None,
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
        ],
        under_head,
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
    commands: Sequence[PostCommand],
    books: JournalBooks,
    now: Callable[[], datetime],
    under_head: Tx | None,
) -> list[Prepared]:
    origins = await books.records(
        [
            origin
            for command in commands
            if (origin := command.hold_id or command.reverses) is not None
        ],
        under_head,
    )
    asked = [_with_origin(command, origins) for command in commands]
    templates = await _templates(
        [one for one in asked if not isinstance(one, LedgerError)], books, under_head
    )
    evaluated = [
        one if isinstance(one, LedgerError) else _evaluate(one, templates, books) for one in asked
    ]
    references = {
        reference
        for one in evaluated
        if not isinstance(one, LedgerError)
        for reference in one.references()
    }
    absent = await books.look_up(references, under_head)
    today = books.day_of(now())
    return [
        outcome if isinstance(outcome, LedgerError) else _draft(outcome, books, absent, today)
        for outcome in evaluated
    ]


def _draft(
    outcome: "_Evaluated",
    books: JournalBooks,
    absent: Mapping[AccountReference, LedgerError],
    today: date,
) -> Prepared:
    for reference in outcome.references() if absent else ():
        if reference in absent:
            return absent[reference]
    try:
        return outcome.draft(books, today)
    except LedgerError as refusal:
        return refusal


def _with_origin(command: PostCommand, origins: Origins) -> "_Asked | LedgerError":
    if command.kind is Kind.POSTING or command.kind is Kind.HOLD:
        return command, None, (command.template_code, command.template_version)
    try:
        origin = _origin(command, origins)
    except LedgerError as refusal:
        return refusal
    # What is captured or taken back is what its template made of it; the record tells from
    # which params, so that a part of it can be taken back in turn.
    # The request itself stays as it came: prepared again, it takes what the original has then.
    command = dataclasses.replace(
        command,
        template_code=origin.template_code,
        params_as_given=_merged(origin.params, command.params_as_given),
    )
    template = (command.template_code, origin.template_version) if command.is_part() else None
    return command, origin, template


async def _templates(
    asked: Sequence["_Asked"], books: JournalBooks, under_head: Tx | None
) -> "_Templates":
    """Return the templates that are asked for, each once, or why there is none."""
    found: _Templates = {}
    for _, _, template in asked:
        if template is not None and template not in found:
            try:
                found[template] = await books.template(*template, under_head)
            except TemplateNotFoundError as refusal:
                found[template] = refusal
    return found


def _evaluate(
    asked: "_Asked", templates: "_Templates", books: JournalBooks
) -> "_Evaluated | LedgerError":
    command, origin, wanted = asked
    if wanted is None:
        return _Evaluated(command, origin, books)
    template = templates[wanted]
    if isinstance(template, LedgerError):
        return template
    try:
        return _Evaluated(command, origin, books, template)
    except LedgerError as refusal:
        return refusal


def _origin(command: PostCommand, origins: Origins) -> transactions_pb2.Transaction:
    if command.reverses is not None:
        found = origins.get(command.reverses)
        if found is None:
            raise TransactionNotFoundError(str(command.reverses))
        if found.kind == transactions_pb2.TRANSACTION_KIND_CLOSING:
            # It has no template that a part of it could be made from.
            raise NotReversibleError(str(command.reverses), Kind.CLOSING.name)
        return found
    assert command.hold_id is not None, "what ends a hold names it"
    found = origins.get(command.hold_id)
    if found is None or found.kind != transactions_pb2.TRANSACTION_KIND_HOLD:
        raise HoldNotFoundError(str(command.hold_id))
    return found


def _merged(original: Struct, changed: object) -> Struct:
    merged = Struct()
    merged.CopyFrom(original)
    if isinstance(changed, Struct):
        for name, value in changed.fields.items():
            merged.fields[name].CopyFrom(value)
    return merged


class _Evaluated:
    """A command with what its template gives, its accounts not looked up yet."""

    __slots__ = ("_base", "_command", "_fields", "_origin", "_params", "_template", "entries")

    def __init__(
        self,
        command: PostCommand,
        origin: transactions_pb2.Transaction | None,
        books: JournalBooks,
        template: CompiledTemplate | None = None,
    ) -> None:
        self._command = command
        self._origin = origin
        self._template = template
        # A part is asked for through params that differ from the original's.
        self._base: Mapping[str, Json] = struct_values(origin.params) if origin else {}
        self._fields = _NO_FIELDS
        self._params: Mapping[str, object] = {}
        self.entries: list[EntryAsEvaluated] | None = None
        if template is not None:
            self._params = self._bind(command.params)
            if origin is None:
                self._fields = evaluate_fields(template, self._params, books.exponents)
            self.entries = evaluate_entries(template, self._params, books.exponents)

    def references(self) -> list[AccountReference]:
        """Return the accounts that it names."""
        references: list[AccountReference] = (
            [] if self.entries is None else [entry.account for entry in self.entries]
        )
        if self._origin is not None:
            references.extend(UUID(entry.account_id) for entry in self._origin.entries)
        return references

    def draft(self, books: JournalBooks, today: date) -> Draft:
        """Return the draft: what the request gives wins over what the template gives."""
        command, fields, origin = self._command, self._fields, self._origin
        entries = None if self.entries is None else self._draft_entries(books)
        keys = [entry.key for entry in entries or ()]
        if origin is not None:
            keys += [entry.key for entry in draft_entries(origin)]
        draft = Draft(
            command=command,
            template_version=self._version(),
            params=self._params,
            bind=self._bind,
            effective=command.effective or fields.effective or self._default_day(books, today),
            description=_first(
                command.description, fields.description, origin.description if origin else ""
            ),
            external_id=_first(command.external_id, fields.external_id, ""),
            correlation_id=_first(
                command.correlation_id,
                fields.correlation_id,
                origin.correlation_id if origin else "",
            ),
            metadata=(command.metadata if command.metadata is not None else fields.metadata or {}),
            entries=entries,
            keys=frozenset(keys),
            origin=origin,
        )
        if books.has_limits:
            draft.seen_by_limits = self._seen_by_limits(draft)
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

    def _seen_by_limits(self, draft: Draft) -> Mapping[str, object]:
        """Return what limits' conditions see: of what ends a hold, that of its placing."""
        origin = self._origin
        if origin is not None and self._command.kind is not Kind.REVERSAL:
            return {
                "template": origin.template_code,
                "description": origin.description,
                "external_id": origin.external_id,
                "correlation_id": origin.correlation_id,
                "metadata": dict(origin.metadata),
            }
        return {
            "template": self._command.template_code,
            "description": draft.description,
            "external_id": draft.external_id,
            "correlation_id": draft.correlation_id,
            "metadata": draft.metadata,
        }


def _first(given: str | None, of_template: str | None, otherwise: str) -> str:
    """Return the first text that is there."""
    if given is not None:
        return given
    return otherwise if of_template is None else of_template
