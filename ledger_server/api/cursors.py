"""CursorService: decodes, hands over, encodes."""

from datetime import datetime, timedelta

from ledger_proto.v1 import cursors_pb2 as pb
from ledger_proto.v1.cursors_pb2_grpc import CursorServiceServicer
from ledger_server.api.fields import (
    CODE_LENGTH_MAX,
    NAME_LENGTH_MAX,
    page_size_field,
    reference_field,
    text_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.cursors import (
    Seen,
    acquire_cursor,
    advance_cursor,
    release_cursor,
    reset_cursor,
)
from ledger_server.application.journals import get_journal
from ledger_server.domain.cursor import LEASE_SECONDS_DEFAULT, LEASE_SECONDS_MAX, Cursor
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.store import cursors
from ledger_server.store.codec import timestamp
from ledger_server.store.database import Database


class CursorServicer(CursorServiceServicer):
    """How far followers have come, and who of them is at work."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Serve the cursors of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def AcquireCursor(
        self, request: pb.AcquireCursorRequest, _context: object
    ) -> pb.AcquireCursorResponse:
        """Take a cursor, or keep it."""
        name = _name_field(request.name)
        holder = text_field("holder", request.holder, NAME_LENGTH_MAX)
        lease = _lease_field(request.lease_seconds)
        position = _position_field("initial_position", request.initial_position)
        seen = await acquire_cursor(
            self._database,
            await self._journal(request.journal),
            name,
            initial_position=position,
            token=request.token,
            holder=holder,
            lease=lease,
        )
        return pb.AcquireCursorResponse(cursor=_seen_message(seen), token=seen.cursor.token)

    async def AdvanceCursor(
        self, request: pb.AdvanceCursorRequest, _context: object
    ) -> pb.AdvanceCursorResponse:
        """Note a position and renew the lease."""
        name = _name_field(request.name)
        lease = _lease_field(request.lease_seconds)
        position = _position_field("position", request.position)
        seen = await advance_cursor(
            self._database,
            await self._journal(request.journal),
            name,
            token=request.token,
            position=position,
            lease=lease,
        )
        return pb.AdvanceCursorResponse(cursor=_seen_message(seen))

    async def ReleaseCursor(
        self, request: pb.ReleaseCursorRequest, _context: object
    ) -> pb.ReleaseCursorResponse:
        """Give a cursor back."""
        name = _name_field(request.name)
        journal = await self._journal(request.journal)
        seen = await release_cursor(self._database, journal, name, token=request.token)
        return pb.ReleaseCursorResponse(cursor=_seen_message(seen))

    async def ResetCursor(
        self, request: pb.ResetCursorRequest, _context: object
    ) -> pb.ResetCursorResponse:
        """Put a cursor elsewhere."""
        name = _name_field(request.name)
        position = _position_field("position", request.position)
        journal = await self._journal(request.journal)
        seen = await reset_cursor(self._database, journal, name, position=position)
        return pb.ResetCursorResponse(cursor=_seen_message(seen))

    async def ListCursors(
        self, request: pb.ListCursorsRequest, _context: object
    ) -> pb.ListCursorsResponse:
        """Return a page of cursors."""
        size = page_size_field(request.page_size)
        (after,) = self._page_tokens.read(request, request.page_token) or [""]
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            rows = await cursors.list_in_tx(tx, journal.id, str(after), size + 1)
            now = await cursors.now_in_tx(tx)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.name])
        return pb.ListCursorsResponse(
            cursors=[_message(cursor, now) for cursor in shown], next_page_token=token
        )

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _name_field(text: str) -> str:
    if not text:
        raise FieldInvalidError("name", "required")
    if not text.isprintable():
        raise FieldInvalidError("name", "holds a character that cannot be printed")
    return text_field("name", text, CODE_LENGTH_MAX)


def _lease_field(seconds: int) -> timedelta:
    if not 0 <= seconds <= LEASE_SECONDS_MAX:
        raise FieldInvalidError("lease_seconds", f"not 1 to {LEASE_SECONDS_MAX}")
    return timedelta(seconds=seconds or LEASE_SECONDS_DEFAULT)


def _position_field(field: str, position: int) -> int:
    if position < 0:
        raise FieldInvalidError(field, "negative")
    return position


def _seen_message(seen: Seen) -> pb.Cursor:
    return _message(seen.cursor, seen.at)


def _message(cursor: Cursor, now: datetime) -> pb.Cursor:
    """Encode a cursor. A lease that has run out is nobody's, whoever had it."""
    message = pb.Cursor(
        name=cursor.name, position=cursor.position, update_time=timestamp(cursor.updated_at)
    )
    if cursor.lease_expires_at is not None and cursor.is_held(now):
        message.holder = cursor.holder
        message.lease_expire_time.CopyFrom(timestamp(cursor.lease_expires_at))
    return message
