"""What a failure means to whoever typed the command: its exit code, its text, what to do."""

import enum
from collections.abc import Sequence
from typing import Final

import grpc
from rich.console import Console
from rich.text import Text

from ledger_client.cli.rendering import visible
from ledger_client.errors import (
    ConflictError,
    InvalidRequestError,
    LedgerError,
    NotFoundError,
    OverloadedError,
    RefusedError,
    UnavailableError,
)


class ExitCode(enum.IntEnum):
    """How a command ended. Scripts rely on these: they never change."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    INVALID = 3
    NOT_FOUND = 4
    CONFLICT = 5
    REFUSED = 6
    UNAVAILABLE = 7
    WRONG = 8


#: After Ctrl-C, as shells have it.
INTERRUPTED: Final = 130

EXIT_CODES_HELP: Final = (
    "Exit codes: 0 ok, 2 usage, 3 invalid request or file, 4 not found, 5 conflict, "
    "6 refused by a rule of the books, 7 server unavailable or too slow, 8 something was found "
    "wrong by verify, proof or anchor, 1 anything else."
)

_EXIT_CODES: Final[Sequence[tuple[type[LedgerError], ExitCode]]] = (
    (InvalidRequestError, ExitCode.INVALID),
    (NotFoundError, ExitCode.NOT_FOUND),
    (ConflictError, ExitCode.CONFLICT),
    (RefusedError, ExitCode.REFUSED),
    (UnavailableError, ExitCode.UNAVAILABLE),
    (OverloadedError, ExitCode.UNAVAILABLE),
)


class CommandError(Exception):
    """A command cannot go on, for a reason of its own rather than the server's."""

    def __init__(
        self,
        message: str,
        exit_code: ExitCode,
        *,
        details: Sequence[str] = (),
        hint: str | None = None,
    ) -> None:
        """Keep what to print: the message after `error:`, details below it, what to do."""
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.details = tuple(details)
        self.hint = hint


def exit_code_of(error: LedgerError) -> ExitCode:
    """Return the exit code of a failed call."""
    for kind, exit_code in _EXIT_CODES:
        if isinstance(error, kind):
            return exit_code
    return ExitCode.FAILURE


def print_ledger_error(
    console: Console, error: LedgerError, *, server: str, hint: str | None
) -> None:
    """Print a failed call on standard error: message, reason, facts, fields, what to do."""
    message = error.message
    details = [f"reason: {error.reason}"]
    if isinstance(error, UnavailableError) and error.reason == error.status.name:
        # No server said this: the text is gRPC's own.
        message = f"no answer from the server at {server}"
        details.append(f"detail: {error.message}")
    details += [f"{name}: {value}" for name, value in error.facts.items()]
    facts = set(error.facts.values())
    for wrong in error.violations:
        is_only_one = len(error.violations) == 1
        if wrong.description not in facts or not (is_only_one or wrong.field in facts):
            details.append(f"{wrong.field}: {wrong.description}")
    print_error(console, message, details=details, hint=hint)


def print_error(
    console: Console, message: str, *, details: Sequence[str] = (), hint: str | None = None
) -> None:
    """Print an error: a line each, whatever the width."""
    lines = [Text.assemble(("error: ", "bold red"), visible(message))]
    lines += [Text(f"  {visible(detail)}") for detail in details]
    lines += [Text.assemble(("hint: ", "bold cyan"), visible(hint))] if hint else []
    for line in lines:
        console.print(line, soft_wrap=True)


def hint_of(error: LedgerError, *, server: str, journal: str | None) -> str | None:
    """Return what to do about a failed call, None if the message says it all."""
    if isinstance(error, UnavailableError):
        if error.status is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"{server} gave no answer in time; try again, or with a longer --timeout"
        return (
            f"is a server running at {server}? Start one with ledger-server, "
            "or name another with --server HOST:PORT or LEDGER_SERVER"
        )
    if isinstance(error, OverloadedError):
        return "try again later, or send less at a time"
    of_journal = f" --journal {journal}" if journal else ""
    return _HINTS.get(error.reason, "").replace(" --journal J", of_journal) or None


_HINTS: Final = {
    "JOURNAL_NOT_FOUND": "see ledgerctl journal list",
    "JOURNAL_EXISTS": (
        "if its making was cut short, give it its templates: "
        "ledgerctl template apply --built-in --journal CODE"
    ),
    "ACCOUNT_NOT_FOUND": "see ledgerctl account list --journal J",
    "ACCOUNT_EXISTS": "see ledgerctl account list --journal J",
    "ACCOUNT_IS_SET": "entries go to accounts; see ledgerctl set members --journal J",
    "ACCOUNT_SET_NOT_FOUND": "see ledgerctl set list --journal J",
    "ACCOUNT_SET_NOT_LEAF": "see ledgerctl chart show --journal J",
    "ACCOUNT_NOT_EMPTY": "bring it to zero first; see ledgerctl balance --journal J",
    "CURRENCY_UNKNOWN": "make it known: ledgerctl currency register CODE EXPONENT --journal J",
    "CURRENCY_CONFLICT": "see ledgerctl currency list --journal J",
    "TEMPLATE_NOT_FOUND": (
        "see ledgerctl template list --journal J; the built-in ones come with "
        "ledgerctl template apply --built-in --journal J"
    ),
    "PARAM_INVALID": (
        "see ledgerctl template show CODE --journal J; name=value gives a text, name:=JSON "
        "true, false, a list or an object"
    ),
    "UNBALANCED": "debits must equal credits in each layer and currency",
    "POSITION_UNAVAILABLE": "the journal has not come so far; see ledgerctl journal show",
    "TRANSACTION_ID_REUSED": "an id stands for one request; see ledgerctl transaction show",
    "HOLD_NOT_FOUND": "see ledgerctl hold list --journal J",
    "HOLD_NOT_OPEN": "see ledgerctl hold show HOLD_ID --journal J",
    "CAPTURE_EXCEEDS": "see ledgerctl hold show HOLD_ID --journal J",
    "EXPIRE_TIME_PASSED": "give a later --expires, or +SPAN such as +7d",
    "ALREADY_REVERSED": "ledgerctl transaction show ID --journal J names its reversals",
    "REVERSAL_EXCEEDS": "ledgerctl transaction show ID --journal J names its reversals",
    "LIMIT_NOT_FOUND": "see ledgerctl limit list --journal J",
    "LIMIT_EXISTS": "see ledgerctl limit show CODE --journal J; change it with limit update",
    "LIMIT_NOT_ATTACHED": "see ledgerctl limit show CODE --journal J",
    "LIMIT_EXCEEDED": "see ledgerctl limit uses ACCOUNT --journal J",
    "PERIOD_CLOSED": "give a later --date; see ledgerctl period show --journal J",
    "PERIOD_LOCKED": "give a later --date, or --behind-soft-lock if you may",
    "PERIOD_ORDER": "see ledgerctl period show --journal J",
    "FISCAL_YEAR_NOT_FOUND": "see ledgerctl year list --journal J",
    "FISCAL_YEAR_EXISTS": "see ledgerctl year list --journal J",
    "FISCAL_YEAR_ORDER": "see ledgerctl year list --journal J",
    "RETAINED_EARNINGS_INVALID": (
        "name one with --retained-earnings ACCOUNT; it stands in equity: "
        "ledgerctl chart show --journal J"
    ),
    "ACCOUNT_CATEGORY_AMBIGUOUS": (
        "take it out where it does not belong: ledgerctl set remove SET --account ACCOUNT"
    ),
    "RATE_NOT_FOUND": "see ledgerctl rate list --journal J",
    "CURSOR_NOT_FOUND": "see ledgerctl cursor list --journal J",
    "CURSOR_HELD": "stop who holds it, or wait until its lease ends",
    "EXTERNAL_ID_REUSED": "see ledgerctl transaction list --external-id ID --journal J",
}
