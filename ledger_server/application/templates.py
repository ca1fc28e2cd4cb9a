"""Creating templates: checked as a whole, then stored as the next version."""

from ledger_proto.v1 import events_pb2, tx_templates_pb2
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.domain.journal import Journal
from ledger_server.domain.template_compiler import compile_template
from ledger_server.store import tx_templates
from ledger_server.store.database import Database
from ledger_server.store.template_codec import template_of


def check_template(message: tx_templates_pb2.TxTemplate) -> None:
    """Compile a template and forget it.

    Raises:
        TemplateInvalidError: with every mistake and its place.
    """
    compile_template(template_of(message))


async def create_template(
    database: Database,
    journal: Journal,
    request: Request[tx_templates_pb2.CreateTxTemplateResponse],
    message: tx_templates_pb2.TxTemplate,
) -> tx_templates_pb2.CreateTxTemplateResponse:
    """Store `message` as the next version of its code, unless the newest says the same.

    Raises:
        TemplateInvalidError: with every mistake and its place; nothing is stored.
    """
    check_template(message)

    async def create(change: Change) -> tx_templates_pb2.CreateTxTemplateResponse:
        newest = await tx_templates.find_in_tx(change.tx, journal.id, message.code, 0)
        if newest is not None and _says_the_same(newest, message):
            return tx_templates_pb2.CreateTxTemplateResponse(template=newest, created=False)
        next_version = tx_templates_pb2.TxTemplate()
        next_version.CopyFrom(message)
        next_version.ClearField("create_time")
        next_version.version = newest.version + 1 if newest else 1
        stored = await tx_templates.insert_in_tx(change.tx, journal.id, next_version)
        change.config_changed = True
        change.record(
            events_pb2.Event(template_created=events_pb2.TemplateCreated(template=stored))
        )
        return tx_templates_pb2.CreateTxTemplateResponse(template=stored, created=True)

    return await change_journal(database, journal, request, create)


def _says_the_same(
    newest: tx_templates_pb2.TxTemplate, message: tx_templates_pb2.TxTemplate
) -> bool:
    return _body(newest) == _body(message)


def _body(message: tx_templates_pb2.TxTemplate) -> bytes:
    body = tx_templates_pb2.TxTemplate()
    body.CopyFrom(message)
    body.ClearField("version")
    body.ClearField("create_time")
    return body.SerializeToString(deterministic=True)
