"""Files that a command reads, and what is wrong with them, row by row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.rendering import visible
from ledger_client.cli.session import Session
from ledger_client.csv_files.rows import Problem

#: Problems printed; a file can have one in every row.
PROBLEMS_MAX: Final = 100


def read_bytes(file: Path) -> bytes:
    """Return the content of a file.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", ExitCode.USAGE) from error


def print_problems(session: Session, file: Path, problems: Sequence[Problem]) -> None:
    """Print what is wrong with a file on standard error, the first so many mistakes."""
    for problem in problems[:PROBLEMS_MAX]:
        line = visible(f"{file}:{problem.row}: {problem.message}")
        session.errors.print(line, soft_wrap=True)
    if len(problems) > PROBLEMS_MAX:
        session.errors.print(f"... and {len(problems) - PROBLEMS_MAX:,} more mistakes")


def stop_for(
    session: Session,
    file: Path,
    problems: Sequence[Problem],
    consequence: str,
    *,
    hint: str | None = None,
) -> NoReturn:
    """Print what is wrong with a file and end the command.

    Args:
        session: says where.
        file: named in each line.
        problems: by row; at least one.
        consequence: what has not happened because of them.
        hint: what to do.

    Raises:
        CommandError: always.
    """
    print_problems(session, file, problems)
    count = f"{len(problems)} mistake{'' if len(problems) == 1 else 's'}"
    raise CommandError(f"{file}: {count}, {consequence}", ExitCode.INVALID, hint=hint)
