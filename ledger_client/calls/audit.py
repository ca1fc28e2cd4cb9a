"""Calls of the `AuditService`."""

from collections.abc import AsyncGenerator
from typing import Any

from grpc import aio

from ledger_client import errors
from ledger_client.connection import Connection
from ledger_client.convert import audit, encode
from ledger_client.models import Reference, StoredBooks
from ledger_proto.v1 import audit_pb2 as pb


class AuditCalls(Connection):
    """Reads a journal as it is stored."""

    async def read_books(
        self, journal: Reference, *, after_sequence: int = 0
    ) -> AsyncGenerator[StoredBooks, None]:
        """Give the stored rows of a journal, from one snapshot.

        First comes the head alone; then balances, then daily sums; then entries and transactions,
        neither more than a message ahead of the other.

        Args:
            journal: code or id.
            after_sequence: entries and transactions only after this one.

        Raises:
            NotFoundError: there is no such journal.
            UnavailableError: the stream broke; only reading anew gives one snapshot again.
        """
        request = pb.ReadBooksRequest(
            journal=encode.reference(journal), after_sequence=after_sequence
        )
        stream: Any = self._audits.ReadBooks(request)
        try:
            async for response in stream:
                yield audit.stored_books(response)
        except aio.AioRpcError as failure:
            raise errors.from_call(failure) from None
        finally:
            stream.cancel()
