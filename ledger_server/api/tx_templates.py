"""TxTemplateService: decodes, hands over, encodes."""

from ledger_proto.v1 import tx_templates_pb2 as pb
from ledger_proto.v1.tx_templates_pb2_grpc import TxTemplateServiceServicer
from ledger_server.api.fields import (
    mutation,
    page_size_field,
    reference_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.journals import get_journal
from ledger_server.application.templates import check_template, create_template
from ledger_server.domain.errors import FieldInvalidError, TemplateNotFoundError
from ledger_server.store import tx_templates
from ledger_server.store.database import Database


class TxTemplateServicer(TxTemplateServiceServicer):
    """Templates and their versions."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Serve the templates of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def CreateTxTemplate(
        self, request: pb.CreateTxTemplateRequest, _context: object
    ) -> pb.CreateTxTemplateResponse:
        """Create a template, or the next version of one."""
        change = mutation(request, request.request_id, pb.CreateTxTemplateResponse)
        if not request.HasField("template"):
            raise FieldInvalidError("template", "required")
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        if request.validate_only:
            check_template(request.template)
            return pb.CreateTxTemplateResponse(template=request.template, created=False)
        return await create_template(self._database, journal, change, request.template)

    async def GetTxTemplate(
        self, request: pb.GetTxTemplateRequest, _context: object
    ) -> pb.GetTxTemplateResponse:
        """Return one version of a template."""
        code = reference_field("code", request.code)
        if request.version < 0:
            raise FieldInvalidError("version", "negative")
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.look_up_connection() as tx:
            found = await tx_templates.find_in_tx(tx, journal.id, code, request.version)
        if found is None:
            raise TemplateNotFoundError(code, request.version)
        return pb.GetTxTemplateResponse(template=found)

    async def ListTxTemplates(
        self, request: pb.ListTxTemplatesRequest, _context: object
    ) -> pb.ListTxTemplatesResponse:
        """Return a page of templates."""
        size = page_size_field(request.page_size)
        (after,) = self._page_tokens.read(request, request.page_token) or [""]
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.reader_connection() as tx:
            rows = await tx_templates.list_in_tx(tx, journal.id, str(after), size + 1)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.code])
        return pb.ListTxTemplatesResponse(templates=shown, next_page_token=token)

    async def ListTxTemplateVersions(
        self, request: pb.ListTxTemplateVersionsRequest, _context: object
    ) -> pb.ListTxTemplateVersionsResponse:
        """Return a page of a template's versions."""
        code = reference_field("code", request.code)
        size = page_size_field(request.page_size)
        (before,) = self._page_tokens.read(request, request.page_token) or [
            tx_templates.VERSION_END
        ]
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.reader_connection() as tx:
            rows = await tx_templates.list_versions_in_tx(
                tx, journal.id, code, int(before), size + 1
            )
        if not rows and not request.page_token:
            raise TemplateNotFoundError(code, 0)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.version])
        return pb.ListTxTemplateVersionsResponse(templates=shown, next_page_token=token)
