"""`ledgerctl proof`: that a transaction is in the books, and that books only grew."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from ledger_client.cli.arguments import parse_id
from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.rendering import Output, Record
from ledger_client.cli.session import Session, command
from ledger_client.cli.trust import (
    NOT_CHECKED,
    Key,
    Save,
    read_checkpoint,
    read_key,
    read_text,
    save_text,
    show_wrong,
)
from ledger_client.verify import VerifierKey, WrongError
from ledger_client.verify.bundle import (
    BundleError,
    ConsistencyBundle,
    InclusionBundle,
    ProvenEvent,
    load,
)
from ledger_client.verify.checkpoints import parsed

app = typer.Typer(
    no_args_is_help=True, help="Proofs: checked here before they are shown; kept with --save."
)

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SIDES = {1: "DEBIT", 2: "CREDIT"}
_LAYERS = {1: "SETTLED", 2: "PENDING", 3: "ENCUMBRANCE"}


@command(app, "inclusion")
async def inclusion(
    session: Session,
    transaction_id: Annotated[
        UUID, typer.Argument(parser=parse_id, metavar="TRANSACTION_ID", help="Which one.")
    ],
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Prove it by this checkpoint; else by the oldest of the server that covers it.",
        ),
    ] = None,
    key: Key = None,
    save: Save = None,
) -> ExitCode | None:
    """Prove that a transaction is in the journal as it was signed."""
    trusted = read_key(key)
    journal = await session.ledger.get_journal(await session.journal())
    try:
        if checkpoint is not None:
            at = read_checkpoint(checkpoint)
        else:
            named = await session.ledger.get_transaction(journal.id, transaction_id)
            received = await session.ledger.get_checkpoint(
                journal.id, covers_sequence=named.sequence or 0
            )
            at = parsed(received.note, "of the server")
        bundle = await InclusionBundle.fetch(session.ledger, journal.id, transaction_id, at)
        record = _checked(bundle, trusted)
    except WrongError as error:
        return show_wrong(session, error)
    if record["transaction_id"] != str(transaction_id):
        message = f"the server proved another transaction: {record['transaction_id'] or 'none'}"
        raise CommandError(message, ExitCode.WRONG)
    _show(session, record, bundle.dump(), save, trusted)
    return None


@command(app, "consistency")
async def consistency(
    session: Session,
    *,
    older: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="The checkpoint that was kept.")
    ],
    newer: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Another; else the server's newest."),
    ] = None,
    key: Key = None,
    save: Save = None,
) -> ExitCode | None:
    """Prove that the journal still begins with what a checkpoint covers: that it only grew."""
    trusted = read_key(key)
    kept = read_checkpoint(older)
    journal = await session.ledger.get_journal(await session.journal())
    try:
        if newer is not None:
            to = read_checkpoint(newer)
        else:
            received = await session.ledger.get_checkpoint(journal.id)
            to = parsed(received.note, "of the server")
        bundle = await ConsistencyBundle.fetch(session.ledger, journal.id, kept, to)
        record = _checked(bundle, trusted)
    except WrongError as error:
        return show_wrong(session, error)
    _show(session, record, bundle.dump(), save, trusted)
    return None


@command(app, "check", of_journal=False)
async def check(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A proof kept with --save.")],
    *,
    key: Key = None,
) -> ExitCode | None:
    """Check a proof that was kept. Asks no server."""
    trusted = read_key(key)
    try:
        bundle = load(read_text(file))
    except BundleError as error:
        raise CommandError(f"{file}: {error}", ExitCode.INVALID) from error
    try:
        record = _checked(bundle, trusted)
    except WrongError as error:
        return show_wrong(session, error)
    _show(session, record, "", None, trusted)
    return None


def _checked(bundle: InclusionBundle | ConsistencyBundle, key: VerifierKey | None) -> Record:
    """Check a proof and return what it shows."""
    signature = "not checked" if key is None else f"checked, by {key.name}"
    if isinstance(bundle, ConsistencyBundle):
        bundle.check(key)
        return {
            "result": "good",
            "proves": f"the first {bundle.older.size} events are still what they were",
            "journal_id": bundle.older.journal_id,
            "older_size": bundle.older.size,
            "newer_size": bundle.newer.size,
            "signature": signature,
        }
    proven = bundle.check(key)
    return {
        "result": "good",
        "proves": f"event {proven.sequence} is in the journal as it was signed",
        "journal_id": proven.journal_id,
        "sequence": proven.sequence,
        "record_time": _EPOCH + dt.timedelta(microseconds=proven.time_us),
        "checkpoint_size": bundle.checkpoint.size,
        "signature": signature,
        **_stated(proven),
    }


def _stated(proven: ProvenEvent) -> Record:
    """Return what a proven event states, as far as it is a transaction."""
    name = proven.event.WhichOneof("fact")
    fact: Any = getattr(proven.event, name)
    if "transaction" not in fact.DESCRIPTOR.fields_by_name:
        return {"states": name, "transaction_id": ""}
    transaction = fact.transaction
    return {
        "states": name,
        "transaction_id": transaction.id,
        "effective_date": transaction.effective_date,
        "description": transaction.description,
        "entries": [
            f"{_SIDES.get(entry.direction)} {entry.account_code} {entry.units} {entry.currency} "
            f"{_LAYERS.get(entry.layer)}"
            for entry in transaction.entries
        ],
    }


def _show(
    session: Session, record: Record, text: str, save: Path | None, key: VerifierKey | None
) -> None:
    if save is not None:
        save_text(save, text)
    session.show(record)
    if key is None and session.output is Output.TABLE:
        session.note(NOT_CHECKED)
