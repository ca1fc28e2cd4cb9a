"""Refusals about exchange rates."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class RateNotFoundError(LedgerError):
    """No rate of a pair, either way round, is in force at a moment."""

    reason = "RATE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    base: str
    quote: str
    time: str
    source: str

    def __str__(self) -> str:
        """Name the pair and the moment."""
        source = f" of {self.source}" if self.source else ""
        return f"no rate{source} of {self.base} in {self.quote} or back is in force at {self.time}"
