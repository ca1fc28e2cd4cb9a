"""What every RPC of every module needs, from the code: permission sets and roles are made of it."""

from collections.abc import Mapping
from typing import Final

from ledger_client.banking.access.permissions import PERMISSIONS as ACCESS
from ledger_client.banking.customer.permissions import PERMISSIONS as CUSTOMER
from ledger_client.banking.deposit.permissions import PERMISSIONS as DEPOSIT
from ledger_client.banking.foundation import (
    cursor_service,
    event_service,
    operations_service,
)
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.governance.permissions import PERMISSIONS as GOVERNANCE
from ledger_client.banking.time.permissions import PERMISSIONS as TIME

#: By the full name of the RPC.
PERMISSIONS: Final[Mapping[str, Permission]] = {
    **ACCESS,
    **CUSTOMER,
    **DEPOSIT,
    **GOVERNANCE,
    **TIME,
    **event_service.PERMISSIONS,
    **operations_service.PERMISSIONS,
    **cursor_service.PERMISSIONS,
}

#: What modules may do at each other, by subject: actions. Nothing else, whatever the tenant.
SYSTEM_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "system:customer": frozenset({"bank:events:stream"}),
    "system:deposit": frozenset(
        {"bank:events:stream", "customer:eligibility:check", "governance:process:start"}
    ),
    "system:governance": frozenset({"bank:events:stream"}),
}
