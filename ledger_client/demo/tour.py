"""What every demo does: commands one after the other, in a folder, until all is cleaned up."""

import contextlib
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console
from rich.text import Text

from ledger_client.cli.__main__ import main
from ledger_client.cli.failures import INTERRUPTED, ExitCode
from ledger_client.demo.server_process import StartError

#: Commands that are longer are shown on several lines.
LINE_LENGTH_MAX: Final = 76
#: How often and how long apart a folder is tried to be removed.
_REMOVALS_MAX: Final = 30
_REMOVAL_PAUSE_SECONDS: Final = 0.1


class UnexpectedError(Exception):
    """A command ended otherwise than it should."""


class Tour:
    """Runs commands one after the other, each shown before it runs."""

    def __init__(self) -> None:
        """Tell it all on standard output."""
        self._console = Console(highlight=False, markup=False, emoji=False)

    def say(self, text: str) -> None:
        """Begin a step."""
        self._console.print()
        self._console.print(Text(text, style="bold cyan"), soft_wrap=True)

    def title(self, text: str) -> None:
        """Say what all of it is about."""
        self._console.print(Text(text, style="bold underline"))

    def note(self, text: str) -> None:
        """Say something beside the tour."""
        self._console.print(Text(text, style="dim"), soft_wrap=True)

    def suggest(self, line: str) -> None:
        """Show a command for later."""
        self._console.print(Text(f"  {line}", style="bold"), soft_wrap=True)

    def print(self, text: str) -> None:
        """Show what something printed."""
        self._console.print(Text(text), soft_wrap=True, end="")
        self._console.file.flush()

    def run(self, *arguments: str, expected: ExitCode = ExitCode.OK) -> None:
        """Show a command as it would be typed, and run it.

        Raises:
            UnexpectedError: it ended with another exit code.
        """
        self.show("ledgerctl", *arguments)
        ledgerctl(*arguments, expected=expected)

    def show(self, *words: str) -> None:
        """Show a command so that it can be copied, a long one on several lines."""
        lines = [""]
        for word in map(shlex.quote, words):
            if lines[-1] and len(lines[-1]) + len(word) > LINE_LENGTH_MAX:
                lines.append("   ")
            lines[-1] += f" {word}" if lines[-1] else word
        text = Text.assemble(("$ ", "dim"), (" \\\n".join(lines), "bold"))
        self._console.print(text, soft_wrap=True)
        # What the command writes on standard error must not overtake this.
        self._console.file.flush()


def ledgerctl(*arguments: str, expected: ExitCode = ExitCode.OK) -> None:
    """Run a command.

    Raises:
        UnexpectedError: it ended with another exit code.
        KeyboardInterrupt: Ctrl-C ended it.
    """
    exit_code = main(arguments)
    if exit_code == INTERRUPTED:
        raise KeyboardInterrupt
    if exit_code != expected:
        line = shlex.join(("ledgerctl", *arguments))
        raise UnexpectedError(f"{line}: exit code {exit_code} instead of {int(expected)}")


def run_demo(tour: Tour, show: Callable[[Tour, Path], None], *, keep: Path | None = None) -> int:
    """Run a demo to its end, whatever that is: what it started is stopped.

    Args:
        tour: on which it is told.
        show: the demo, given a folder for all that it writes.
        keep: the folder, if it is to be kept; else there is one that is gone at the end.

    Returns:
        The exit status: 0 if everything went as it should.
    """
    signal.signal(signal.SIGTERM, _exit)  # so that servers are stopped on this way out too
    began = time.monotonic()
    try:
        with _folder(keep) as folder:
            show(tour, folder)
    except (StartError, UnexpectedError, OSError) as error:
        sys.stderr.write(f"\nerror: the demo stopped: {error}\n")
        return ExitCode.FAILURE
    except KeyboardInterrupt:
        return INTERRUPTED
    seconds = time.monotonic() - began
    tour.note(f"\nThat was all, in {seconds:.0f} seconds. Nothing is left running.")
    return ExitCode.OK


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give a folder: the one that is to be kept, else one that is gone at the end.

    Raises:
        OSError: it cannot be made, or there is something in it.
    """
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise FileExistsError(f"{keep} is not empty: name a new folder")
        yield keep.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="ledger-demo-"))
    try:
        # Started by root, PostgreSQL runs as another user, who must get through.
        folder.chmod(0o711)
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder into which a program that was stopped may still be writing."""
    for _ in range(_REMOVALS_MAX):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_REMOVAL_PAUSE_SECONDS)
    sys.stderr.write(f"warning: {folder} could not be removed\n")


def _exit(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)
