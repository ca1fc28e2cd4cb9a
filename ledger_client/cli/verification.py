"""`ledgerctl verify`: a whole journal, checked without trusting the server."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.rendering import Record
from ledger_client.cli.session import Session, command
from ledger_client.cli.trust import (
    NOT_CHECKED,
    Key,
    read_checkpoint,
    read_key,
    read_text,
    save_text,
    show_wrong,
)
from ledger_client.verify import (
    Asked,
    NoteError,
    Report,
    SignedCheckpoint,
    StateError,
    WrongError,
    verify,
)
from ledger_client.verify.checkpoints import start_at
from ledger_client.verify.state import Start, load

app = typer.Typer()

_HINT = (
    "keep the database as it is, stop posting to this journal, and compare it with a backup from "
    "before: see docs/verifying.md"
)


@command(app, "verify", timeout_seconds=60.0)
async def verify_journal(
    session: Session,
    *,
    key: Key = None,
    since: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Go on from a state that --save kept: events and rows before it are not read "
            "again; what accounts stood at comes from the file. A checkpoint alone does too, but "
            "says nothing of that: then sums are checked only as far as newer events touch them.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="If all is well, keep the state at the newest checkpoint for the next --since.",
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A checkpoint kept earlier, that must be the beginning of the journal; may be "
            "repeated.",
        ),
    ] = None,
) -> ExitCode | None:
    """Check a journal without trusting the server, and name the first thing that is wrong.

    Hashes all events as they were sent and compares the root with the newest signed checkpoint;
    adds up all entries; then compares every stored entry, transaction, balance and daily sum.

    Ends with 0 if all is well, with 8 if something is wrong, with another code if it could not be
    checked.
    """
    trusted = read_key(key)
    kept = [(str(path), read_checkpoint(path)) for path in against or ()]
    journal = await session.ledger.get_journal(await session.journal())
    try:
        start = await _start(session, journal.id, since)
        if save is not None and start is not None and not start.fold.whole:
            raise CommandError(
                "--save needs to know what accounts stood at, and a checkpoint does not say it",
                ExitCode.USAGE,
                hint="verify the whole journal once, with --save and without --since",
            )
        asked = Asked(key=trusted, kept=kept, start=start, save=save is not None)
        report = await verify(session.ledger, journal.id, asked)
    except WrongError as error:
        return show_wrong(session, error, hint=_HINT)
    _show(session, report, [str(path) for path in against or ()])
    if report.refusal is not None and (trusted is not None or save is not None):
        raise report.refusal  # a signed checkpoint was asked for, and there is none
    if save is not None:
        if report.state is None:
            message = "the server's newest checkpoint is older than the state to go on from"
            raise CommandError(message, ExitCode.FAILURE, hint="ask again when it has signed")
        save_text(save, report.state)
    session.note("all is well")
    return None


async def _start(session: Session, journal_id: UUID, since: Path | None) -> Start | None:
    """Return where to go on from: a state that was saved, or a checkpoint."""
    if since is None:
        return None
    text = read_text(since)
    try:
        checkpoint = SignedCheckpoint.parse(text)
    except NoteError:
        try:
            return load(text)
        except StateError as error:
            raise CommandError(f"{since}: {error}", ExitCode.INVALID) from error
    return await start_at(session.ledger, journal_id, checkpoint)


def _show(session: Session, report: Report, against: list[str]) -> None:
    session.show(_record(report, against))
    checkpoint = report.checkpoint
    if checkpoint is None:
        why = f" ({report.refusal.message})" if report.refusal else ""
        session.note(
            f"there is no checkpoint{why}: it was checked that the books agree with themselves, "
            "not that they are what they were"
        )
    elif not report.signed:
        session.note(NOT_CHECKED)
    if checkpoint is not None and report.unsigned:
        session.note(
            f"the last {report.unsigned} events are in no checkpoint yet: that they agree with "
            "the books was checked, but they could still be exchanged unseen"
        )
    if report.unknown:
        session.note(
            f"{report.unknown} events are of types that this client does not know: they were "
            "hashed, but what they state was not checked; use a newer one"
        )
    if not report.whole:
        session.note(
            f"what accounts stood at after event {report.after_sequence} is not known: accounts "
            "without newer entries were only compared with their daily sums"
        )


def _record(report: Report, against: list[str]) -> Record:
    checkpoint = report.checkpoint
    return {
        "result": "good",
        "journal": report.journal.code,
        "journal_id": report.journal.id,
        "after_sequence": report.after_sequence,
        "head_sequence": report.head_sequence,
        "transactions": report.transactions,
        "entries": report.entries,
        "balances": report.balances,
        "daily_sums": report.days,
        "checkpoint_size": checkpoint.size if checkpoint else None,
        "checkpoint_root": checkpoint.root.hex() if checkpoint else None,
        "signature": "checked" if report.signed and checkpoint else "not checked",
        "unsigned_events": report.unsigned,
        "unknown_events": report.unknown,
        "against": against,
    }
