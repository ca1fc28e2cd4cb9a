"""What a tenant may set in governance."""

from ledger_client.banking.foundation.module import TenantSettings


class GovernanceSettings(TenantSettings):
    """Settings of a tenant."""

    allow_auto_approval: bool = True
    """Whether a process may be approved without a vote; if not, it is denied as it starts."""
