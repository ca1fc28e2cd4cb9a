"""Refusals of this module."""

import dataclasses

from ledger_client.banking.foundation.errors import BankError, Kind


@dataclasses.dataclass(eq=False)
class ClockNotManualError(BankError):
    """The clock is the machine's."""

    reason = "CLOCK_NOT_MANUAL"
    kind = Kind.REFUSED

    def __str__(self) -> str:
        """Say how to have one."""
        return "the bank runs on the machine's clock; start it with --clock to set it"
