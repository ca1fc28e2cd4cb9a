"""What a tenant may set in governance."""

from ledger_client.banking.foundation.module import TenantSettings


class GovernanceSettings(TenantSettings):
    """Settings of a tenant."""

    #: Whether a process may be approved without a vote: by a policy that says so, or because there
    #: is none. False denies such a process as it starts.
    allow_auto_approval: bool = True
