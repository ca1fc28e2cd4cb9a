"""Limits, what they bind, and how much of them is used, as records."""

from typing import Final
from uuid import UUID

from ledger_client.cli.rendering import Column, Record, columns
from ledger_client.client import LedgerClient
from ledger_client.models import Limit, LimitAttachment, LimitUse, StandingLimit

LIMIT_COLUMNS: Final[list[Column]] = columns(
    "code",
    "name",
    "currency",
    "#available_min",
    "#amount_max",
    "side",
    "measure",
    "window",
    "#rolling_seconds",
    "condition",
    "create_time",
)
LIMIT_TABLE_COLUMNS: Final[list[Column]] = columns("code", "name", "rule", "#bound", "currency")
ATTACHMENT_COLUMNS: Final[list[Column]] = columns("kind", "code", "scope", "id")
USE_COLUMNS: Final[list[Column]] = columns(
    "limit",
    "rule",
    "#bound",
    "#used",
    "#left",
    "currency",
    "window_start",
    "through",
    "scope",
)
USE_TABLE_COLUMNS: Final[list[Column]] = columns(
    "limit", "rule", "#bound", "#used", "#left", "currency", "through"
)

_SECONDS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def limit_record(limit: Limit) -> Record:
    """Return a limit as a flat record: of the fields of both kinds, one's are None."""
    rule = limit.rule
    velocity = None if isinstance(rule, StandingLimit) else rule
    return {
        "code": limit.code,
        "name": limit.name,
        "currency": limit.currency,
        "available_min": rule.available_min if isinstance(rule, StandingLimit) else None,
        "amount_max": velocity and velocity.amount_max,
        "side": velocity and velocity.direction,
        "measure": velocity and velocity.measure,
        "window": velocity and velocity.window,
        "rolling_seconds": velocity and velocity.rolling_seconds,
        "condition": velocity and velocity.condition,
        "create_time": limit.create_time,
    }


def shown_rule(limit: Limit) -> str:
    """Return in a few words what a limit bounds, without its bound."""
    rule = limit.rule
    if isinstance(rule, StandingLimit):
        return "available, at least"
    if rule.rolling_seconds is None:
        time = "in its life" if rule.window == "LIFE" else f"a {rule.window.lower()}"
    else:
        time = f"in any {shown_span(rule.rolling_seconds)}"
    condition = f" if {rule.condition}" if rule.condition else ""
    return f"{rule.measure.lower()} {rule.direction.lower()}s {time}{condition}, at most"


def shown_span(seconds: int) -> str:
    """Return a span as it would be typed: 5400 as 1h30m."""
    parts = []
    for letter, length in _SECONDS:
        count, seconds = divmod(seconds, length)
        parts += [f"{count}{letter}"] if count else []
    return "".join(parts)


class Names:
    """Finds the codes of accounts and sets that an answer names by id, each once."""

    def __init__(self, ledger: LedgerClient, journal: str) -> None:
        """Know none yet."""
        self._ledger = ledger
        self._journal = journal
        self._codes: dict[UUID, str] = {}

    async def attachment_record(self, attachment: LimitAttachment) -> Record:
        """Return what a limit binds, by code and id."""
        kind, target = _target(attachment)
        return {
            "limit": attachment.limit_code,
            "kind": kind,
            "code": await self._code(kind, target),
            "scope": attachment.scope,
            "id": target,
        }

    async def use_record(self, use: LimitUse) -> Record:
        """Return a limit on an account and its use."""
        kind, target = _target(use.attachment)
        return {
            "limit": use.limit.code,
            "rule": shown_rule(use.limit),
            "bound": use.limit.bound,
            "used": use.used,
            "left": use.left,
            "currency": use.limit.currency,
            "window_start": use.window_start,
            "through": f"{kind} {await self._code(kind, target)}",
            "scope": use.attachment.scope,
        }

    async def _code(self, kind: str, target: UUID) -> str:
        if target not in self._codes:
            if kind == "set":
                found = await self._ledger.get_account_set(self._journal, target)
                self._codes[target] = found.code
            else:
                account = await self._ledger.get_account(self._journal, target)
                self._codes[target] = account.code
        return self._codes[target]


def _target(attachment: LimitAttachment) -> tuple[str, UUID]:
    if attachment.account_set_id is not None:
        return "set", attachment.account_set_id
    assert attachment.account_id is not None, "a limit binds an account or a set"
    return "account", attachment.account_id
