"""Refusals of the form of a request, before anything is looked up."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError, Violation


@dataclasses.dataclass(eq=False)
class FieldInvalidError(LedgerError):
    """A field of the request breaks a rule of its form."""

    reason = "FIELD_INVALID"
    kind = Kind.INVALID

    field: str
    problem: str

    def __str__(self) -> str:
        """Name the field and the rule."""
        return f"{self.field}: {self.problem}"

    def violations_found(self) -> tuple[Violation, ...]:
        """Return the one wrong field."""
        return (Violation(self.field, self.problem),)


@dataclasses.dataclass(eq=False)
class AmountInvalidError(LedgerError):
    """An amount is not a plain decimal in its range, or has more decimals than its currency."""

    reason = "AMOUNT_INVALID"
    kind = Kind.INVALID

    field: str
    problem: str

    def __str__(self) -> str:
        """Name the field and the rule."""
        return f"{self.field}: {self.problem}"

    def violations_found(self) -> tuple[Violation, ...]:
        """Return the one wrong field."""
        return (Violation(self.field, self.problem),)


@dataclasses.dataclass(eq=False)
class PageTokenInvalidError(LedgerError):
    """A page token is damaged, or was given for another request."""

    reason = "PAGE_TOKEN_INVALID"
    kind = Kind.INVALID

    def __str__(self) -> str:
        """Say what page tokens are for."""
        return (
            "page_token is not one that this request gave: send the token of the page before, "
            "with all other fields as they were"
        )


@dataclasses.dataclass(eq=False)
class RequestIdReusedError(LedgerError):
    """A request_id was used before for another request."""

    reason = "REQUEST_ID_REUSED"
    kind = Kind.CONFLICT

    request_id: str

    def __str__(self) -> str:
        """Name the id."""
        return f"request_id {self.request_id!r} was used before for another request"
