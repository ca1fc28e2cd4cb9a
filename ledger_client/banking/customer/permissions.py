"""What each RPC of the module needs.

Whoever decides about an identity, or links a customer to who decides, needs `customer_kyc`: to
write down a customer is not to vouch for one. A link to a document hands its content out, so it
takes more than to view.
"""

from collections.abc import Mapping
from typing import Final

from ledger_client.banking.foundation.permissions import Permission

_SERVICE: Final = "bank.customer.v1.CustomerService"
_VIEWER: Final = "customer_viewer"
_WRITER: Final = "customer_writer"
_KYC: Final = "customer_kyc"


def _needs(permission_set: str, entity: str, verb: str) -> Permission:
    return Permission(permission_set, f"customer/{entity}", f"customer:{entity}:{verb}")


#: By the full name of the RPC.
PERMISSIONS: Final[Mapping[str, Permission]] = {
    f"{_SERVICE}/CreateCustomer": _needs(_WRITER, "customer", "create"),
    f"{_SERVICE}/UpdateEmail": _needs(_WRITER, "customer", "update-email"),
    f"{_SERVICE}/GetCustomer": _needs(_VIEWER, "customer", "read"),
    f"{_SERVICE}/FindCustomer": _needs(_VIEWER, "customer", "read"),
    f"{_SERVICE}/ListCustomers": _needs(_VIEWER, "customer", "list"),
    f"{_SERVICE}/CheckEligibility": _needs(_VIEWER, "eligibility", "check"),
    f"{_SERVICE}/RecordActivity": _needs(_WRITER, "customer", "record-activity"),
    f"{_SERVICE}/StartKyc": _needs(_KYC, "kyc", "start"),
    f"{_SERVICE}/SetKycVerification": _needs(_KYC, "kyc", "set-verification"),
    f"{_SERVICE}/UploadDocument": _needs(_WRITER, "document", "upload"),
    f"{_SERVICE}/GetDocument": _needs(_VIEWER, "document", "read"),
    f"{_SERVICE}/ListDocuments": _needs(_VIEWER, "document", "list"),
    f"{_SERVICE}/CreateDownloadLink": _needs(_WRITER, "document", "create-link"),
    f"{_SERVICE}/ArchiveDocument": _needs(_WRITER, "document", "archive"),
    f"{_SERVICE}/DeleteDocument": _needs(_WRITER, "document", "delete"),
    f"{_SERVICE}/ListWebhookDeliveries": _needs(_KYC, "webhook", "list"),
    f"{_SERVICE}/RetryWebhookDelivery": _needs(_KYC, "webhook", "retry"),
}
