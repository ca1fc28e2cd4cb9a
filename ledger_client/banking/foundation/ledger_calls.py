"""Calls to the ledger: each kind as the client's method, and what its answer means."""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from ledger_client.banking.foundation.calls import Call, Outcome, OutcomeKind
from ledger_client.client import LedgerClient
from ledger_client.errors import (
    ConflictError,
    LedgerError,
    OverloadedError,
    ServerError,
    UnavailableError,
    from_refusal,
)
from ledger_client.models import Direction, Posting, Refusal

_log: Final = logging.getLogger(__name__)

POST: Final = "ledger.post"

#: Failures after which the same call is to be made again.
PASSING: Final = (UnavailableError, OverloadedError, ServerError)

_Method = Callable[[LedgerClient, str, UUID, Mapping[str, Any]], Awaitable[Any]]


async def post_all(
    ledger: LedgerClient, tenant: str, calls: Sequence[Call]
) -> list[Outcome | LedgerError | None]:
    """Post each by itself.

    Returns:
        For each call the refusal; an error if it is to be made again; None for what the journal
        will tell.

    Raises:
        LedgerError: no answer to any of them; some may have been posted.
    """
    results = await ledger.post_many(tenant, [_posting(call) for call in calls], atomic=False)
    outcomes: list[Outcome | LedgerError | None] = []
    for call, result in zip(calls, results, strict=True):
        try:
            refused = _refused(call, from_refusal(result)) if isinstance(result, Refusal) else None
            outcomes.append(refused)
        except LedgerError as error:
            outcomes.append(error)
    return outcomes


async def make(ledger: LedgerClient, tenant: str, call: Call) -> Outcome | None:
    """Make a call of any other kind; return how it ended, None if the journal will tell.

    Raises:
        LedgerError: one of `PASSING`; it may have happened.
    """
    try:
        await KINDS[call.kind](ledger, tenant, call.id, call.body)
    except LedgerError as error:
        return _refused(call, error)
    return None if call.kind in OF_MONEY else Outcome(kind=OutcomeKind.DONE)


def _refused(call: Call, error: LedgerError) -> Outcome:
    if isinstance(error, PASSING) or _is_contention(error):
        raise error
    if error.reason == "TRANSACTION_ID_REUSED":
        _log.error("the ledger knows %s %s as another request: %s", call.kind, call.id, error)
    return Outcome(
        kind=OutcomeKind.REFUSED, reason=error.reason, message=error.message, facts=error.facts
    )


def _is_contention(error: LedgerError) -> bool:
    return isinstance(error, ConflictError) and error.reason == "CONTENTION"


def _posting(call: Call) -> Posting:
    body = call.body
    return Posting(
        template_code=body["template"],
        params=body["params"],
        transaction_id=call.id,
        effective_date=_date(body),
        correlation_id=body["correlation_id"],
        metadata=body["metadata"],
    )


async def _post(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.post(
        tenant,
        body["template"],
        body["params"],
        transaction_id=key,
        effective_date=_date(body),
        correlation_id=body["correlation_id"],
        metadata=body["metadata"],
    )


async def _place(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.place_hold(
        tenant,
        body["template"],
        body["params"],
        hold_id=key,
        effective_date=_date(body),
        correlation_id=body["correlation_id"],
        metadata=body["metadata"],
    )


async def _capture(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.capture_hold(
        tenant, UUID(body["hold_id"]), capture_id=key, effective_date=_date(body)
    )


async def _release(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.release_hold(
        tenant, UUID(body["hold_id"]), release_id=key, effective_date=_date(body)
    )


async def _reverse(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.reverse_transaction(
        tenant, UUID(body["reverses"]), transaction_id=key, effective_date=_date(body)
    )


async def _create(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.create_account(
        tenant,
        body["code"],
        normal_side=Direction.CREDIT if body["is_credit_normal"] else Direction.DEBIT,
        name=body["name"],
        id=UUID(body["account"]),
        account_sets=body["account_sets"],
        request_id=str(key),
    )


async def _lock(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.lock_account(
        tenant, UUID(body["account"]), allow_hold_ends=True, request_id=str(key)
    )


async def _unlock(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.unlock_account(tenant, UUID(body["account"]), request_id=str(key))


async def _close(ledger: LedgerClient, tenant: str, key: UUID, body: Mapping[str, Any]) -> None:
    await ledger.close_account(tenant, UUID(body["account"]), request_id=str(key))


def _date(body: Mapping[str, Any]) -> dt.date:
    return dt.date.fromisoformat(body["effective_date"])


#: Kinds whose outcome is read from the journal.
OF_MONEY: Final = frozenset(
    {POST, "ledger.place_hold", "ledger.capture_hold", "ledger.release_hold", "ledger.reverse"}
)
KINDS: Final[Mapping[str, _Method]] = {
    POST: _post,
    "ledger.place_hold": _place,
    "ledger.capture_hold": _capture,
    "ledger.release_hold": _release,
    "ledger.reverse": _reverse,
    "ledger.create_account": _create,
    "ledger.lock_account": _lock,
    "ledger.unlock_account": _unlock,
    "ledger.close_account": _close,
}
