"""Refusals about templates and what they give."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError, Violation


@dataclasses.dataclass(eq=False)
class TemplateInvalidError(LedgerError):
    """A template has mistakes; each is a violation with its place."""

    reason = "TEMPLATE_INVALID"
    kind = Kind.INVALID

    code: str
    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        """Count the mistakes and state the first."""
        first = self.violations[0]
        return (
            f"template {self.code!r} has {len(self.violations)} mistake(s), "
            f"the first at {first.field}: {first.description}"
        )


@dataclasses.dataclass(eq=False)
class TemplateNotFoundError(LedgerError):
    """No template, or no such version of it."""

    reason = "TEMPLATE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    template: str
    version: int

    def __str__(self) -> str:
        """Name the template and version."""
        version = f" version {self.version}" if self.version else ""
        return f"no template {self.template!r}{version} in this journal"


@dataclasses.dataclass(eq=False)
class ParamInvalidError(LedgerError):
    """A param is missing, unknown, or not of its type."""

    reason = "PARAM_INVALID"
    kind = Kind.INVALID

    param: str
    problem: str

    def __str__(self) -> str:
        """Name the param and the problem."""
        return f"param {self.param!r}: {self.problem}"

    def violations_found(self) -> tuple[Violation, ...]:
        """Return the param as a field."""
        return (Violation(f"params.{self.param}", self.problem),)


@dataclasses.dataclass(eq=False)
class ExpressionFailedError(LedgerError):
    """An expression of a template could not be evaluated with these params."""

    reason = "EXPRESSION_FAILED"
    kind = Kind.INVALID

    place: str
    problem: str

    def __str__(self) -> str:
        """Name the expression and the problem."""
        return f"{self.place}: {self.problem}"


@dataclasses.dataclass(eq=False)
class NoEntriesError(LedgerError):
    """A template gave no entries with these params."""

    reason = "NO_ENTRIES"
    kind = Kind.INVALID

    template: str

    def __str__(self) -> str:
        """Name the template."""
        return f"template {self.template!r} gives no entries with these params"


@dataclasses.dataclass(eq=False)
class TooManyEntriesError(LedgerError):
    """A transaction or a call has more entries than allowed."""

    reason = "TOO_MANY_ENTRIES"
    kind = Kind.INVALID

    entries_max: int
    scope: str

    def __str__(self) -> str:
        """State the bound."""
        return f"more than {self.entries_max} entries in one {self.scope}"
