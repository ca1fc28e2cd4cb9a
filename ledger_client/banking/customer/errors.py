"""Refusals of the module customer."""

import dataclasses
from uuid import UUID

from ledger_client.banking.foundation.errors import BankError, Kind


@dataclasses.dataclass(eq=False)
class ManualKycDisabledError(BankError):
    """The tenant leaves verification to the provider."""

    reason = "MANUAL_KYC_DISABLED"
    kind = Kind.REFUSED

    def __str__(self) -> str:
        """Name the setting."""
        return "verification by hand is off; the tenant's setting `allow_manual_kyc` turns it on"


@dataclasses.dataclass(eq=False)
class CustomerVerifiedError(BankError):
    """The customer was verified as one applicant and cannot be linked to another."""

    reason = "CUSTOMER_VERIFIED"
    kind = Kind.REFUSED

    customer_id: UUID
    #: That the customer was verified as.
    applicant_id: str

    def __str__(self) -> str:
        """Name the applicant."""
        return f"customer {self.customer_id} is verified as applicant {self.applicant_id}"


@dataclasses.dataclass(eq=False)
class DocumentDeletedError(BankError):
    """The document was deleted."""

    reason = "DOCUMENT_DELETED"
    kind = Kind.REFUSED

    document_id: UUID

    def __str__(self) -> str:
        """Name the document."""
        return f"document {self.document_id} was deleted"


@dataclasses.dataclass(eq=False)
class DeliverySettledError(BankError):
    """The delivery was applied or ignored; another attempt could change nothing."""

    reason = "DELIVERY_SETTLED"
    kind = Kind.REFUSED

    delivery_id: UUID
    #: `applied` or `ignored`.
    status: str

    def __str__(self) -> str:
        """Say what became of it."""
        return f"delivery {self.delivery_id} was {self.status}"
