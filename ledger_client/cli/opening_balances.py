"""`ledgerctl import opening-balances`: what accounts begin with."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger_client.amounts import EXACT
from ledger_client.cli.arguments import BehindSoftLock, date_option
from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.files import read_bytes, stop_for
from ledger_client.cli.journal_import import TEMPLATE
from ledger_client.cli.opening_balances_csv import (
    OpeningFile,
    Terms,
    postings,
    read_opening_balances,
)
from ledger_client.cli.rendering import Grid, Output, Record, columns, plain_table, print_grid
from ledger_client.cli.session import Session
from ledger_client.models import PostResult

_NOTHING = "nothing was posted"
_TOTALS = columns("currency", "#debit", "#credit", "#difference")


async def import_opening_balances(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False)],
    *,
    day: Annotated[dt.date, date_option("--date", "The day on which the balances stand.")],
    against: Annotated[
        str, typer.Option(metavar="ACCOUNT", help="Takes what the file does not balance by.")
    ],
    allow_difference: Annotated[
        bool, typer.Option("--allow-difference", help="Post also a file that does not balance.")
    ] = False,
    name: Annotated[
        str, typer.Option(help="Posted once under this name; another file takes another.")
    ] = "opening-balances",
    behind_soft_lock: BehindSoftLock = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, post nothing.")
    ] = False,
) -> None:
    """Post the balances of a CSV file, account,currency,debit,credit, all or none, and once.

    Where debits and credits of a currency differ, nothing is posted but with --allow-difference;
    then the difference goes to --against. Mistakes are told by row. Run again it posts nothing;
    with other content it is a conflict.
    """
    journal = await session.ledger.get_journal(await session.journal())
    await session.ledger.get_tx_template(journal.id, TEMPLATE)  # else all would be refused
    currencies = session.ledger.list_currencies(journal.id)
    exponents = {each.code: each.exponent async for each in currencies}
    accounts = {account.code async for account in session.ledger.list_accounts(journal.id)}
    found = read_opening_balances(read_bytes(file), exponents=exponents, accounts=accounts)
    if found.problems:
        stop_for(session, file, found.problems, _NOTHING)
    if against not in accounts:
        raise CommandError(f"no account has the code {against!r}", ExitCode.NOT_FOUND)
    totals = _totals(found)
    if any(total["difference"] for total in totals) and not allow_difference:
        details = plain_table(Grid(_TOTALS, totals)).splitlines()
        hint = f"correct the file, or post the difference to {against} with --allow-difference"
        message = f"{file}: debits and credits differ, {_NOTHING}"
        raise CommandError(message, ExitCode.INVALID, details=details, hint=hint)
    terms = Terms(against, day, name, behind_soft_lock=behind_soft_lock)
    made = postings(journal.id, found, terms)
    results: list[PostResult] = []
    if not dry_run:
        answers = await session.ledger.post_many(journal.id, made, atomic=True)
        results = [answer for answer in answers if isinstance(answer, PostResult)]
    _summary(session, found, totals, results, dry_run=dry_run)


def _totals(found: OpeningFile) -> list[Record]:
    return [
        {
            "currency": currency,
            "debit": debit,
            "credit": credit,
            "difference": EXACT.subtract(debit, credit),
        }
        for currency, (debit, credit) in found.totals().items()
    ]


def _summary(
    session: Session,
    found: OpeningFile,
    totals: Sequence[Record],
    results: Sequence[PostResult],
    *,
    dry_run: bool,
) -> None:
    posted = [result for result in results if not result.replayed]
    if session.output is not Output.TABLE:
        session.show(
            {
                "balances": len(found.balances),
                "posted": len(posted),
                "already_there": len(results) - len(posted),
                "totals": list(totals),
                "dry_run": dry_run,
            }
        )
        return
    print_grid(session.console, Grid(_TOTALS, totals))
    session.note("")
    session.note(f"{len(found.balances)} balances")
    if dry_run:
        session.note("nothing was posted: this was a trial")
    else:
        session.note(f"{len(posted)} posted, {len(results) - len(posted)} already there")
