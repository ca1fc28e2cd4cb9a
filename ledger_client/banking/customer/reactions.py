"""What the module does about what others tell it, and as time goes by."""

import dataclasses
import datetime as dt
import logging
import re
import zoneinfo
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from ledger_client.banking.customer import deliveries, document_rules, rules, service, tables
from ledger_client.banking.customer.deliveries import Apply, Fail, Ignore, Verdict, WebhookDelivery
from ledger_client.banking.customer.document_rules import Document
from ledger_client.banking.customer.documents import DocumentStorage, StoredObject
from ledger_client.banking.customer.rules import Applicant, Customer
from ledger_client.banking.customer.settings import CustomerSettings
from ledger_client.banking.customer.tables import EndedDay
from ledger_client.banking.foundation.errors import EntityNotFoundError
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.unit import Unit

_log: Final = logging.getLogger(__name__)

#: Customers that are put into another class in one transaction.
CUSTOMERS_MAX: Final = 200
#: Stored documents that are looked at in one transaction.
STORED_MAX: Final = 1000
#: A command that stored content has ended after this long, so content that belongs to no document
#: then never will.
ORPHAN_AGE: Final = dt.timedelta(days=1)

_ACTIVE_THROUGH: Final = {"core.deposit.deposit-initialized", "core.deposit.withdrawal-confirmed"}
_DOCUMENT_NAME: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9a-f]{64}")


async def on_event(unit: Unit, event: Envelope) -> None:
    """Take note of activity through deposit accounts, and of ends of day."""
    payload = event.payload
    if event.event_type == "core.deposit.deposit-account-created":
        account_id, customer_id = UUID(payload["id"]), UUID(payload["account_holder_id"])
        await tables.save_holder(unit, account_id, customer_id)
    elif event.event_type in _ACTIVE_THROUGH:
        account_id = UUID(payload["deposit_account_id"])
        holder = await tables.holder(unit, account_id)
        if holder is None:
            # Accounts are told of before what happens on them, so this is a contradiction.
            raise EntityNotFoundError("deposit_account", account_id)
        await tables.touch(unit, holder, event.recorded_at)
    elif event.event_type == "core.time.end-of-day":
        day = dt.date.fromisoformat(payload["day"])
        await tables.add_day(unit, day, _closing(day, payload))


def _closing(day: dt.date, payload: Mapping[str, Any]) -> dt.datetime:
    """Return when a day ended; midnight is the one after it."""
    hour = dt.time.fromisoformat(payload["closing_time"])
    on = day + dt.timedelta(days=1) if hour == dt.time(0, 0) else day
    zone = zoneinfo.ZoneInfo(payload["timezone"])
    return dt.datetime.combine(on, hour, tzinfo=zone).astimezone(dt.UTC)


async def on_tick(unit: Unit, storage: DocumentStorage) -> bool:
    """Do one piece of what is due; return True if there may be more."""
    return await heed_delivery(unit) or await work_on_day(unit, storage)


async def heed_delivery(unit: Unit) -> bool:
    """Look at one delivery of the provider that is due; return False if none is."""
    taken = await tables.take_due(unit)
    if taken is None:
        return False
    delivery_id, body = taken
    delivery = await unit.load(WebhookDelivery, delivery_id)
    message = deliveries.parse(body)
    applicant_id = rules.id_of_applicant(unit.tenant, message.applicant_id)
    applicant = await unit.find(Applicant, applicant_id)
    customer_id = applicant.customer_id if applicant else message.customer_id
    customer = await unit.find(Customer, customer_id) if customer_id else None
    settings = unit.settings(CustomerSettings)
    verdict: Verdict
    try:
        verdict = deliveries.judge(message, applicant, customer, settings)
    except Exception:  # noqa: BLE001  # logged
        # A bug must not hold up all deliveries behind this one; nothing was asked of the database.
        _log.exception("delivery %s", delivery_id)
        verdict = Fail("internal error; see the log")
    match verdict:
        case Apply(happened):
            assert customer is not None, "without a customer it fails"
            await service.change_customer(unit, customer, happened)
            unit.change(delivery, deliveries.Applied(customer_id=customer.id))
            await tables.settle(unit, delivery_id)
        case Ignore(note):
            unit.change(delivery, deliveries.Ignored(note=note))
            await tables.settle(unit, delivery_id)
        case Fail():
            failed = deliveries.fail(delivery, verdict, settings)
            delivery = unit.change(delivery, failed)
            if failed.is_last:
                _log.warning("delivery %s waits for a person: %s", delivery_id, failed.note)
                await tables.set_aside(unit, delivery_id)
            else:
                due_at = deliveries.next_attempt(delivery, unit.now)
                await tables.schedule(unit, delivery_id, due_at)
    return True


async def work_on_day(unit: Unit, storage: DocumentStorage) -> bool:
    """Do a piece of the work of the oldest ended day; return False if there is none."""
    day = await tables.take_day(unit)
    if day is None:
        return False
    if not day.is_classified:
        is_done = await _classify(unit, day.closing_time)
        await tables.note_day(unit, dataclasses.replace(day, is_classified=is_done))
    elif day.is_last:
        await _sweep(unit, day, storage)
    else:
        # After a pause many days end at once: classes are for each of them, tidying for the last.
        await tables.end_day(unit, day)
    return True


async def _classify(unit: Unit, closing_time: dt.datetime) -> bool:
    """Put some customers into the class that they are in at a time; return True once all are."""
    settings = unit.settings(CustomerSettings)
    found = await tables.misclassified(
        unit,
        active_after=closing_time - dt.timedelta(days=settings.inactive_after_days),
        suspended_before=closing_time - dt.timedelta(days=settings.suspended_after_days),
        limit=CUSTOMERS_MAX,
    )
    customers = await unit.find_many(Customer, [customer_id for customer_id, _ in found])
    for customer_id, last_activity in found:
        customer = customers[customer_id]
        activity = rules.classify(last_activity, closing_time, settings)
        await service.change_customer(unit, customer, rules.change_activity(customer, activity))
    return len(found) < CUSTOMERS_MAX


async def _sweep(unit: Unit, day: EndedDay, storage: DocumentStorage) -> None:
    """Delete some of what is stored and belongs to nothing; end the day once all was looked at."""
    folder = await tables.folder(unit)
    stored = await storage.page(folder, day.swept_up_to, STORED_MAX)
    old = [each for each in stored if each.age > ORPHAN_AGE]
    for each in await _orphans(unit, folder, old):
        _log.info("stored content %s belongs to no document: deleted", each.key)
        await storage.delete(each.key)
    if len(stored) == STORED_MAX:
        await tables.note_day(unit, dataclasses.replace(day, swept_up_to=stored[-1].key))
        return
    kept_days = unit.settings(CustomerSettings).webhook_body_days
    await tables.purge_inbox(unit, unit.now - dt.timedelta(days=kept_days))
    await tables.end_day(unit, day)


async def _orphans(unit: Unit, folder: str, stored: list[StoredObject]) -> list[StoredObject]:
    """Return what belongs to no document, or to one that was deleted."""
    names = {each.key: _DOCUMENT_NAME.fullmatch(each.key.removeprefix(folder)) for each in stored}
    ids = {key: UUID(name[1]) for key, name in names.items() if name}
    documents = await unit.find_many(Document, ids.values())
    kept = {
        each.storage_key
        for each in documents.values()
        if each.status is not document_rules.DocumentStatus.DELETED
    }
    return [each for each in stored if each.key not in kept]
