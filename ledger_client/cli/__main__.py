"""The command `ledgerctl`."""

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import typer

from ledger_client.cli.failures import INTERRUPTED, ExitCode, print_error
from ledger_client.cli.program import app
from ledger_client.cli.session import ReaderGoneError, error_console

#: What typer raises for every mistake in a command line; it has no public name of its own.
UsageError: Final[type[Exception]] = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as typed after `ledgerctl`; None takes the process's own.

    Returns:
        The exit code, one of `ExitCode`, or `INTERRUPTED`.
    """
    # gRPC's core logs on standard error; what it has to say is in our own messages.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        exit_code = app(arguments, prog_name="ledgerctl", standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        _print_usage_error(error)
        return ExitCode.USAGE
    except (ReaderGoneError, BrokenPipeError):
        # Whoever read has seen enough, as `| head`: that is no failure. Nothing may be left in
        # the buffer that the interpreter would try to write on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except typer.Abort:
        return INTERRUPTED
    return int(exit_code or 0)


def _print_usage_error(error: Any) -> None:
    """Say what is wrong with the command line, and where its help is."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "ledgerctl"
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{message}\n")
        return
    print_error(error_console(), message, hint=f"see {path} --help")


if __name__ == "__main__":
    sys.exit(main())
