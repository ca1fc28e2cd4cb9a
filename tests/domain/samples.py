"""Templates and drafts as the tests of the domain need them: whole, with one thing of interest."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ledger_server.domain.params import bind_params
from ledger_server.domain.template import (
    EntryDefinition,
    Json,
    Param,
    ParamType,
    Template,
    TransactionFields,
)
from ledger_server.domain.transaction import Draft, DraftEntry, PostCommand

DAY = date(2026, 1, 31)


def entry(**fields: str) -> EntryDefinition:
    """Return an entry; all fields are given ones that are right."""
    right = {
        "account": "'cash'",
        "direction": "DEBIT",
        "units": "decimal('1.00')",
        "currency": "'USD'",
    }
    return EntryDefinition(**{**right, **fields})


def param(name: str, param_type: ParamType = ParamType.DECIMAL, **fields: Any) -> Param:
    """Return a param; `default` makes it one that may be left out."""
    return Param(name=name, type=param_type, has_default="default" in fields, **fields)


def template(
    *entries: EntryDefinition,
    params: Sequence[Param] = (),
    transaction: TransactionFields | None = None,
    **fields: Any,
) -> Template:
    """Return a template, right but for what is given; used or not, its params are declared."""
    return Template(
        **{"code": "SAMPLE", "version": 1, **fields},
        params=tuple(params),
        transaction=transaction or TransactionFields(),
        entries=entries,
    )


def draft(
    entries: Sequence[DraftEntry],
    transaction_id: uuid.UUID,
    *,
    version: int = 3,
    declared: Mapping[str, Param] | None = None,
    day: date = DAY,
    external_id: str = "",
    **fields: Any,
) -> Draft:
    """Return the draft of a command that asks for what `fields` say."""
    given: Mapping[str, Json] = fields.pop("params", {})
    if external_id:
        fields["external_id"] = external_id
    command = PostCommand(
        transaction_id=transaction_id,
        **{"template_code": "SAMPLE", "template_version": None, **fields},
        params=given,
    )
    known = declared or {}
    return Draft(
        command=command,
        template_version=version,
        bind=lambda other: bind_params(known, other),
        effective=command.effective or day,
        description=command.description or "",
        external_id=external_id,
        correlation_id=command.correlation_id or "",
        metadata=command.metadata or {},
        entries=list(entries),
        keys=frozenset(entry.key for entry in entries),
    )
