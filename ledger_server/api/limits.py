"""LimitService: decodes, hands over, encodes."""

import re
from decimal import Decimal
from uuid import UUID

from ledger_proto.v1 import limits_pb2 as pb
from ledger_proto.v1.limits_pb2_grpc import LimitServiceServicer
from ledger_server.api.fields import (
    NAME_LENGTH_MAX,
    currency_field,
    direction_field,
    mutation,
    page_size_field,
    reference_field,
    text_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.journal_books import Library
from ledger_server.application.journals import get_journal
from ledger_server.application.limit_uses import LimitUse, read_limit_uses
from ledger_server.application.limits import (
    Target,
    attach_limit,
    create_limit,
    detach_limit,
    get_limit_in_tx,
    update_limit,
)
from ledger_server.domain.errors import AmountInvalidError, FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.domain.limit import (
    ROLLING_SECONDS_MAX,
    Attachment,
    Limit,
    Measure,
    Scope,
    Velocity,
    Window,
)
from ledger_server.domain.primitives import parse_decimal, plain
from ledger_server.store import limits
from ledger_server.store.codec import attachment_message, limit_message, timestamp
from ledger_server.store.database import Database

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class LimitServicer(LimitServiceServicer):
    """Limits and what they bind."""

    def __init__(self, database: Database, page_tokens: PageTokens, library: Library) -> None:
        """Serve the limits of `database`; `library` knows what binds which account."""
        self._database = database
        self._page_tokens = page_tokens
        self._library = library

    async def CreateLimit(
        self, request: pb.CreateLimitRequest, _context: object
    ) -> pb.CreateLimitResponse:
        """Create a limit."""
        limit = _new_limit(request.limit)
        change = mutation(request, request.request_id, pb.CreateLimitResponse)
        return await create_limit(
            self._database, await self._journal(request.journal), change, limit
        )

    async def UpdateLimit(
        self, request: pb.UpdateLimitRequest, _context: object
    ) -> pb.UpdateLimitResponse:
        """Change a limit's name or bound."""
        code = reference_field("code", request.code)
        name = text_field("name", request.name, NAME_LENGTH_MAX)
        bound = _amount_field("bound", request.bound) if request.bound else None
        change = mutation(request, request.request_id, pb.UpdateLimitResponse)
        journal = await self._journal(request.journal)
        return await update_limit(self._database, journal, change, code, name=name, bound=bound)

    async def GetLimit(self, request: pb.GetLimitRequest, _context: object) -> pb.GetLimitResponse:
        """Return one limit and a page of what it binds."""
        code = reference_field("code", request.code)
        size = page_size_field(request.page_size)
        after = _attachment_place(self._page_tokens.read(request, request.page_token))
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            limit = await get_limit_in_tx(tx, journal, code)
            rows = await limits.list_attached_in_tx(tx, journal.id, limit, after, size + 1)
        shown, token = self._page_tokens.cut(request, rows, size, _attachment_key)
        return pb.GetLimitResponse(
            limit=limit_message(limit),
            attachments=map(attachment_message, shown),
            next_page_token=token,
        )

    async def ListLimits(
        self, request: pb.ListLimitsRequest, _context: object
    ) -> pb.ListLimitsResponse:
        """Return a page of limits."""
        size = page_size_field(request.page_size)
        (after,) = self._page_tokens.read(request, request.page_token) or [""]
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            rows = await limits.list_in_tx(tx, journal.id, str(after), size + 1)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.code])
        return pb.ListLimitsResponse(limits=map(limit_message, shown), next_page_token=token)

    async def AttachLimit(
        self, request: pb.AttachLimitRequest, _context: object
    ) -> pb.AttachLimitResponse:
        """Have a limit bind an account or a set."""
        code = reference_field("limit", request.limit)
        target = _target(request.account, request.account_set)
        scope = _scope_field(request.scope)
        change = mutation(request, request.request_id, pb.AttachLimitResponse)
        journal = await self._journal(request.journal)
        return await attach_limit(self._database, journal, change, code, target, scope=scope)

    async def DetachLimit(
        self, request: pb.DetachLimitRequest, _context: object
    ) -> pb.DetachLimitResponse:
        """Have a limit let go of an account or a set."""
        code = reference_field("limit", request.limit)
        target = _target(request.account, request.account_set)
        change = mutation(request, request.request_id, pb.DetachLimitResponse)
        journal = await self._journal(request.journal)
        return await detach_limit(self._database, journal, change, code, target)

    async def ListLimitUses(
        self, request: pb.ListLimitUsesRequest, _context: object
    ) -> pb.ListLimitUsesResponse:
        """Return what binds an account, how much is used and what is left."""
        account = reference_field("account", request.account)
        books = await self._library.books(reference_field("journal", request.journal))
        uses = await read_limit_uses(self._database, books, account)
        return pb.ListLimitUsesResponse(uses=map(_use_message, uses))

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _new_limit(message: pb.Limit) -> Limit:
    code = message.code
    if not _CODE.fullmatch(code):
        raise FieldInvalidError("limit.code", "not 1 to 64 letters, digits, `.`, `_` and `-`")
    rule = message.WhichOneof("rule")
    if rule is None:
        raise FieldInvalidError("limit.rule", "required: standing or velocity")
    name = text_field("limit.name", message.name, NAME_LENGTH_MAX) or code
    currency = currency_field("limit.currency", message.currency)
    if rule == "standing":
        bound = _amount_field("limit.standing.available_min", message.standing.available_min)
        return Limit(code=code, name=name, currency=currency, bound=bound, velocity=None)
    return Limit(
        code=code,
        name=name,
        currency=currency,
        bound=_amount_field("limit.velocity.amount_max", message.velocity.amount_max),
        velocity=_velocity(message.velocity),
    )


def _velocity(message: pb.VelocityLimit) -> Velocity:
    direction = direction_field("limit.velocity.direction", message.direction)
    try:
        measure = Measure(message.measure)
    except ValueError as error:
        raise FieldInvalidError("limit.velocity.measure", "required: gross or net") from error
    try:
        window = Window(message.window)
    except ValueError as error:
        raise FieldInvalidError(
            "limit.velocity.window", "required: day, week, month, rolling or life"
        ) from error
    seconds = message.rolling_seconds
    if window is Window.ROLLING and not 1 <= seconds <= ROLLING_SECONDS_MAX:
        raise FieldInvalidError("limit.velocity.rolling_seconds", f"not 1 to {ROLLING_SECONDS_MAX}")
    if window is not Window.ROLLING and seconds:
        raise FieldInvalidError("limit.velocity.rolling_seconds", "for rolling windows only")
    return Velocity(
        direction=direction,
        measure=measure,
        window=window,
        rolling_seconds=seconds or None,
        condition=message.condition,
    )


def _amount_field(field: str, text: str) -> Decimal:
    """Return an amount whose decimals are held against its currency later; may be negative."""
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise AmountInvalidError(field, str(error)) from error


def _target(account: str, account_set: str) -> Target:
    if bool(account) == bool(account_set):
        raise FieldInvalidError("account", "required: either an account or an account_set")
    if account:
        return Target(account=reference_field("account", account))
    return Target(account_set=reference_field("account_set", account_set))


def _scope_field(number: int) -> Scope:
    try:
        return Scope(number or Scope.EACH_ACCOUNT)
    except ValueError as error:
        raise FieldInvalidError("scope", "not a scope of limits") from error


def _attachment_key(attachment: Attachment) -> list[str | int]:
    if attachment.set_id is None:
        return [0, str(attachment.account_id)]
    return [1, str(attachment.set_id)]


def _attachment_place(key: list[str | int] | None) -> tuple[int, UUID]:
    if key is None:
        return limits.FIRST_ATTACHMENT
    kind, target_id = key
    return int(kind), UUID(str(target_id))


def _use_message(use: LimitUse) -> pb.LimitUse:
    return pb.LimitUse(
        limit=limit_message(use.attachment.limit),
        attachment=attachment_message(use.attachment),
        used=plain(use.used),
        left=plain(use.left),
        window_start=timestamp(use.window_start) if use.window_start else None,
    )
