"""Who does something, why, and where that is on record."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Goes with everything that a unit stores."""

    #: Code of the journal that is the tenant.
    tenant: str
    #: `user:<id>`, or `system:<module>` for what a module does by itself.
    subject: str
    #: The audit entry of the decision that allowed it.
    audit_entry_id: int
    #: Of the request that it all began with.
    trace_id: str
    #: Ties together all that one command led to.
    correlation_id: str
    #: What led to this directly.
    causation_id: str

    @property
    def of_event(self) -> tuple[int, str, str, str]:
        """What a stored event and a call keep of it, in the order of their columns."""
        return self.audit_entry_id, self.trace_id, self.correlation_id, self.causation_id
