"""What a tenant may set in this module: nothing; closing is part of the calendar."""

from ledger_client.banking.foundation.module import TenantSettings


class Settings(TenantSettings):
    """None."""
