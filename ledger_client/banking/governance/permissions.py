"""What each RPC of governance needs."""

from collections.abc import Mapping
from typing import Final

from ledger_client.banking.foundation.permissions import Permission

_SERVICE: Final = "bank.governance.v1.GovernanceService"
VIEWER: Final = "governance_viewer"
#: Committees and policies.
WRITER: Final = "governance_writer"
#: Votes; that a voter is in the committee is a rule, not a permission.
VOTER: Final = "governance_voter"
#: For modules that ask for an approval.
SYSTEM: Final = "governance_system"


def _needs(permission_set: str, entity: str, verb: str) -> Permission:
    return Permission(permission_set, f"governance/{entity}", f"governance:{entity}:{verb}")


PERMISSIONS: Final[Mapping[str, Permission]] = {
    f"{_SERVICE}/CreateCommittee": _needs(WRITER, "committee", "create"),
    f"{_SERVICE}/RenameCommittee": _needs(WRITER, "committee", "rename"),
    f"{_SERVICE}/AddMember": _needs(WRITER, "committee", "add-member"),
    f"{_SERVICE}/RemoveMember": _needs(WRITER, "committee", "remove-member"),
    f"{_SERVICE}/GetCommittee": _needs(VIEWER, "committee", "read"),
    f"{_SERVICE}/ListCommittees": _needs(VIEWER, "committee", "list"),
    f"{_SERVICE}/SetPolicy": _needs(WRITER, "policy", "set"),
    f"{_SERVICE}/GetPolicy": _needs(VIEWER, "policy", "read"),
    f"{_SERVICE}/ListPolicies": _needs(VIEWER, "policy", "list"),
    f"{_SERVICE}/StartProcess": _needs(SYSTEM, "process", "start"),
    f"{_SERVICE}/Approve": _needs(VOTER, "process", "approve"),
    f"{_SERVICE}/Deny": _needs(VOTER, "process", "deny"),
    f"{_SERVICE}/GetProcess": _needs(VIEWER, "process", "read"),
    f"{_SERVICE}/ListProcesses": _needs(VIEWER, "process", "list"),
}
