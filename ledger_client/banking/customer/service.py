"""Commands and queries of the module customer."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from ledger_client.banking.customer import deliveries, document_rules, events, rules, tables
from ledger_client.banking.customer.deliveries import WebhookDelivery
from ledger_client.banking.customer.document_rules import Document
from ledger_client.banking.customer.documents import DocumentStorage
from ledger_client.banking.customer.rules import (
    Applicant,
    Customer,
    CustomerEvent,
    CustomerType,
    KycLevel,
    KycVerification,
)
from ledger_client.banking.customer.settings import CustomerSettings
from ledger_client.banking.foundation.calls import Call
from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.errors import EntityNotFoundError, FieldInvalidError
from ledger_client.banking.foundation.events import DomainEvent
from ledger_client.banking.foundation.fields import page_size_of, page_start_of
from ledger_client.banking.foundation.unit import Page, Unit

#: The module's own kind of call: deletes the content of a document.
ERASE_DOCUMENT: Final = "customer.erase_document"


async def create(
    unit: Unit, request_id: str, *, email: str, telegram_id: str, customer_type: CustomerType
) -> Customer:
    """Create a customer; that no other has the address is checked when it is kept."""
    customer_id = derived_id(unit.tenant, "CreateCustomer", request_id)
    created = rules.Created(
        email=email, telegram_id=telegram_id, customer_type=customer_type, at=unit.now
    )
    return await change_customer(unit, Customer(id=customer_id, tenant=unit.tenant), [created])


async def update_email(unit: Unit, customer_id: UUID, email: str) -> Customer:
    """Change a customer's address."""
    customer = await unit.load(Customer, customer_id)
    return await change_customer(unit, customer, rules.update_email(customer, email))


async def find(unit: Unit, email: str) -> Customer:
    """Return the customer with an address.

    Raises:
        EntityNotFoundError: nobody has it.
    """
    customer = await unit.find_by_key(Customer, rules.key_of_email(email))
    if customer is None:
        raise EntityNotFoundError(Customer.KIND, email)
    return customer


async def list_customers(
    unit: Unit,
    *,
    customer_type: str,
    kyc_verification: str,
    activity: str,
    page_size: int,
    page_token: str,
) -> Page:
    """Return a page of customers, oldest first; an empty filter lets all pass.

    Raises:
        FieldInvalidError: the page's size or token is not one.
    """
    ids, number = await tables.list_customers(
        unit,
        customer_type=customer_type,
        kyc_verification=kyc_verification,
        activity=activity,
        after_number=page_start_of(page_token),
        size=page_size_of(page_size),
    )
    found = await unit.find_many(Customer, ids)
    return Page([found[customer_id] for customer_id in ids], "" if number is None else str(number))


async def record_activity(unit: Unit, customer_id: UUID, note: str) -> Customer:
    """Note that a customer was active now."""
    customer = await unit.load(Customer, customer_id)
    await tables.touch(unit, customer_id, unit.now)
    return await change_customer(unit, customer, rules.record_activity(customer, note, unit.now))


async def start_kyc(unit: Unit, customer_id: UUID, applicant_id: str) -> Customer:
    """Link a customer to an applicant."""
    customer = await unit.load(Customer, customer_id)
    entity_id = rules.id_of_applicant(unit.tenant, applicant_id)
    applicant = await unit.find(Applicant, entity_id)
    happened = rules.start_kyc(customer, applicant, applicant_id)
    if happened and customer.applicant_id:
        former_id = rules.id_of_applicant(unit.tenant, customer.applicant_id)
        unit.change(await unit.load(Applicant, former_id), rules.GivenUp())
    return await change_customer(unit, customer, happened)


async def set_verification(
    unit: Unit, customer_id: UUID, verification: KycVerification, level: KycLevel
) -> Customer:
    """Decide a verification by hand."""
    customer = await unit.load(Customer, customer_id)
    settings = unit.settings(CustomerSettings)
    happened = rules.set_verification(customer, verification, level, settings, unit.now)
    return await change_customer(unit, customer, happened)


async def change_customer(
    unit: Unit, customer: Customer, happened: Sequence[CustomerEvent]
) -> Customer:
    """Have events happen to a customer, with all that goes with them; return it after them."""
    if not happened:
        return customer
    after = unit.change(customer, *happened)
    for event in happened:
        if isinstance(event, rules.ApplicantLinked):
            entity_id = rules.id_of_applicant(unit.tenant, event.applicant_id)
            applicant = await unit.find(Applicant, entity_id)
            unit.change(
                applicant or Applicant(id=entity_id, tenant=unit.tenant),
                rules.Linked(customer_id=customer.id),
            )
    for told in told_of(customer, after):
        unit.publish(told, about=customer.id)
    await tables.save_customer(unit, after)
    return after


def told_of(before: Customer, after: Customer) -> Iterator[DomainEvent]:
    """Return what the world is told of a change."""
    kyc_verification, kyc_level = after.kyc_verification, after.kyc_level
    if before.version == 0:
        yield events.CustomerCreated(
            id=after.id, email=after.email, customer_type=after.customer_type.value
        )
    elif before.email != after.email:
        yield events.CustomerEmailUpdated(id=after.id, email=after.email)
    if before.applicant_id != after.applicant_id:
        yield events.CustomerKycStarted(id=after.id)
    if before.kyc_level is not kyc_level:
        yield events.CustomerKycLevelUpdated(id=after.id, kyc_level=kyc_level.value)
    if before.kyc_verification is not kyc_verification:
        yield events.CustomerAccountKycVerificationUpdated(
            id=after.id,
            kyc_verification=kyc_verification.value,
            customer_type=after.customer_type.value,
        )
    if before.activity is not after.activity:
        yield events.CustomerActivityUpdated(id=after.id, activity=after.activity.value)


async def upload(
    unit: Unit,
    storage: DocumentStorage,
    request_id: str,
    *,
    customer_id: UUID,
    filename: str,
    content_type: str,
    content: bytes,
) -> Document:
    """Keep a document of a customer.

    The content is stored first: no document is ever on record without it. Content of a document
    that then does not come to be is swept away later, see `reactions`.

    Raises:
        EntityNotFoundError: there is no such customer.
        FieldInvalidError: the tenant does not take such content.
        UnavailableError: the storage does not answer.
    """
    await unit.load(Customer, customer_id)
    accepted = unit.settings(CustomerSettings).document_content_types
    if content_type not in accepted:
        raise FieldInvalidError("content_type", f"must be one of {', '.join(accepted)}")
    new = Document(id=derived_id(unit.tenant, "UploadDocument", request_id), tenant=unit.tenant)
    sha256 = hashlib.sha256(content).hexdigest()
    key = document_rules.storage_key(await tables.folder(unit), new.id, sha256)
    await storage.put(key, content)
    document = unit.change(
        new,
        document_rules.Uploaded(
            customer_id=customer_id,
            filename=filename,
            content_type=content_type,
            size_bytes=len(content),
            sha256=sha256,
            storage_key=key,
            at=unit.now,
        ),
    )
    told = events.CustomerDocumentUploaded(id=document.id, customer_id=customer_id)
    unit.publish(told, about=document.id)
    return document


async def link(
    unit: Unit, storage: DocumentStorage, document_id: UUID, ttl: dt.timedelta
) -> tuple[str, dt.datetime]:
    """Return a link to a document and when it expires."""
    document = await unit.load(Document, document_id)
    document_rules.check_is_there(document)
    # Whole seconds are what a link can say.
    expires_at = unit.now.replace(microsecond=0) + ttl
    return await storage.link(document, expires_at, ttl), expires_at


async def archive(unit: Unit, document_id: UUID) -> Document:
    """Put a document away."""
    document = await unit.load(Document, document_id)
    happened = document_rules.archive(document)
    if happened:
        told = events.CustomerDocumentArchived(id=document.id, customer_id=document.customer_id)
        unit.publish(told, about=document.id)
    return unit.change(document, *happened)


async def delete(unit: Unit, document_id: UUID) -> Document:
    """Delete a document; its content is deleted once that is on record."""
    document = await unit.load(Document, document_id)
    happened = document_rules.delete(document)
    if happened:
        told = events.CustomerDocumentDeleted(id=document.id, customer_id=document.customer_id)
        unit.publish(told, about=document.id)
        unit.call(
            Call(
                id=derived_id(document.id, "erase"),
                kind=ERASE_DOCUMENT,
                body={"key": document.storage_key},
                entity_kind=Document.KIND,
                entity_id=document.id,
            )
        )
    return unit.change(document, *happened)


async def retry_delivery(unit: Unit, delivery_id: UUID) -> WebhookDelivery:
    """Have a dead delivery tried again."""
    delivery = await unit.load(WebhookDelivery, delivery_id)
    happened = deliveries.retry(delivery)
    if happened:
        await tables.schedule(unit, delivery_id, unit.now)
    return unit.change(delivery, *happened)
