"""Transaction templates from YAML files, with the worked examples that are their tests."""

import dataclasses
import importlib.resources
from collections.abc import Callable, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

from ledger_client.errors import LedgerError
from ledger_client.models import NewTxTemplate
from ledger_client.template_source.definition import Definition
from ledger_client.template_source.example import ExpectedEntry, TemplateExample
from ledger_client.template_source.example_steps import ExampleStep, ExpectedBalance, StepKind
from ledger_client.template_source.reading import Reading
from ledger_client.template_source.strict_yaml import Problem, parse

__all__ = [
    "ExampleStep",
    "ExpectedBalance",
    "ExpectedEntry",
    "LoadedTemplate",
    "Problem",
    "StepKind",
    "TemplateExample",
    "TemplateFileError",
    "library",
    "load_template",
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTemplate:
    """A template and what its file says beside it."""

    #: The file, for messages.
    source: str
    #: Ready for `LedgerClient.create_tx_template`.
    template: NewTxTemplate
    #: In the order of the file.
    examples: tuple[TemplateExample, ...]
    #: The line of a place that the server names, such as `entries[1].units`; None if unknown.
    place_of: Callable[[str], int | None]

    def located(self, error: LedgerError) -> list[str]:
        """Return what the server found wrong, a line each: `file:line: place: description`."""
        located = []
        for wrong in error.violations:
            line = self.place_of(wrong.field)
            where = self.source if line is None else f"{self.source}:{line}"
            located.append(f"{where}: {wrong.field}: {wrong.description}")
        return located


class TemplateFileError(Exception):
    """A template's file is wrong. `problems` are all mistakes, by line."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        """Keep the mistakes."""
        super().__init__(source, problems)
        self.source = source
        self.problems = tuple(sorted(problems))

    def __str__(self) -> str:
        """State each mistake on a line of its own, as `file:line: mistake`."""
        return "\n".join(f"{self.source}:{wrong.line}: {wrong.message}" for wrong in self.problems)


def load_template(path_or_text: Path | str) -> LoadedTemplate:
    """Return the template of a file (a `Path`) or of a text (a `str`).

    Raises:
        OSError: the file cannot be read.
        TemplateFileError: it is wrong; names every mistake and its line.
    """
    if isinstance(path_or_text, str):
        return _load(path_or_text, "<text>")
    return _read(path_or_text, str(path_or_text))


def library() -> list[LoadedTemplate]:
    """Return the built-in templates, by folder and file name.

    Raises:
        FileNotFoundError: the package was installed without them.
        TemplateFileError: one is wrong.
    """
    root: Traversable = importlib.resources.files("ledger_client") / "templates_library"
    if not root.is_dir():  # not installed: the tree of the sources
        root = Path(__file__).resolve().parents[1] / "templates"
    return [_read(file, name) for name, file in _yaml_files(root, "")]


def _yaml_files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for child in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if child.is_dir():
            found += _yaml_files(child, f"{prefix}{child.name}/")
        elif child.name.endswith(".yaml"):
            found.append((f"{prefix}{child.name}", child))
    return found


def _read(file: Traversable, source: str) -> LoadedTemplate:
    try:
        return _load(file.read_bytes().decode(), source)
    except UnicodeDecodeError as error:
        raise TemplateFileError(source, [Problem(1, f"not UTF-8: {error.reason}")]) from error


def _load(text: str, source: str) -> LoadedTemplate:
    problems: list[Problem] = []
    root = parse(text, problems)
    if root is None:
        raise TemplateFileError(source, problems or [Problem(1, "the file is empty")])
    definition = Definition(Reading(problems), root)
    if problems:
        raise TemplateFileError(source, problems)
    return LoadedTemplate(
        source=source,
        template=definition.template,
        examples=definition.examples,
        place_of=definition.places.line_of,
    )
