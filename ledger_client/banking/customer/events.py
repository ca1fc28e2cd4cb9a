"""Domain events of the module customer: part of its API."""

from typing import Literal
from uuid import UUID

from ledger_client.banking.foundation.events import DomainEvent


class CustomerCreated(DomainEvent):
    """There is a new customer."""

    TYPE = "core.customer.customer-created"

    id: UUID
    email: str
    #: Such as `private_company`.
    customer_type: str


class CustomerEmailUpdated(DomainEvent):
    """A customer has another e-mail address."""

    TYPE = "core.customer.customer-email-updated"

    id: UUID
    email: str


class CustomerAccountKycVerificationUpdated(DomainEvent):
    """The verification of a customer's identity came to another result."""

    TYPE = "core.customer.customer-account-kyc-verification-updated"

    id: UUID
    kyc_verification: Literal["pending-verification", "verified", "rejected"]
    customer_type: str


class CustomerKycLevelUpdated(DomainEvent):
    """A customer is verified more or less thoroughly than before."""

    TYPE = "core.customer.customer-kyc-level-updated"

    id: UUID
    kyc_level: Literal["not-kyced", "basic", "advanced"]


class CustomerKycStarted(DomainEvent):
    """A customer was linked to an applicant of the provider."""

    TYPE = "core.customer.customer-kyc-started"

    id: UUID


class CustomerActivityUpdated(DomainEvent):
    """A customer falls into another class by the time of the last activity."""

    TYPE = "core.customer.customer-activity-updated"

    id: UUID
    activity: Literal["active", "inactive", "suspended"]


class CustomerDocumentUploaded(DomainEvent):
    """There is a new document of a customer."""

    TYPE = "core.customer.customer-document-uploaded"

    id: UUID
    customer_id: UUID


class CustomerDocumentArchived(DomainEvent):
    """A document was put away."""

    TYPE = "core.customer.customer-document-archived"

    id: UUID
    customer_id: UUID


class CustomerDocumentDeleted(DomainEvent):
    """A document was deleted; its content goes at once."""

    TYPE = "core.customer.customer-document-deleted"

    id: UUID
    customer_id: UUID


EVENTS = (
    CustomerCreated,
    CustomerEmailUpdated,
    CustomerAccountKycVerificationUpdated,
    CustomerKycLevelUpdated,
    CustomerKycStarted,
    CustomerActivityUpdated,
    CustomerDocumentUploaded,
    CustomerDocumentArchived,
    CustomerDocumentDeleted,
)
