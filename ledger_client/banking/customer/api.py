"""From the contract's messages to commands and queries, and back."""

from typing import Final

from bank_proto.customer.v1 import customers_pb2, documents_pb2, webhooks_pb2
from ledger_client.banking.customer import fields, messages, rules, service, tables
from ledger_client.banking.customer.deliveries import WebhookDelivery
from ledger_client.banking.customer.document_rules import Document
from ledger_client.banking.customer.documents import DocumentStorage
from ledger_client.banking.customer.rules import Customer, KycLevel
from ledger_client.banking.customer.settings import CustomerSettings
from ledger_client.banking.foundation.fields import uuid_of
from ledger_client.banking.foundation.timestamps import timestamp_of
from ledger_client.banking.foundation.unit import Unit

_TELEGRAM_CHARACTERS_MAX: Final = 64
_NOTE_CHARACTERS_MAX: Final = 200


class CustomerApi:
    """`bank.customer.v1.CustomerService`."""

    def __init__(self, storage: DocumentStorage) -> None:
        """Take where the content of documents is stored."""
        self._storage = storage

    async def CreateCustomer(
        self, unit: Unit, request: customers_pb2.CreateCustomerRequest
    ) -> Customer:
        """Create a customer."""
        return await service.create(
            unit,
            request.request_id.lower(),
            email=fields.email_of(request.email),
            telegram_id=fields.text_of(
                "telegram_id",
                request.telegram_id,
                characters_max=_TELEGRAM_CHARACTERS_MAX,
                is_required=False,
            ),
            customer_type=fields.choice_of(
                "customer_type", request.customer_type, messages.CUSTOMER_TYPES
            ),
        )

    async def UpdateEmail(self, unit: Unit, request: customers_pb2.UpdateEmailRequest) -> Customer:
        """Change a customer's address."""
        customer_id = uuid_of("customer_id", request.customer_id)
        return await service.update_email(unit, customer_id, fields.email_of(request.email))

    async def GetCustomer(
        self, unit: Unit, request: customers_pb2.GetCustomerRequest
    ) -> customers_pb2.GetCustomerResponse:
        """Return a customer."""
        customer_id = uuid_of("customer_id", request.customer_id)
        customer = await unit.load(Customer, customer_id)
        return customers_pb2.GetCustomerResponse(
            customer=messages.customer_message(customer),
            last_activity_time=timestamp_of(await tables.last_activity(unit, customer_id)),
        )

    async def FindCustomer(
        self, unit: Unit, request: customers_pb2.FindCustomerRequest
    ) -> customers_pb2.FindCustomerResponse:
        """Return the customer with an address."""
        customer = await service.find(unit, fields.email_of(request.email))
        return customers_pb2.FindCustomerResponse(customer=messages.customer_message(customer))

    async def ListCustomers(
        self, unit: Unit, request: customers_pb2.ListCustomersRequest
    ) -> customers_pb2.ListCustomersResponse:
        """Return a page of customers."""
        page = await service.list_customers(
            unit,
            customer_type=fields.filter_of(
                "customer_type", request.customer_type, messages.CUSTOMER_TYPES
            ),
            kyc_verification=fields.filter_of(
                "kyc_verification", request.kyc_verification, messages.VERIFICATIONS
            ),
            activity=fields.filter_of("activity", request.activity, messages.ACTIVITIES),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return customers_pb2.ListCustomersResponse(
            customers=map(messages.customer_message, page.items),
            next_page_token=page.next_page_token,
        )

    async def CheckEligibility(
        self, unit: Unit, request: customers_pb2.CheckEligibilityRequest
    ) -> customers_pb2.CheckEligibilityResponse:
        """Tell whether a customer may be given something."""
        customer_id = uuid_of("customer_id", request.customer_id)
        purpose = fields.choice_of("purpose", request.purpose, messages.PURPOSES)
        customer = await unit.load(Customer, customer_id)
        bar = rules.bar_to(purpose, customer, unit.settings(CustomerSettings))
        return messages.eligibility_message(customer, bar)

    async def RecordActivity(
        self, unit: Unit, request: customers_pb2.RecordActivityRequest
    ) -> Customer:
        """Note that a customer was active now."""
        customer_id = uuid_of("customer_id", request.customer_id)
        note = fields.text_of("note", request.note, characters_max=_NOTE_CHARACTERS_MAX)
        return await service.record_activity(unit, customer_id, note)

    async def StartKyc(self, unit: Unit, request: customers_pb2.StartKycRequest) -> Customer:
        """Link a customer to an applicant."""
        customer_id = uuid_of("customer_id", request.customer_id)
        applicant_id = fields.applicant_id_of(request.applicant_id)
        return await service.start_kyc(unit, customer_id, applicant_id)

    async def SetKycVerification(
        self, unit: Unit, request: customers_pb2.SetKycVerificationRequest
    ) -> Customer:
        """Decide a verification by hand."""
        customer_id = uuid_of("customer_id", request.customer_id)
        verification = fields.choice_of(
            "kyc_verification", request.kyc_verification, messages.VERIFICATIONS
        )
        level = KycLevel.NOT_KYCED
        if request.kyc_level:
            level = fields.choice_of("kyc_level", request.kyc_level, messages.LEVELS)
        return await service.set_verification(unit, customer_id, verification, level)

    async def UploadDocument(
        self, unit: Unit, request: documents_pb2.UploadDocumentRequest
    ) -> Document:
        """Keep a document of a customer."""
        return await service.upload(
            unit,
            self._storage,
            request.request_id.lower(),
            customer_id=uuid_of("customer_id", request.customer_id),
            filename=fields.filename_of(request.filename),
            content_type=request.content_type,
            content=fields.content_of(request.content),
        )

    async def GetDocument(
        self, unit: Unit, request: documents_pb2.GetDocumentRequest
    ) -> documents_pb2.GetDocumentResponse:
        """Return what is known of a document."""
        document_id = uuid_of("document_id", request.document_id)
        document = await unit.load(Document, document_id)
        return documents_pb2.GetDocumentResponse(document=messages.document_message(document))

    async def ListDocuments(
        self, unit: Unit, request: documents_pb2.ListDocumentsRequest
    ) -> documents_pb2.ListDocumentsResponse:
        """Return a page of a customer's documents."""
        customer_id = uuid_of("customer_id", request.customer_id)
        state = fields.filter_of("status", request.status, messages.DOCUMENT_STATUSES)
        await unit.load(Customer, customer_id)
        page = await unit.list(
            Document,
            parent_id=customer_id,
            state=state,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return documents_pb2.ListDocumentsResponse(
            documents=map(messages.document_message, page.items),
            next_page_token=page.next_page_token,
        )

    async def CreateDownloadLink(
        self, unit: Unit, request: documents_pb2.CreateDownloadLinkRequest
    ) -> documents_pb2.CreateDownloadLinkResponse:
        """Return a link to a document."""
        document_id = uuid_of("document_id", request.document_id)
        ttl = fields.ttl_of(request.ttl if request.HasField("ttl") else None)
        url, expires_at = await service.link(unit, self._storage, document_id, ttl)
        return documents_pb2.CreateDownloadLinkResponse(
            url=url, expire_time=timestamp_of(expires_at)
        )

    async def ArchiveDocument(
        self, unit: Unit, request: documents_pb2.ArchiveDocumentRequest
    ) -> Document:
        """Put a document away."""
        return await service.archive(unit, uuid_of("document_id", request.document_id))

    async def DeleteDocument(
        self, unit: Unit, request: documents_pb2.DeleteDocumentRequest
    ) -> Document:
        """Delete a document."""
        return await service.delete(unit, uuid_of("document_id", request.document_id))

    async def ListWebhookDeliveries(
        self, unit: Unit, request: webhooks_pb2.ListWebhookDeliveriesRequest
    ) -> webhooks_pb2.ListWebhookDeliveriesResponse:
        """Return a page of what the provider sent."""
        page = await unit.list(
            WebhookDelivery,
            state=fields.filter_of("status", request.status, messages.DELIVERY_STATUSES),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return webhooks_pb2.ListWebhookDeliveriesResponse(
            deliveries=map(messages.delivery_message, page.items),
            next_page_token=page.next_page_token,
        )

    async def RetryWebhookDelivery(
        self, unit: Unit, request: webhooks_pb2.RetryWebhookDeliveryRequest
    ) -> WebhookDelivery:
        """Have a dead delivery tried again."""
        delivery_id = uuid_of("delivery_id", request.delivery_id)
        return await service.retry_delivery(unit, delivery_id)
