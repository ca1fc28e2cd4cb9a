"""Who calls, and whether they may: asked before every command and every query."""

import dataclasses
from typing import Protocol

from ledger_client.banking.foundation.permissions import Permission


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate says."""

    #: `user:<id>` or `system:<module>`.
    subject: str
    #: That the caller belongs to; empty for a module, which acts for any.
    tenant: str
    #: False also for a tenant that is not the caller's.
    is_allowed: bool


class Gate(Protocol):
    """Decides. The module that was called records the decision in its own audit log."""

    async def check(self, token: str, permission: Permission, tenant: str) -> Decision:
        """Tell whether the bearer of a token may use a permission in a tenant.

        A change of users, tokens, roles or permissions is in force for every check that begins
        after it was committed, on any instance.

        Args:
            token: what followed `Bearer` in the call's `authorization`; empty if there was none.
            permission: what the RPC needs.
            tenant: that the request names.

        Raises:
            UnauthenticatedError: nobody is known by this token.
        """
