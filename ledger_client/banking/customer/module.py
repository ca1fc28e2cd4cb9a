"""What the module customer consists of."""

import datetime as dt

from starlette.routing import BaseRoute, Route

from ledger_client.banking.customer import (
    document_rules,
    downloads,
    messages,
    reactions,
    tables,
    webhook,
)
from ledger_client.banking.customer.api import CustomerApi
from ledger_client.banking.customer.deliveries import WebhookDelivery
from ledger_client.banking.customer.document_rules import Document
from ledger_client.banking.customer.documents import DirectoryStorage, storage_of
from ledger_client.banking.customer.events import EVENTS
from ledger_client.banking.customer.permissions import PERMISSIONS
from ledger_client.banking.customer.rules import Applicant, Customer
from ledger_client.banking.customer.service import ERASE_DOCUMENT
from ledger_client.banking.customer.settings import CustomerSettings
from ledger_client.banking.foundation.calls import Call, Outcome, OutcomeKind
from ledger_client.banking.foundation.context import ModuleContext
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.unit import Unit


class CustomerModule:
    """Customers, their verification, documents and activity."""

    name = "customer"
    permissions = PERMISSIONS
    entities = (Customer, Applicant, Document, WebhookDelivery)
    events = EVENTS
    settings = CustomerSettings
    posts = False
    follows = ("deposit", "time")

    def __init__(self, context: ModuleContext) -> None:
        """Put it together.

        Raises:
            ValueError: an option is missing or not in its form.
        """
        self._storage = storage_of(context.options, context.secret)
        self.services = {"bank.customer.v1.CustomerService": CustomerApi(self._storage)}
        self.encoders = {
            Customer: messages.customer_message,
            Document: messages.document_message,
            WebhookDelivery: messages.delivery_message,
        }
        self.callers = {ERASE_DOCUMENT: self._erase_document}
        self.routes: list[BaseRoute] = [
            Route(webhook.PATH, webhook.Webhook(context).receive, methods=["POST"])
        ]
        if isinstance(self._storage, DirectoryStorage):
            served = downloads.Downloads(context, self._storage)
            self.routes.append(Route(downloads.PATH, served.send, methods=["GET"]))

    async def set_up(self, unit: Unit) -> None:
        """Have a folder for documents."""
        await tables.make_folder(unit)

    async def on_outcome(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        """Note that the content of a deleted document is gone."""
        assert outcome.is_done, "the storage refuses nothing for good"
        document = await unit.load(Document, call.entity_id)
        unit.change(document, *document_rules.erase(document))

    async def on_event(self, unit: Unit, event: Envelope) -> None:
        """Take note of activity through deposit accounts, and of ends of day."""
        await reactions.on_event(unit, event)

    async def on_tick(self, unit: Unit, now: dt.datetime) -> bool:
        """Heed what the provider sent; do the work of days that have ended."""
        del now
        return await reactions.on_tick(unit, self._storage)

    async def _erase_document(self, tenant: str, call: Call) -> Outcome:
        del tenant
        await self._storage.delete(call.body["key"])
        return Outcome(kind=OutcomeKind.DONE)


def build(context: ModuleContext) -> CustomerModule:
    """Make the module."""
    return CustomerModule(context)
