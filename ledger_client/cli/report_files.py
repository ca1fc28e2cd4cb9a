"""`--file` of the reports: the sheets that the page shows, written to a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.session import Session
from ledger_client.documents import FileForm, Sheet, as_file

_ENDINGS = ", ".join(f".{form}" for form in FileForm)


def parse_report_file(text: str) -> Path:
    """Return the path that `text` is.

    Raises:
        typer.BadParameter: its ending names no form.
    """
    file = Path(text)
    if file.suffix.lower().removeprefix(".") not in list(FileForm):
        raise typer.BadParameter(f"{text!r} ends with none of {_ENDINGS}")
    return file


ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        parser=parse_report_file,
        metavar="FILE",
        help=f"Write the report to this file instead; it ends with one of {_ENDINGS}.",
    ),
]


def write_report(session: Session, file: Path, sheets: Sequence[Sheet]) -> None:
    """Write a report to a file in the form of its ending, in place of what was there.

    Raises:
        CommandError: it cannot be written, or a package that the form needs is not installed.
    """
    form = FileForm(file.suffix.lower().removeprefix("."))
    try:
        content = as_file(sheets, form)
    except ImportError as error:
        raise CommandError(
            f"{form.upper()} needs packages that are not installed: {error.name}",
            ExitCode.FAILURE,
            hint="pip install 'ledger-engine[export]'",
        ) from error
    try:
        file.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", ExitCode.FAILURE) from error
    session.note(f"{sheets[0].title} written to {file}, {len(content):,} bytes")
