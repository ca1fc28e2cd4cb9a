"""`ledgerctl anchor`: a witness that sends checkpoints elsewhere."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from ledger_client.anchor import Anchor, AnchorError, Receipt, Witness, open_anchor
from ledger_client.anchor.target import shown
from ledger_client.anchor.witness import WitnessStateError
from ledger_client.cli.arguments import parse_seconds
from ledger_client.cli.failures import CommandError, ExitCode, exit_code_of, print_error
from ledger_client.cli.session import Session, command, print_failure
from ledger_client.cli.trust import NOT_CHECKED, Key, read_key, show_wrong
from ledger_client.errors import LedgerError
from ledger_client.verify import WrongError

app = typer.Typer()

_ALARM = "nothing was anchored. Keep the database as it is and run ledgerctl verify --against"


@command(app, "anchor")
async def anchor(
    session: Session,
    *,
    to: Annotated[
        list[str],
        typer.Option(
            metavar="URL",
            help="file:PATH, https://..., nats://HOST/SUBJECT or "
            "amqp://USER:PASSWORD@HOST/VHOST?exchange=E&routing_key=K; may be repeated.",
        ),
    ],
    state: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="What was anchored last; keep it away from the database."
        ),
    ],
    every: Annotated[
        float | None,
        typer.Option(
            parser=parse_seconds, metavar="SECONDS", help="Look again and again; else once."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    key: Key = None,
) -> ExitCode | None:
    """Send each new checkpoint elsewhere, if it is shown to continue the last one sent.

    A checkpoint that does not is an alarm: nothing is sent, and the command ends with 8. With
    --every all other failures are told, and tried again.
    """
    if once and every is not None:
        raise typer.BadParameter("give --every SECONDS or --once")
    trusted = read_key(key)
    if trusted is None:
        session.errors.print(f"note: {NOT_CHECKED}", soft_wrap=True)
    anchors = _open(to)
    try:
        journal = await session.ledger.get_journal(await session.journal())
        witness = Witness(session.ledger, journal.id, anchors, state, trusted)
        while True:
            ended = await _look(session, witness, repeats=every is not None)
            if every is None or ended is ExitCode.WRONG:
                return ended
            await asyncio.sleep(every)
    except WitnessStateError as error:
        raise CommandError(str(error), ExitCode.INVALID) from error
    finally:
        for one in anchors.values():
            await one.close()


def _open(urls: list[str]) -> dict[str, Anchor]:
    anchors: dict[str, Anchor] = {}
    for url in urls:
        name = shown(url)
        if name in anchors:
            message = (
                f"--to: {name} is named twice, and the state could not tell one from the other"
            )
            raise CommandError(message, ExitCode.USAGE)
        try:
            anchors[name] = open_anchor(url)
        except ValueError as error:
            raise CommandError(f"--to: {error}", ExitCode.USAGE) from error
    return anchors


async def _look(session: Session, witness: Witness, *, repeats: bool) -> ExitCode | None:
    """Look once, and say what came of it."""
    try:
        receipts, failures = await witness.look()
    except WrongError as error:
        return show_wrong(session, error, hint=_ALARM)
    except LedgerError as error:
        if not repeats:
            raise
        await print_failure(session, error)
        return exit_code_of(error)
    except OSError as error:
        raise CommandError(f"--state: {error}", ExitCode.FAILURE) from error
    _tell(session, receipts, failures)
    return ExitCode.UNAVAILABLE if failures else None


def _tell(session: Session, receipts: list[Receipt], failures: list[AnchorError]) -> None:
    moment = dt.datetime.now(dt.UTC)
    for receipt in receipts:
        session.show({"time": moment, "anchored": receipt.target, "receipt": receipt.detail})
    session.console.file.flush()
    for failure in failures:
        print_error(session.errors, f"not anchored: {failure}")
