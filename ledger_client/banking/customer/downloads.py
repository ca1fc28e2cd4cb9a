"""Serves documents in a directory to whoever has a link to one."""

import datetime as dt
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ledger_client.banking.customer.document_rules import Document, DocumentStatus
from ledger_client.banking.customer.documents import DirectoryStorage, attachment
from ledger_client.banking.foundation import store
from ledger_client.banking.foundation.context import ModuleContext
from ledger_client.banking.foundation.errors import UnavailableError

PATH: Final = "/customer/documents/{document_id}"

#: The content is somebody's upload: it is saved, never shown, run, or kept on the way.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
}


class Downloads:
    """Answers to links that `DirectoryStorage` signed."""

    def __init__(self, context: ModuleContext, storage: DirectoryStorage) -> None:
        """Serve what the storage has."""
        self._database = context.database
        self._clock = context.clock
        self._storage = storage

    async def send(self, request: Request) -> Response:
        """Send a document.

        Answers 403 to a link that is not ours, 410 to one that has expired, 404 if the document was
        deleted since, 503 if the database or the storage is away.
        """
        tenant = request.query_params.get("tenant", "")
        expires = request.query_params.get("expires", "")
        signature = request.query_params.get("signature", "")
        document_id = _uuid(request.path_params["document_id"])
        is_number = expires.isascii() and expires.isdigit() and len(expires) <= 12
        if (
            document_id is None
            or not is_number
            or not self._storage.signer.is_signed(tenant, document_id, int(expires), signature)
        ):
            return _refusal(403, "this is not a link of ours")
        if self._clock.now() >= dt.datetime.fromtimestamp(int(expires), dt.UTC):
            return _refusal(410, "the link has expired")
        try:
            found = await self._find(tenant, document_id)
        except UnavailableError:
            return _refusal(503, "try again later")
        if found is None:
            return _refusal(404, "the document was deleted")
        document, content = found
        disposition = {"Content-Disposition": attachment(document.filename)}
        return Response(content, headers=_HEADERS | disposition, media_type=document.content_type)

    async def _find(self, tenant: str, document_id: UUID) -> tuple[Document, bytes] | None:
        async with self._database.transaction() as connection:
            found = await store.load(connection, Document, tenant, [document_id])
        document = found.get(document_id)
        if document is None or document.status is DocumentStatus.DELETED:
            return None
        content = await self._storage.get(document.storage_key)
        return None if content is None else (document, content)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _refusal(status: int, text: str) -> Response:
    return PlainTextResponse(text, status_code=status, headers=_HEADERS)
