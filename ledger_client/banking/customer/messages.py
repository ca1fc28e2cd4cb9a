"""The module's values in the contract's messages."""

from typing import Final

from bank_proto.customer.v1 import customers_pb2, documents_pb2, webhooks_pb2
from ledger_client.banking.customer.deliveries import DeliveryStatus, WebhookDelivery
from ledger_client.banking.customer.document_rules import Document, DocumentStatus
from ledger_client.banking.customer.rules import (
    Activity,
    Bar,
    Customer,
    CustomerType,
    KycLevel,
    KycProgress,
    KycVerification,
    Purpose,
)
from ledger_client.banking.foundation.timestamps import timestamp_of

CUSTOMER_TYPES: Final = {
    customers_pb2.CUSTOMER_TYPE_INDIVIDUAL: CustomerType.INDIVIDUAL,
    customers_pb2.CUSTOMER_TYPE_GOVERNMENT_ENTITY: CustomerType.GOVERNMENT_ENTITY,
    customers_pb2.CUSTOMER_TYPE_PRIVATE_COMPANY: CustomerType.PRIVATE_COMPANY,
    customers_pb2.CUSTOMER_TYPE_BANK: CustomerType.BANK,
    customers_pb2.CUSTOMER_TYPE_FINANCIAL_INSTITUTION: CustomerType.FINANCIAL_INSTITUTION,
    customers_pb2.CUSTOMER_TYPE_FOREIGN_AGENCY_OR_SUBSIDIARY: (
        CustomerType.FOREIGN_AGENCY_OR_SUBSIDIARY
    ),
    customers_pb2.CUSTOMER_TYPE_NON_DOMICILED_COMPANY: CustomerType.NON_DOMICILED_COMPANY,
}
VERIFICATIONS: Final = {
    customers_pb2.KYC_VERIFICATION_PENDING_VERIFICATION: KycVerification.PENDING_VERIFICATION,
    customers_pb2.KYC_VERIFICATION_VERIFIED: KycVerification.VERIFIED,
    customers_pb2.KYC_VERIFICATION_REJECTED: KycVerification.REJECTED,
}
LEVELS: Final = {
    customers_pb2.KYC_LEVEL_NOT_KYCED: KycLevel.NOT_KYCED,
    customers_pb2.KYC_LEVEL_BASIC: KycLevel.BASIC,
    customers_pb2.KYC_LEVEL_ADVANCED: KycLevel.ADVANCED,
}
PROGRESS: Final = {
    customers_pb2.KYC_PROGRESS_NOT_STARTED: KycProgress.NOT_STARTED,
    customers_pb2.KYC_PROGRESS_STARTED: KycProgress.STARTED,
    customers_pb2.KYC_PROGRESS_IN_REVIEW: KycProgress.IN_REVIEW,
    customers_pb2.KYC_PROGRESS_ON_HOLD: KycProgress.ON_HOLD,
    customers_pb2.KYC_PROGRESS_DECIDED: KycProgress.DECIDED,
}
ACTIVITIES: Final = {
    customers_pb2.ACTIVITY_ACTIVE: Activity.ACTIVE,
    customers_pb2.ACTIVITY_INACTIVE: Activity.INACTIVE,
    customers_pb2.ACTIVITY_SUSPENDED: Activity.SUSPENDED,
}
PURPOSES: Final = {
    customers_pb2.ELIGIBILITY_PURPOSE_DEPOSIT_ACCOUNT: Purpose.DEPOSIT_ACCOUNT,
    customers_pb2.ELIGIBILITY_PURPOSE_CREDIT_FACILITY: Purpose.CREDIT_FACILITY,
}
BARS: Final = {
    customers_pb2.INELIGIBILITY_REASON_NOT_VERIFIED: Bar.NOT_VERIFIED,
    customers_pb2.INELIGIBILITY_REASON_REJECTED: Bar.REJECTED,
}
DOCUMENT_STATUSES: Final = {
    documents_pb2.DOCUMENT_STATUS_ACTIVE: DocumentStatus.ACTIVE,
    documents_pb2.DOCUMENT_STATUS_ARCHIVED: DocumentStatus.ARCHIVED,
    documents_pb2.DOCUMENT_STATUS_DELETED: DocumentStatus.DELETED,
}
DELIVERY_STATUSES: Final = {
    webhooks_pb2.WEBHOOK_DELIVERY_STATUS_PENDING: DeliveryStatus.PENDING,
    webhooks_pb2.WEBHOOK_DELIVERY_STATUS_APPLIED: DeliveryStatus.APPLIED,
    webhooks_pb2.WEBHOOK_DELIVERY_STATUS_IGNORED: DeliveryStatus.IGNORED,
    webhooks_pb2.WEBHOOK_DELIVERY_STATUS_DEAD: DeliveryStatus.DEAD,
}

_TYPE_NUMBERS: Final = {value: number for number, value in CUSTOMER_TYPES.items()}
_VERIFICATION_NUMBERS: Final = {value: number for number, value in VERIFICATIONS.items()}
_LEVEL_NUMBERS: Final = {value: number for number, value in LEVELS.items()}
_PROGRESS_NUMBERS: Final = {value: number for number, value in PROGRESS.items()}
_ACTIVITY_NUMBERS: Final = {value: number for number, value in ACTIVITIES.items()}
_BAR_NUMBERS: Final = {value: number for number, value in BARS.items()}
_DOCUMENT_NUMBERS: Final = {value: number for number, value in DOCUMENT_STATUSES.items()}
_DELIVERY_NUMBERS: Final = {value: number for number, value in DELIVERY_STATUSES.items()}


def customer_message(customer: Customer) -> customers_pb2.Customer:
    """Show a customer."""
    return customers_pb2.Customer(
        id=str(customer.id),
        email=customer.email,
        telegram_id=customer.telegram_id,
        customer_type=_TYPE_NUMBERS[customer.customer_type],
        kyc_verification=_VERIFICATION_NUMBERS[customer.kyc_verification],
        kyc_level=_LEVEL_NUMBERS[customer.kyc_level],
        kyc_progress=_PROGRESS_NUMBERS[customer.kyc_progress],
        applicant_id=customer.applicant_id,
        activity=_ACTIVITY_NUMBERS[customer.activity],
        create_time=timestamp_of(customer.created_at),
    )


def eligibility_message(
    customer: Customer, bar: Bar | None
) -> customers_pb2.CheckEligibilityResponse:
    """Show whether a customer may be given something."""
    return customers_pb2.CheckEligibilityResponse(
        customer_type=_TYPE_NUMBERS[customer.customer_type],
        eligible=bar is None,
        reason=_BAR_NUMBERS[bar] if bar else customers_pb2.INELIGIBILITY_REASON_UNSPECIFIED,
        message=bar.value if bar else "",
        kyc_verification=_VERIFICATION_NUMBERS[customer.kyc_verification],
        kyc_level=_LEVEL_NUMBERS[customer.kyc_level],
    )


def document_message(document: Document) -> documents_pb2.Document:
    """Show what is known of a document."""
    return documents_pb2.Document(
        id=str(document.id),
        customer_id=str(document.customer_id),
        filename=document.filename,
        content_type=document.content_type,
        size_bytes=document.size_bytes,
        sha256=document.sha256,
        status=_DOCUMENT_NUMBERS[document.status],
        create_time=timestamp_of(document.created_at),
    )


def delivery_message(delivery: WebhookDelivery) -> webhooks_pb2.WebhookDelivery:
    """Show a delivery."""
    return webhooks_pb2.WebhookDelivery(
        id=str(delivery.id),
        type=delivery.message_type,
        applicant_id=delivery.applicant_id,
        customer_id=str(delivery.customer_id or ""),
        status=_DELIVERY_NUMBERS[delivery.status],
        failed_attempts=delivery.failed_attempts,
        note=delivery.note,
        send_time=timestamp_of(delivery.sent_at),
        receive_time=timestamp_of(delivery.received_at),
        sha256=delivery.sha256,
    )
