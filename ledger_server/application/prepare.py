"""From what callers ask to drafts that can be decided: everything that needs no lock."""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from google.protobuf.struct_pb2 import Struct

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.drafting import Evaluated, draft_at_once
from ledger_server.application.journal_books import AccountReference, JournalBooks
from ledger_server.domain.errors import (
    HoldNotFoundError,
    LedgerError,
    NotReversibleError,
    TemplateNotFoundError,
    TransactionNotFoundError,
)
from ledger_server.domain.posting import Replay
from ledger_server.domain.replay import says_the_same
from ledger_server.domain.transaction import (
    Draft,
    Kind,
    PostCommand,
)
from ledger_server.domain.tx_template import (
    CompiledTemplate,
)
from ledger_server.store.database import Tx

#: Commands that are evaluated before others get their turn: a large call took so long that the
#: batch after the one that is written was ready and could not be begun.
_AT_ONCE: Final = 64

#: A draft, or why there is none: it is in the books already, or refused.
Prepared = Draft | Replay | LedgerError
#: Recorded transactions that commands refer to, by id.
Origins = Mapping[UUID, transactions_pb2.Transaction]

#: A template's code and version, None for the newest.
_Wanted = tuple[str, int | None]
_Templates = dict[_Wanted, CompiledTemplate | LedgerError]
#: A command, the record that it refers to, and the template that it needs.
_Asked = tuple[PostCommand, transactions_pb2.Transaction | None, _Wanted | None]


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
    today = books.day_of(now())
    evaluated: list[Evaluated | Prepared] = []
    for start in range(0, len(asked), _AT_ONCE):
        if start:
            await asyncio.sleep(0)
        evaluated += [
            one if isinstance(one, LedgerError) else _evaluate(one, templates, books, today)
            for one in asked[start : start + _AT_ONCE]
        ]
    drafted = [one for one in evaluated if not isinstance(one, Evaluated)]
    if len(drafted) == len(evaluated):
        return drafted
    references = {
        reference
        for one in evaluated
        if isinstance(one, Evaluated)
        for reference in one.references()
    }
    absent = await books.look_up(references, under_head)
    return [
        _draft(one, books, absent, today) if isinstance(one, Evaluated) else one
        for one in evaluated
    ]


def _draft(
    outcome: Evaluated,
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
    asked: "_Asked", templates: "_Templates", books: JournalBooks, today: date
) -> Evaluated | Draft | LedgerError:
    command, origin, wanted = asked
    if wanted is None:
        return Evaluated(command, origin, books)
    template = templates[wanted]
    if isinstance(template, LedgerError):
        return template
    if origin is None and template.draft_entries is not None:
        draft = draft_at_once(command, template, template.draft_entries, books, today)
        if draft is not None:
            return draft
    try:
        return Evaluated(command, origin, books, template)
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
