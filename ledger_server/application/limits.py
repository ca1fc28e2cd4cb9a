"""Limits: created, changed, attached and detached."""

import dataclasses
from decimal import Decimal
from uuid import UUID

from ledger_proto.v1 import events_pb2, limits_pb2
from ledger_server.application.account_sets import get_account_set_in_tx
from ledger_server.application.accounts import get_account_in_tx
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.domain.errors import (
    AmountInvalidError,
    CurrencyUnknownError,
    LimitExistsError,
    LimitInvalidError,
    LimitNotAttachedError,
    LimitNotFoundError,
    Violation,
)
from ledger_server.domain.journal import Journal
from ledger_server.domain.limit import Attachment, Limit, Scope
from ledger_server.domain.limit_condition import compile_condition
from ledger_server.domain.primitives import AccountId, decimals
from ledger_server.store import journals, limit_movements, limits
from ledger_server.store.codec import attachment_message, limit_message
from ledger_server.store.database import Database, Tx


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """An account or a set as a caller names it: by code or id, the other one empty."""

    account: str = ""
    account_set: str = ""


async def get_limit_in_tx(tx: Tx, journal: Journal, code: str) -> Limit:
    """Return the limit with this code.

    Raises:
        LimitNotFoundError: there is none.
    """
    limit = await limits.find_in_tx(tx, journal.id, code)
    if limit is None:
        raise LimitNotFoundError(code)
    return limit


async def create_limit(
    database: Database,
    journal: Journal,
    request: Request[limits_pb2.CreateLimitResponse],
    limit: Limit,
) -> limits_pb2.CreateLimitResponse:
    """Create a limit that binds nothing yet, so that no server has to hear of it.

    Raises:
        LimitInvalidError: its condition does not compile.
        LimitExistsError: the code is taken.
        CurrencyUnknownError: the journal has no such currency.
        AmountInvalidError: the bound has more decimals than the currency, or is a negative most.
        RequestIdReusedError: the request id was used before for another request.
    """
    if limit.velocity is not None and limit.velocity.condition:
        compile_condition(limit.velocity.condition)

    async def work(change: Change) -> limits_pb2.CreateLimitResponse:
        if await limits.find_in_tx(change.tx, journal.id, limit.code) is not None:
            raise LimitExistsError(limit.code)
        field = "standing.available_min" if limit.velocity is None else "velocity.amount_max"
        await _check_bound_in_tx(change.tx, journal, limit, f"limit.{field}")
        message = limit_message(await limits.insert_in_tx(change.tx, journal.id, limit))
        change.record(events_pb2.Event(limit_created=events_pb2.LimitCreated(limit=message)))
        return limits_pb2.CreateLimitResponse(limit=message)

    return await change_journal(database, journal, request, work)


async def update_limit(
    database: Database,
    journal: Journal,
    request: Request[limits_pb2.UpdateLimitResponse],
    code: str,
    *,
    name: str,
    bound: Decimal | None,
) -> limits_pb2.UpdateLimitResponse:
    """Change the name, the bound or both; an empty name and None leave one as it is.

    Raises:
        LimitNotFoundError: no limit has this code.
        AmountInvalidError: the bound has more decimals than the currency, or is a negative most.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> limits_pb2.UpdateLimitResponse:
        before = await get_limit_in_tx(change.tx, journal, code)
        limit = dataclasses.replace(
            before,
            name=name or before.name,
            bound=before.bound if bound is None else bound,
        )
        await _check_bound_in_tx(change.tx, journal, limit, "bound")
        if limit != before:
            limit = await limits.update_in_tx(
                change.tx, journal.id, code, name=limit.name, bound=limit.bound
            )
            change.config_changed = True
            change.record(
                events_pb2.Event(limit_updated=events_pb2.LimitUpdated(limit=limit_message(limit)))
            )
        return limits_pb2.UpdateLimitResponse(limit=limit_message(limit))

    return await change_journal(database, journal, request, work)


async def attach_limit(
    database: Database,
    journal: Journal,
    request: Request[limits_pb2.AttachLimitResponse],
    code: str,
    target: Target,
    *,
    scope: Scope,
) -> limits_pb2.AttachLimitResponse:
    """Have a limit bind an account or a set; what it binds in that way already stays.

    Raises:
        LimitNotFoundError: no limit has this code.
        AccountNotFoundError: no account has this code or id.
        AccountSetNotFoundError: no set has this code or id.
        LimitInvalidError: `scope` is for standing limits on sets that have a normal side.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> limits_pb2.AttachLimitResponse:
        limit = await get_limit_in_tx(change.tx, journal, code)
        attachment = await _attachment_in_tx(change.tx, journal, limit, target, scope)
        message = attachment_message(attachment)
        if await limits.attach_in_tx(change.tx, journal.id, attachment):
            change.config_changed = True
            change.record(
                events_pb2.Event(limit_attached=events_pb2.LimitAttached(attachment=message))
            )
        return limits_pb2.AttachLimitResponse(attachment=message)

    return await change_journal(database, journal, request, work)


async def detach_limit(
    database: Database,
    journal: Journal,
    request: Request[limits_pb2.DetachLimitResponse],
    code: str,
    target: Target,
) -> limits_pb2.DetachLimitResponse:
    """Have a limit let go of an account or a set.

    Raises:
        LimitNotFoundError: no limit has this code.
        AccountNotFoundError: no account has this code or id.
        AccountSetNotFoundError: no set has this code or id.
        LimitNotAttachedError: the limit does not bind it, or only through a set.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> limits_pb2.DetachLimitResponse:
        limit = await get_limit_in_tx(change.tx, journal, code)
        account_id, set_id = await _ids_in_tx(change.tx, journal, target)
        scope = await limits.detach_in_tx(
            change.tx, journal.id, code, account_id=account_id, set_id=set_id
        )
        if scope is None:
            raise LimitNotAttachedError(code, target.account or target.account_set)
        if limit.velocity is not None:
            # What moves from now on is not counted where the limit binds no longer, so where it
            # still does, or does again one day, the past has to be counted anew.
            await limit_movements.forget_in_tx(change.tx, journal.id, code)
        message = attachment_message(
            Attachment(limit=limit, account_id=account_id, set_id=set_id, scope=scope)
        )
        change.config_changed = True
        change.record(events_pb2.Event(limit_detached=events_pb2.LimitDetached(attachment=message)))
        return limits_pb2.DetachLimitResponse(attachment=message)

    return await change_journal(database, journal, request, work)


async def _check_bound_in_tx(tx: Tx, journal: Journal, limit: Limit, field: str) -> None:
    currency = await journals.find_currency_in_tx(tx, journal.id, limit.currency)
    if currency is None:
        raise CurrencyUnknownError(limit.currency)
    if decimals(limit.bound) > currency.exponent:
        raise AmountInvalidError(
            field, f"more than the {currency.exponent} decimals of {currency.code}"
        )
    if limit.velocity is not None and limit.bound < 0:
        raise AmountInvalidError(field, "negative")


async def _ids_in_tx(
    tx: Tx, journal: Journal, target: Target
) -> tuple[AccountId, None] | tuple[None, UUID]:
    if target.account:
        return (await get_account_in_tx(tx, journal, target.account)).id, None
    return None, (await get_account_set_in_tx(tx, journal, target.account_set)).id


async def _attachment_in_tx(
    tx: Tx, journal: Journal, limit: Limit, target: Target, scope: Scope
) -> Attachment:
    """Return what is to be attached, held against what a whole set needs."""
    whole = scope is Scope.WHOLE_SET
    if whole and limit.velocity is not None:
        raise _scope_error("a velocity limit binds each account by itself")
    if target.account:
        if whole:
            raise _scope_error("an account is not a set")
        account = await get_account_in_tx(tx, journal, target.account)
        return Attachment(limit=limit, account_id=account.id)
    account_set = await get_account_set_in_tx(tx, journal, target.account_set)
    if not whole:
        return Attachment(limit=limit, set_id=account_set.id)
    if account_set.normal_side is None:
        raise _scope_error(
            f"account set {account_set.code!r} has no normal side, so nothing is available in it"
        )
    return Attachment(
        limit=limit, set_id=account_set.id, scope=scope, set_side=account_set.normal_side
    )


def _scope_error(problem: str) -> LimitInvalidError:
    return LimitInvalidError((Violation("scope", problem),))
