"""What a tenant may set in access: nothing."""

from ledger_client.banking.foundation.module import TenantSettings


class Settings(TenantSettings):
    """No settings: who may do what is said by roles."""
