"""What every demo does: commands one after the other, each shown before it runs."""

import shlex
import shutil
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from ledger_client.cli.__main__ import main as ledgerctl
from ledger_client.cli.failures import ExitCode

#: Commands that are longer are shown on several lines.
LINE_LENGTH_MAX: Final = 76


class UnexpectedError(Exception):
    """A command ended otherwise than it should."""


class Tour:
    """Runs commands one after the other, each shown before it runs."""

    def __init__(self, console: Console) -> None:
        """Tell it all on `console`."""
        self._console = console

    def say(self, text: str) -> None:
        """Begin a step."""
        self._console.print()
        self._console.print(Text(text, style="bold cyan"), soft_wrap=True)

    def title(self, text: str) -> None:
        """Say what all of it is about."""
        self._console.print(Text(text, style="bold underline"))

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
        exit_code = ledgerctl(arguments)
        if exit_code != expected:
            line = shlex.join(("ledgerctl", *arguments))
            raise UnexpectedError(f"{line}: exit code {exit_code} instead of {int(expected)}")

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


def remove(folder: Path) -> None:
    """Remove a folder into which a program that was stopped may still be writing."""
    for _ in range(30):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
