"""`ledgerctl import`: books from a CSV file."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from typer.core import TyperGroup

from ledger_client.cli.failures import CommandError, ExitCode, exit_code_of
from ledger_client.cli.files import PROBLEMS_MAX, print_problems, read_bytes, stop_for
from ledger_client.cli.general_journal_csv import (
    JournalFile,
    missing_accounts,
    read_currencies,
    read_journal,
)
from ledger_client.cli.journal_import import TEMPLATE, Outcome, create_accounts, post_all
from ledger_client.cli.opening_balances import import_opening_balances
from ledger_client.cli.rendering import Output, visible
from ledger_client.cli.session import Session, command
from ledger_client.errors import LedgerError, from_refusal

#: The command that `import FILE.csv` means.
_DEFAULT: Final = "journal"


class _ImportGroup(TyperGroup):
    """A group of which one command need not be named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name before arguments that name none."""
        if args and args[0] not in {*self.commands, "--help", "-h"}:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ImportGroup,
    no_args_is_help=True,
    help="Books from files. `import FILE.csv` is `import journal FILE.csv`.",
)

command(app, "opening-balances", timeout_seconds=60.0)(import_opening_balances)

_NOTHING: Final = "nothing was posted"
#: Bound of a call: a full batch, on a busy server.
TIMEOUT_SECONDS: Final = 60.0

_File = typer.Argument(
    metavar="FILE.csv", exists=True, dir_okay=False, help="UTF-8, with a header."
)


@dataclasses.dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be done with a good file."""

    file: JournalFile
    #: Currencies that are not registered yet.
    exponents: Mapping[str, int]
    #: Codes of the accounts that are there.
    accounts: set[str]


@command(app, _DEFAULT, timeout_seconds=TIMEOUT_SECONDS)
async def import_file(
    session: Session,
    file: Annotated[Path, _File],
    *,
    currencies: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            exists=True,
            dir_okay=False,
            help="CSV currency,exponent: registered if not there yet.",
        ),
    ] = None,
    create: Annotated[
        bool, typer.Option("--create-accounts", help="Create the accounts that are missing.")
    ] = False,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Post the good transactions of a bad file; ends with 3."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, post nothing.")
    ] = False,
) -> ExitCode | None:
    """Post the transactions of a CSV file, each once.

    The columns are date,transaction,description,account,debit,credit,currency: a row for each
    line, a debit or a credit; the rows of one transaction need not stand together. The whole
    file is checked before anything is posted, and nothing of a file with a mistake is posted.
    Run again, it posts only what is not there yet, also after it was cut short.

    Missing accounts are created with --create-accounts only. Their normal side comes from the
    top name (Assets, Expenses: debit; Liabilities, Income, Revenue, Equity: credit; in any
    case), else it is the side of the account's first line.
    """
    journal = await session.ledger.get_journal(await session.journal())
    await session.ledger.get_tx_template(journal.id, TEMPLATE)  # else all would be refused
    plan = await _plan(session, journal.id, file, currencies, create=create, skip_bad=skip_bad)
    good = plan.file.transactions
    missing = missing_accounts(good, plan.accounts)
    outcome = Outcome()
    counts = {"accounts": len(missing), "currencies": len(plan.exponents)}
    if dry_run:
        _summary(session, plan.file, outcome, counts, dry_run=True)
        return ExitCode.INVALID if plan.file.problems else None
    for code, exponent in plan.exponents.items():
        await session.ledger.register_currency(journal.id, code, exponent)
    counts["accounts"] = await create_accounts(session.ledger, journal.id, missing)
    try:
        with _progress(session, len(good)) as advance:
            await post_all(session.ledger, journal.id, good, outcome, advance=advance)
    except LedgerError:
        _summary(session, plan.file, outcome, counts, dry_run=False)
        session.errors.print("cut short: the same command again posts the rest, nothing twice")
        raise
    _summary(session, plan.file, outcome, counts, dry_run=False)
    return _exit_code(session, plan.file, outcome)


async def _plan(
    session: Session,
    journal_id: UUID,
    file: Path,
    currencies: Path | None,
    *,
    create: bool,
    skip_bad: bool,
) -> Plan:
    """Check the files against each other and the journal; print what is wrong.

    Raises:
        CommandError: they are wrong, and nothing may be posted of them.
    """
    known = {each.code: each.exponent async for each in session.ledger.list_currencies(journal_id)}
    accounts = {account.code async for account in session.ledger.list_accounts(journal_id)}
    new: dict[str, int] = {}
    if currencies is not None:
        named = read_currencies(read_bytes(currencies), known=known)
        if named.problems:
            stop_for(session, currencies, named.problems, _NOTHING)
        new = {code: each for code, each in named.exponents.items() if code not in known}
    journal_file = read_journal(
        read_bytes(file), exponents=known | new, accounts=None if create else accounts
    )
    if journal_file.problems and (not skip_bad or journal_file.unassigned):
        hint = _hint(journal_file, skip_bad=skip_bad)
        stop_for(session, file, journal_file.problems, _NOTHING, hint=hint)
    print_problems(session, file, journal_file.problems)
    return Plan(file=journal_file, exponents=new, accounts=accounts)


def _hint(file: JournalFile, *, skip_bad: bool) -> str:
    if skip_bad:
        return (
            "--skip-bad cannot be used here: a mistake that cannot be laid to one transaction "
            "may have taken a line from any of them"
        )
    if any("unknown account" in problem.message for problem in file.problems):
        return "create missing accounts with --create-accounts"
    if any("unknown currency" in problem.message for problem in file.problems):
        return "make currencies known with --currencies FILE.csv or ledgerctl currency register"
    return "correct the file, or post its good transactions with --skip-bad"


def _summary(
    session: Session,
    file: JournalFile,
    outcome: Outcome,
    counts: Mapping[str, int],
    *,
    dry_run: bool,
) -> None:
    if session.output is not Output.TABLE:
        session.show(
            {
                "posted": outcome.posted,
                "already_there": outcome.already_there,
                "refused": [each.transaction.external_id for each in outcome.refused],
                "skipped": file.bad,
                "accounts_created": 0 if dry_run else counts["accounts"],
                "currencies_registered": 0 if dry_run else counts["currencies"],
                "dry_run": dry_run,
            }
        )
        return
    lines = sum(len(transaction.lines) for transaction in file.transactions)
    accounts = _count(counts["accounts"], "account", "accounts")
    currencies = _count(counts["currencies"], "currency", "currencies")
    if dry_run:
        session.note(f"{len(file.transactions)} transactions of {lines} lines are good")
        session.note(f"to be created: {accounts}, {currencies}")
        session.note("nothing was posted: this was a trial")
    else:
        if any(counts.values()):
            session.note(f"{accounts} created, {currencies} registered")
        session.note(f"{outcome.posted} posted, {outcome.already_there} already there")
    if file.bad:
        names = ", ".join(file.bad[:20]) + (", ..." if len(file.bad) > 20 else "")
        session.note(f"{len(file.bad)} skipped for their mistakes: {names}")


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _exit_code(session: Session, file: JournalFile, outcome: Outcome) -> ExitCode | None:
    """Print what was refused; return how the import ended."""
    for each in outcome.refused[:PROBLEMS_MAX]:
        row = each.transaction.lines[0].row
        why = each.difference or each.refusal.message
        text = f"row {row}: {each.transaction.external_id}: {each.refusal.reason}: {why}"
        session.errors.print(visible(text), soft_wrap=True)
    if len(outcome.refused) > PROBLEMS_MAX:
        session.errors.print(f"... and {len(outcome.refused) - PROBLEMS_MAX:,} more")
    if outcome.refused:
        count = _count(len(outcome.refused), "transaction", "transactions")
        error = from_refusal(outcome.refused[0].refusal)
        raise CommandError(f"{count} refused; all others are posted", exit_code_of(error))
    return ExitCode.INVALID if file.problems else None


@contextlib.contextmanager
def _progress(session: Session, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far it has come, on standard error, if that is a terminal."""
    if not session.errors.is_terminal:
        yield lambda _count: None
        return
    shown = (TextColumn("posting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*shown, console=session.errors, transient=True) as progress:
        task = progress.add_task("posting", total=total)
        yield lambda count: progress.advance(task, count)
