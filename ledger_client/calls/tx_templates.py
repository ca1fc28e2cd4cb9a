"""Calls of the `TxTemplateService`."""

from collections.abc import AsyncIterator

from ledger_client.connection import Connection, request_key
from ledger_client.convert import decode, encode
from ledger_client.models import NewTxTemplate, Reference, TxTemplate, TxTemplateResult
from ledger_proto.v1 import tx_templates_pb2 as pb


class TxTemplateCalls(Connection):
    """Keeps transaction templates."""

    async def create_tx_template(
        self,
        journal: Reference,
        template: NewTxTemplate,
        *,
        validate_only: bool = False,
        request_id: str | None = None,
    ) -> TxTemplateResult:
        """Create a template or its next version; one that says the same already is returned.

        Args:
            journal: code or id.
            template: what to create.
            validate_only: checks everything and creates nothing.
            request_id: idempotency key; None makes one for this call.

        Raises:
            InvalidRequestError: `TEMPLATE_INVALID`; `violations` name every mistake and place.
            NotFoundError: there is no such journal.
            TypeError: a default is a float.
        """
        key = request_key(request_id)
        request = pb.CreateTxTemplateRequest(
            journal=encode.reference(journal),
            template=encode.new_tx_template(template),
            validate_only=validate_only,
            request_id=key,
        )
        response = await self._call(self._tx_templates.CreateTxTemplate, request, key=key)
        return TxTemplateResult(
            template=decode.tx_template(response.template), created=response.created
        )

    async def get_tx_template(
        self, journal: Reference, code: str, *, version: int | None = None
    ) -> TxTemplate:
        """Return one version of a template, the newest for None.

        Raises:
            NotFoundError: there is none (`TEMPLATE_NOT_FOUND`), or no such journal.
        """
        request = pb.GetTxTemplateRequest(
            journal=encode.reference(journal), code=code, version=version or 0
        )
        response = await self._call(self._tx_templates.GetTxTemplate, request)
        return decode.tx_template(response.template)

    def list_tx_templates(self, journal: Reference) -> AsyncIterator[TxTemplate]:
        """Give the newest version of each template by code."""
        return self._items(
            self._tx_templates.ListTxTemplates,
            pb.ListTxTemplatesRequest(journal=encode.reference(journal)),
            lambda page: map(decode.tx_template, page.templates),
        )

    def list_tx_template_versions(self, journal: Reference, code: str) -> AsyncIterator[TxTemplate]:
        """Give the versions of one template, newest first."""
        return self._items(
            self._tx_templates.ListTxTemplateVersions,
            pb.ListTxTemplateVersionsRequest(journal=encode.reference(journal), code=code),
            lambda page: map(decode.tx_template, page.templates),
        )
