"""What the commands that check share: keys and checkpoints as files, and how a finding is told."""

from pathlib import Path
from typing import Annotated, Final

import typer

from ledger_client.cli.failures import CommandError, ExitCode, print_error
from ledger_client.cli.rendering import Output, Record
from ledger_client.cli.session import Session
from ledger_client.verify import (
    Finding,
    NoteError,
    SignedCheckpoint,
    VerifierKey,
    WrongError,
)
from ledger_client.verify.files import read_whole, write_whole

NOT_CHECKED: Final = (
    "the signature was NOT checked: anybody could have made this checkpoint. Give --key with the "
    "verifier key, learnt by another way than from the server"
)

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="LEDGER_VERIFIER_KEY",
        metavar="KEY|FILE",
        help="The verifier key (name+id+key), or a file with it; else signatures are not checked.",
    ),
]
Save = Annotated[
    Path | None,
    typer.Option("--save", metavar="FILE", dir_okay=False, help="Also keep it in this file."),
]


def read_key(text: str | None) -> VerifierKey | None:
    """Return the key that is given, or that stands in the file given.

    Raises:
        CommandError: it is none.
    """
    if text is None:
        return None
    try:
        return VerifierKey.parse(text)
    except NoteError as error:
        path = Path(text)
        if "+" in text and not path.exists():
            raise CommandError(f"--key: {error}", ExitCode.INVALID) from error
    try:
        return VerifierKey.parse(read_text(path))
    except NoteError as error:
        raise CommandError(f"{path}: {error}", ExitCode.INVALID) from error


def read_text(path: Path) -> str:
    """Return what stands in a file.

    Raises:
        CommandError: it cannot be read, or is not text.
    """
    try:
        return read_whole(path)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", ExitCode.INVALID) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path}: not text in UTF-8", ExitCode.INVALID) from error


def read_checkpoint(path: Path) -> SignedCheckpoint:
    """Return the checkpoint that stands in a file.

    Raises:
        CommandError: there is none in it.
    """
    try:
        return SignedCheckpoint.parse(read_text(path))
    except NoteError as error:
        hint = "a checkpoint is kept with ledgerctl checkpoint get --save FILE"
        raise CommandError(f"{path}: {error}", ExitCode.INVALID, hint=hint) from error


def save_text(path: Path, text: str) -> None:
    """Keep a text in a file, whole or not at all.

    Raises:
        CommandError: it cannot be written.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", ExitCode.FAILURE) from error


def finding_record(finding: Finding) -> Record:
    """Return a finding as a record."""
    return {
        "result": "wrong",
        "code": finding.code.value,
        "message": finding.message,
        "sequence": finding.sequence or None,
        "account": finding.account,
        "currency": finding.currency,
        "expected": finding.expected,
        "found": finding.found,
    }


def show_wrong(session: Session, error: WrongError, *, hint: str | None = None) -> ExitCode:
    """Tell what is wrong, on standard error and, for programs, on standard output."""
    finding = error.finding
    record = finding_record(finding)
    if session.output is not Output.TABLE:
        session.show(record)
    details = [
        f"{name}: {record[name]}"
        for name in ("code", "sequence", "account", "currency", "expected", "found")
        if record[name]
    ]
    print_error(session.errors, f"WRONG: {finding.message}", details=details, hint=hint)
    return ExitCode.WRONG
