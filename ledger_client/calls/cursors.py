"""Calls of the `CursorService`."""

from collections.abc import AsyncIterator

from ledger_client.connection import Connection
from ledger_client.convert import cursors, encode
from ledger_client.models import Cursor, CursorHolding, Reference
from ledger_proto.v1 import cursors_pb2 as pb


class CursorCalls(Connection):
    """Keeps how far followers of a journal have come, and lets one of them work at a time."""

    async def acquire_cursor(
        self,
        journal: Reference,
        name: str,
        *,
        holder: str = "",
        lease_seconds: int = 0,
        initial_position: int = 0,
        token: int = 0,
    ) -> CursorHolding:
        """Take a cursor, making it if there is none.

        Args:
            journal: code or id.
            name: of the cursor, 1 to 255 characters.
            holder: who asks, for people.
            lease_seconds: how long it is held without renewal, 1 to 300; 0 takes 15.
            initial_position: where a new cursor begins: after this sequence.
            token: of the holding that is to go on; 0 to begin one.

        Raises:
            InvalidRequestError: a field is malformed, or the initial position is beyond the head.
            NotFoundError: there is no such journal.
            RefusedError: somebody else holds it (`CURSOR_HELD`), or oneself, if an earlier answer
                was lost: the facts say who and until when.
        """
        request = pb.AcquireCursorRequest(
            journal=encode.reference(journal),
            name=name,
            holder=holder,
            lease_seconds=lease_seconds,
            initial_position=initial_position,
            token=token,
        )
        return cursors.holding(await self._call(self._cursors.AcquireCursor, request))

    async def advance_cursor(
        self, journal: Reference, name: str, *, token: int, position: int, lease_seconds: int = 0
    ) -> Cursor:
        """Note that every event up to `position` was handled, and renew the lease.

        Args:
            journal: code or id.
            name: of the cursor.
            token: of the holding.
            position: not behind the one noted; the same only renews the lease.
            lease_seconds: how long it is held from now on, 1 to 300; 0 takes 15.

        Raises:
            InvalidRequestError: the position is behind the one noted, or beyond the head.
            NotFoundError: there is no such cursor (`CURSOR_NOT_FOUND`) or journal.
            RefusedError: the holding is over (`CURSOR_LOST`).
        """
        request = pb.AdvanceCursorRequest(
            journal=encode.reference(journal),
            name=name,
            token=token,
            position=position,
            lease_seconds=lease_seconds,
        )
        response = await self._call(self._cursors.AdvanceCursor, request)
        return cursors.cursor(response.cursor)

    async def release_cursor(self, journal: Reference, name: str, *, token: int) -> Cursor:
        """Give a cursor back at once; nothing happens if the holding was over already.

        Raises:
            NotFoundError: there is no such cursor (`CURSOR_NOT_FOUND`) or journal.
        """
        request = pb.ReleaseCursorRequest(journal=encode.reference(journal), name=name, token=token)
        response = await self._call(self._cursors.ReleaseCursor, request)
        return cursors.cursor(response.cursor)

    async def reset_cursor(self, journal: Reference, name: str, position: int) -> Cursor:
        """Put a cursor that nobody holds elsewhere: back to send again, forward to leave out.

        Raises:
            InvalidRequestError: the position is negative or beyond the head.
            NotFoundError: there is no such cursor (`CURSOR_NOT_FOUND`) or journal.
            RefusedError: somebody holds it (`CURSOR_HELD`).
        """
        request = pb.ResetCursorRequest(
            journal=encode.reference(journal), name=name, position=position
        )
        response = await self._call(self._cursors.ResetCursor, request)
        return cursors.cursor(response.cursor)

    def list_cursors(self, journal: Reference) -> AsyncIterator[Cursor]:
        """Give all cursors of a journal by name."""
        return self._items(
            self._cursors.ListCursors,
            pb.ListCursorsRequest(journal=encode.reference(journal)),
            lambda page: map(cursors.cursor, page.cursors),
        )
