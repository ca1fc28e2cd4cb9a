"""`DomainEventCursorService`: how far publishers of domain events have come."""

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from bank_proto.events.v1 import cursors_pb2 as pb
from ledger_client.banking.foundation import cursors, outbox
from ledger_client.banking.foundation.cursors import Cursor
from ledger_client.banking.foundation.database import Connection
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.fields import module_of, number_of, whole_page_size_of
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.request_errors import (
    CursorNotFoundError,
    PositionUnavailableError,
)
from ledger_client.banking.foundation.serving import Call, Serving
from ledger_client.banking.foundation.statuses import unary
from ledger_client.banking.foundation.timestamps import timestamp_of

SERVICE: Final = "bank.events.v1.DomainEventCursorService"
PERMISSIONS: Final[Mapping[str, Permission]] = {
    f"{SERVICE}/AcquireCursor": Permission(
        "events_publisher", "bank/cursors", "bank:cursors:acquire"
    ),
    f"{SERVICE}/AdvanceCursor": Permission(
        "events_publisher", "bank/cursors", "bank:cursors:advance"
    ),
    f"{SERVICE}/ReleaseCursor": Permission(
        "events_publisher", "bank/cursors", "bank:cursors:release"
    ),
    f"{SERVICE}/ListCursors": Permission("events_viewer", "bank/cursors", "bank:cursors:list"),
}

LEASE_SECONDS_DEFAULT: Final = 15
LEASE_SECONDS_MAX: Final = 300
NAME_LENGTH_MAX: Final = 255

#: A request's fields are looked at once the caller may ask, in the transaction of the decision.
_Answer = Callable[[Serving, Call, Any], Coroutine[Any, Any, Any]]


class CursorHandlers:
    """The service's methods, for gRPC."""

    def __init__(self, servings: Mapping[str, Serving]) -> None:
        """Serve modules, by name."""
        self._servings = servings

    def handlers(self) -> dict[str, Any]:
        """Return a gRPC handler for each method."""
        return {
            "AcquireCursor": self._handler("AcquireCursor", pb.AcquireCursorRequest, _acquire),
            "AdvanceCursor": self._handler("AdvanceCursor", pb.AdvanceCursorRequest, _advance),
            "ReleaseCursor": self._handler("ReleaseCursor", pb.ReleaseCursorRequest, _release),
            "ListCursors": self._handler("ListCursors", pb.ListCursorsRequest, _list),
        }

    def _handler(self, name: str, request_class: Any, answer: _Answer) -> Any:
        method = f"{SERVICE}/{name}"

        async def handle(request: Any, context: Any) -> Any:
            serving = module_of(self._servings, request.module)
            return await answer(
                serving, Call(method, PERMISSIONS[method], request, context), request
            )

        return unary(method, request_class, handle)


async def _acquire(serving: Serving, call: Call, request: Any) -> Any:
    async def take(unit: Any) -> pb.AcquireCursorResponse:
        name, lease = _name(request.name), _lease(request.lease_seconds)
        holder = _holder(request.holder)
        position = _position("initial_position", request.initial_position)
        connection, tenant = unit.connection, unit.tenant
        cursor = await cursors.lock(connection, tenant, name)
        if cursor is None:
            await _check_position(connection, tenant, position)
            cursor = await cursors.create(connection, tenant, name, position)
        now = await cursors.now(connection)
        cursor = cursor.taken(request.token, unit.cause.subject, holder, lease, now)
        await cursors.save(connection, tenant, cursor)
        return pb.AcquireCursorResponse(cursor=_message(cursor, now), token=cursor.token)

    return await serving.query(call, take)


async def _advance(serving: Serving, call: Call, request: Any) -> Any:
    async def note(connection: Connection, subject: str) -> pb.AdvanceCursorResponse:
        name, lease = _name(request.name), _lease(request.lease_seconds)
        position = _position("position", request.position)
        cursor = await _locked(connection, call.tenant, name)
        now = await cursors.now(connection)
        cursor = cursor.advanced(request.token, subject, position, lease, now)
        await _check_position(connection, call.tenant, position)
        await cursors.save(connection, call.tenant, cursor)
        return pb.AdvanceCursorResponse(cursor=_message(cursor, now))

    # The token names a holding of this subject, whose beginning is on record.
    return await serving.go_on(call, note)


async def _release(serving: Serving, call: Call, request: Any) -> Any:
    async def give_back(unit: Any) -> pb.ReleaseCursorResponse:
        name = _name(request.name)
        cursor = await _locked(unit.connection, unit.tenant, name)
        cursor = cursor.released(request.token, unit.cause.subject)
        await cursors.save(unit.connection, unit.tenant, cursor)
        return pb.ReleaseCursorResponse(cursor=_message(cursor, await cursors.now(unit.connection)))

    return await serving.query(call, give_back)


async def _list(serving: Serving, call: Call, request: Any) -> Any:
    async def page(unit: Any) -> pb.ListCursorsResponse:
        size = whole_page_size_of(request.page_size)
        last = _name_of(request.page_token)
        found = await cursors.after(unit.connection, unit.tenant, last, size + 1)
        now = await cursors.now(unit.connection)
        return pb.ListCursorsResponse(
            cursors=[_message(cursor, now) for cursor in found[:size]],
            next_page_token=_token_of(found[size - 1].name) if len(found) > size else "",
        )

    return await serving.query(call, page)


async def _locked(connection: Connection, tenant: str, name: str) -> Cursor:
    cursor = await cursors.lock(connection, tenant, name)
    if cursor is None:
        raise CursorNotFoundError(name)
    return cursor


async def _check_position(connection: Connection, tenant: str, position: int) -> None:
    head = await outbox.head(connection, tenant)
    if position > head:
        raise PositionUnavailableError(position, head)


def _name(text: str) -> str:
    if not 1 <= len(text) <= NAME_LENGTH_MAX or not text.isprintable():
        raise FieldInvalidError("name", f"must be 1 to {NAME_LENGTH_MAX} printable characters")
    return text


def _holder(text: str) -> str:
    if len(text) > NAME_LENGTH_MAX or not text.isprintable():
        raise FieldInvalidError("holder", f"must be up to {NAME_LENGTH_MAX} printable characters")
    return text


def _lease(seconds: int) -> dt.timedelta:
    return dt.timedelta(
        seconds=number_of(
            "lease_seconds", seconds, default=LEASE_SECONDS_DEFAULT, number_max=LEASE_SECONDS_MAX
        )
    )


def _position(field: str, position: int) -> int:
    if position < 0:
        raise FieldInvalidError(field, "must not be negative")
    return position


def _token_of(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _name_of(token: str) -> str:
    try:
        return (
            _name(base64.b64decode(token, altchars=b"-_", validate=True).decode()) if token else ""
        )
    except (binascii.Error, UnicodeError, FieldInvalidError, ValueError) as error:
        problem = "must be the next_page_token of a page"
        raise FieldInvalidError("page_token", problem) from error


def _message(cursor: Cursor, now: dt.datetime) -> pb.Cursor:
    """Encode a cursor. A lease that has run out is nobody's, whoever had it."""
    is_held = cursor.is_held(now)
    return pb.Cursor(
        name=cursor.name,
        position=cursor.position,
        update_time=timestamp_of(cursor.updated_at),
        holder=cursor.holder if is_held else "",
        lease_expire_time=timestamp_of(cursor.lease_until if is_held else None),
    )
