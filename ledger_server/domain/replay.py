"""Whether a request is one that was posted before, and if not, where it differs."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Self
from uuid import UUID

from ledger_server.domain.errors import ParamInvalidError
from ledger_server.domain.primitives import Layer
from ledger_server.domain.template import Json
from ledger_server.domain.transaction import Draft, DraftEntry, Kind, PostCommand, RequestField

#: What is compared no longer once it was erased.
_PERSONAL: Final = frozenset({RequestField.DESCRIPTION, RequestField.METADATA})


@dataclasses.dataclass(slots=True, kw_only=True)
class Recorded:
    """The request behind a transaction in the books, as far as its record tells it."""

    template_code: str
    template_version: int
    effective: date
    description: str
    external_id: str
    correlation_id: str
    metadata: Mapping[str, str]
    #: Which optional fields the request gave itself.
    requested: frozenset[RequestField]
    #: The params as given.
    params: Mapping[str, Json]
    kind: Kind = Kind.POSTING
    hold_id: UUID | None = None
    reverses: UUID | None = None
    expire_at: datetime | None = None
    #: Whether description, metadata and params were erased; then the entries tell what was asked.
    erased: bool = False
    entries: Sequence[DraftEntry] = ()
    #: The record itself, for the answer; opaque here.
    record: object = None

    @classmethod
    def of(cls, draft: Draft) -> Self:
        """Return what a record of `draft` would tell."""
        command = draft.command
        return cls(
            template_code=command.template_code,
            template_version=draft.template_version,
            effective=draft.effective,
            description=draft.description,
            external_id=draft.external_id,
            correlation_id=draft.correlation_id,
            metadata=draft.metadata,
            requested=frozenset(command.requested()),
            params=command.params,
            kind=command.kind,
            hold_id=command.hold_id,
            reverses=command.reverses,
            expire_at=command.expire_at,
        )


def first_difference(draft: Draft, recorded: Recorded) -> str | None:
    """Return the first field in which the request of `draft` differs, None if it is the same.

    Compared is what was asked, not what came of it: a request without an effective date is the
    same tomorrow, and one that takes the newest template is the same after a newer one came.
    Params compare by value: "1.0" is "1.00", a default left out is the default given. What was
    erased is not compared; instead of the params then the entries that came of them are.
    """
    return _field_difference(draft.command, recorded) or _param_difference(draft, recorded)


def says_the_same(command: PostCommand, recorded: Recorded) -> bool:
    """Tell whether a request that has no draft is the recorded one word for word."""
    return (
        not command.origin_decides_params()
        and _field_difference(command, recorded) is None
        and (recorded.erased or _is_same(command.params, recorded.params))
    )


def _field_difference(command: PostCommand, recorded: Recorded) -> str | None:
    if command.kind is not recorded.kind:
        return "kind"
    if command.hold_id != recorded.hold_id:
        return "hold_id"
    if command.reverses != recorded.reverses:
        return "reverses"
    if command.template_code != recorded.template_code:
        return "template_code"
    if command.expire_at != recorded.expire_at:
        return "expire_time"
    if command.final != (RequestField.FINAL in recorded.requested):
        return "final"
    for field, name, given, kept in (
        (
            RequestField.TEMPLATE_VERSION,
            "template_version",
            command.template_version,
            recorded.template_version,
        ),
        (RequestField.EFFECTIVE_DATE, "effective_date", command.effective, recorded.effective),
        (RequestField.DESCRIPTION, "description", command.description, recorded.description),
        (RequestField.EXTERNAL_ID, "external_id", command.external_id, recorded.external_id),
        (
            RequestField.CORRELATION_ID,
            "correlation_id",
            command.correlation_id,
            recorded.correlation_id,
        ),
        (RequestField.METADATA, "metadata", command.metadata, recorded.metadata),
    ):
        if (given is not None) != (field in recorded.requested):
            return name
        is_known = not (recorded.erased and field in _PERSONAL)
        if given is not None and is_known and given != kept:
            return name
    return None


def _param_difference(draft: Draft, recorded: Recorded) -> str | None:
    if draft.command.origin_decides_params():
        # Taking all that is left asks for no params; the record has the original's.
        if draft.command.is_part() != (RequestField.PARAMS in recorded.requested):
            return "params"
        if not draft.command.is_part():
            return None
    if recorded.erased:
        return None if _gives_entries(draft, recorded) else "params"
    given: Mapping[str, object] = draft.command.params
    kept: Mapping[str, object] = recorded.params
    if _is_same(given, kept):
        return None
    try:
        given, kept = draft.bind(draft.command.params), draft.bind(recorded.params)
    except ParamInvalidError:
        # The template has changed since; then only the same words are the same request.
        given, kept = draft.command.params, recorded.params
    for name in sorted(given.keys() | kept.keys()):
        if name not in given or name not in kept or not _is_same(given[name], kept[name]):
            return f"params.{name}"
    return None


def _gives_entries(draft: Draft, recorded: Recorded) -> bool:
    """Tell whether a draft comes to the entries that were recorded.

    A hold's stand on another layer there, a capture's beside what they take from the hold, and a
    reversal's on the other side. Another version of the template cannot tell.
    """
    if draft.entries is None or draft.template_version != recorded.template_version:
        return True
    kept = [
        entry
        for entry in recorded.entries
        if recorded.kind is not Kind.CAPTURE or entry.layer is Layer.SETTLED
    ]
    return len(kept) == len(draft.entries) and all(
        (given.key, given.units) == (entry.key, entry.units)
        and (given.direction is entry.direction) is not (recorded.kind is Kind.REVERSAL)
        for given, entry in zip(draft.entries, kept, strict=True)
    )


def _is_same(left: object, right: object) -> bool:
    """Compare by value, but true is not 1 as it is to Python. JSON params are not deep."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(
            _is_same(value, right[key]) for key, value in left.items()
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_is_same, left, right))
    return left == right and isinstance(left, bool) is isinstance(right, bool)
