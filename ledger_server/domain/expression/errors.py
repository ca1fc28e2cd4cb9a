"""What can go wrong with an expression, when it is compiled and when it runs."""

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Final

#: Characters of a name or a text that a message repeats.
NAME_SHOWN_MAX: Final = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a source, and where."""

    message: str
    #: Counted from 1.
    line: int
    #: Counted from 1, in characters. One past the last character where the source ends too early.
    column: int

    def __str__(self) -> str:
        """Write the place before the message, as compilers do."""
        return f"{self.line}:{self.column}: {self.message}"


class ExpressionError(Exception):
    """A source is not a valid expression. Carries every mistake that was found, in order."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        """Keep the mistakes; there is at least one."""
        assert mistakes, "an ExpressionError needs a mistake"
        super().__init__("; ".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


class EvaluationError(Exception):
    """A valid expression has no value for the values it was given."""

    def __init__(self, message: str, line: int, column: int) -> None:
        """Keep the message and the 1-based place in the source that failed."""
        super().__init__(f"{line}:{column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class Failure(Exception):  # noqa: N818  # never leaves the package; EvaluationError does
    """Raised by operators and functions, which do not know where in the source they stand."""


class SyntaxFailure(Exception):  # noqa: N818  # never leaves the package; ExpressionError does
    """The source cannot be read any further."""

    def __init__(self, message: str, offset: int) -> None:
        """Keep the message and the offset in the source."""
        super().__init__(message)
        self.message = message
        self.offset = offset


class Mistakes:
    """Collects the mistakes of one source, so that its author sees them all at once."""

    #: A source of many bad names would otherwise cost a search for a hint for each of them.
    COUNT_MAX = 20
    #: A search for a name that was meant looks at each name there is; a template may have many.
    HINTS_MAX = 3

    def __init__(self, source: str) -> None:
        """Start without mistakes."""
        self._source = source
        self._found: dict[tuple[int, str], Mistake] = {}
        self._hints_left = self.HINTS_MAX

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._found)

    def add(self, message: str, offset: int) -> None:
        """Note a mistake at a character offset; a repetition of one is dropped."""
        if len(self._found) < self.COUNT_MAX:
            self._found.setdefault(
                (offset, message), Mistake(message, *place(self._source, offset))
            )

    def hint(self, name: str, known: Iterable[str]) -> str:
        """Return `, did you mean ...?` for an unknown name, or nothing."""
        if self._hints_left == 0 or len(name) > NAME_SHOWN_MAX:
            return ""
        self._hints_left -= 1
        candidates = [other for other in known if len(other) <= NAME_SHOWN_MAX]
        near = difflib.get_close_matches(name, candidates, n=1)
        return f", did you mean {near[0]}?" if near else ""

    def error(self) -> ExpressionError:
        """Return the error that tells them all, in the order of the source."""
        found = self._found
        return ExpressionError(tuple(found[key] for key in sorted(found)))


def shown(text: str) -> str:
    """Return a text in quotes for a message, shortened if it is long."""
    return repr(text if len(text) <= NAME_SHOWN_MAX else f"{text[: NAME_SHOWN_MAX - 3]}...")


def place(source: str, offset: int) -> tuple[int, int]:
    """Return the line and column, both from 1, of a character offset in the source."""
    line_start = source.rfind("\n", 0, offset) + 1
    return source.count("\n", 0, offset) + 1, offset - line_start + 1
