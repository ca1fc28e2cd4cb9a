"""Charts of accounts in CSV: indented code columns, or one row a node with its parent's code."""

import csv
import dataclasses
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ledger_client.csv_files.rows import Problem, file_text, read_rows, shown
from ledger_client.errors import InvalidRequestError
from ledger_client.models import AccountCategory, Direction, NewChartNode

COLUMNS: Final = ("code", "name", "parent", "category", "normal_side")

_NODE: Final = re.compile(r"nodes\[([0-9]+)\]", re.ASCII)
_CATEGORY_NAMES: Final = ", ".join(one.lower().replace("_", "-") for one in AccountCategory)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_SIDES: Final = {"debit": Direction.DEBIT, "credit": Direction.CREDIT, "": None}
#: What nodes at the top are commonly called. Any other name must be told.
_CATEGORIES: Final[Mapping[str, AccountCategory]] = {
    "assets": AccountCategory.ASSET,
    "liabilities": AccountCategory.LIABILITY,
    "equity": AccountCategory.EQUITY,
    "revenue": AccountCategory.REVENUE,
    "revenues": AccountCategory.REVENUE,
    "income": AccountCategory.REVENUE,
    "cost of revenue": AccountCategory.EXPENSE,
    "cost of goods sold": AccountCategory.EXPENSE,
    "expenses": AccountCategory.EXPENSE,
    "memorandum": AccountCategory.OFF_BALANCE,
    "off-balance": AccountCategory.OFF_BALANCE,
}


@dataclasses.dataclass(slots=True)
class ChartFile:
    """What is in a file."""

    nodes: list[NewChartNode]
    #: The row of each node.
    rows: list[int]
    problems: list[Problem]


def read_chart(
    data: bytes, categories: Mapping[str, AccountCategory], *, option: str = "--category"
) -> ChartFile:
    """Return the nodes of a file and everything that is wrong with it.

    A file whose first row has the word `code` in it has one row a node; any other the indented
    code columns.

    Args:
        data: UTF-8.
        categories: of nodes at the top, by code; else told by the file or by their name.
        option: where people write `categories`, for the messages.
    """
    file = ChartFile([], [], [])
    text = file_text(data, file.problems)
    if text is None:
        return file
    first = next((line for line in text.splitlines() if line.strip(", \t")), "")
    if "code" in [cell.strip() for cell in first.split(",")]:
        _read_plain(data, file)
    else:
        _Indented(file).read(text)
    _check(file, categories, option)
    file.problems.sort()
    return file


def parse_categories(given: Iterable[str]) -> dict[str, AccountCategory]:
    """Return what texts such as `7=revenue` say of nodes at the top.

    Raises:
        ValueError: one says nothing, or two speak of the same node.
    """
    found: dict[str, AccountCategory] = {}
    for text in given:
        code, _, name = text.partition("=")
        category = AccountCategory.__members__.get(name.upper().replace("-", "_"))
        if category is None:
            raise ValueError(f"{shown(text)} is not CODE=CATEGORY, of {_CATEGORY_NAMES}")
        if code in found:
            raise ValueError(f"{code} is given twice")
        found[code] = category
    return found


def refused_rows(error: InvalidRequestError, file: ChartFile) -> Iterator[Problem]:
    """Lay what the server found wrong to the rows of the file; nothing if it names no nodes."""
    placed = False
    for wrong in error.violations:
        place = _NODE.match(wrong.field)
        if place:
            placed = True
            text = _NODE.sub(
                lambda found: f"row {file.rows[int(found[1])]}",
                wrong.description,
            )
            yield Problem(file.rows[int(place[1])], text)
    told = int(error.facts.get("mistakes", 0))
    if placed and told > len(error.violations):
        yield Problem(file.rows[-1], f"and {told - len(error.violations)} more mistakes")


def _read_plain(data: bytes, file: ChartFile) -> None:
    for row, fields in read_rows(data, COLUMNS, file.problems):
        cells = {name: text.strip() for name, text in fields.items()}
        side = cells["normal_side"].lower()
        category = cells["category"].upper().replace("-", "_")
        if not cells["code"]:
            file.problems.append(Problem(row, "code: required"))
        if side not in _SIDES:
            file.problems.append(Problem(row, f"normal_side {shown(side)}: not debit or credit"))
        if category and category not in AccountCategory.__members__:
            problem = f"category {shown(cells['category'])}: none of {_CATEGORY_NAMES}"
            file.problems.append(Problem(row, problem))
        file.rows.append(row)
        file.nodes.append(
            NewChartNode(
                code=cells["code"],
                name=cells["name"] or cells["code"],
                parent=cells["parent"],
                category=AccountCategory.__members__.get(category),
                normal_side=_SIDES.get(side),
            )
        )


class _Indented:
    """Rows of code columns, a name, and perhaps a side.

    A row says only the last sections of its code; the columns that are empty before them take those
    of the row above. Its parent is the latest row above whose code is the beginning of its own: by
    whole sections, or by digits within the first one ("1" of "11").
    """

    def __init__(self, file: ChartFile) -> None:
        self._file = file
        self._above: list[list[str]] = []

    def read(self, text: str) -> None:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        begin = 1
        try:
            for values in reader:
                row, begin = begin, reader.line_num + 1
                cells = [value.strip() for value in values]
                if any(cells):
                    self._row(row, cells)
        except csv.Error as error:
            problem = f"cannot be read as CSV from here on: {error}"
            self._file.problems.append(Problem(begin, problem))
        if not self._file.nodes and not self._file.problems:
            self._file.problems.append(Problem(1, "no nodes in it"))

    def _row(self, row: int, cells: Sequence[str]) -> None:
        try:
            sections, rest = self._code(cells)
        except ValueError as error:
            self._file.problems.append(Problem(row, str(error)))
            return
        name, *more = rest
        side = more[0].lower() if more else ""
        if side not in _SIDES or any(more[1:]):
            told = shown(" ".join(cell for cell in more if cell))
            self._file.problems.append(Problem(row, f"{told} after the name: not Debit or Credit"))
        parent = self._parent(sections)
        # As the form has it: a node at the top without a word stands on the credit side.
        top_side = Direction.CREDIT if parent is None else None
        self._above.append(sections)
        self._file.rows.append(row)
        self._file.nodes.append(
            NewChartNode(
                code=".".join(sections),
                name=name,
                parent=".".join(parent or ()),
                normal_side=_SIDES.get(side) or top_side,
            )
        )

    def _code(self, cells: Sequence[str]) -> tuple[list[str], Sequence[str]]:
        """Return the sections of a row's code, and its cells from the name on."""
        end = next(
            (i for i, cell in enumerate(cells) if cell and not _DIGITS.fullmatch(cell)), None
        )
        if end is None:
            raise ValueError("no name")
        if cells[end][0].isdigit():
            raise ValueError(f"{shown(cells[end])} is no code and a name cannot begin with a digit")
        own = [(place, cell) for place, cell in enumerate(cells[:end]) if cell]
        if not own:
            raise ValueError("no code")
        start = own[0][0]
        if [place for place, _ in own] != list(range(start, start + len(own))):
            raise ValueError("an empty column between those of the code")
        above = self._above[-1] if self._above else []
        if len(above) < start:
            raise ValueError("no row above to take the first columns of the code from")
        return [*above[:start], *(cell for _, cell in own)], cells[end:]

    def _parent(self, sections: list[str]) -> list[str] | None:
        for above in reversed(self._above):
            if above == sections:
                continue  # a mistake of its own
            if sections[: len(above)] == above:
                return above
            if len(above) == 1 and sections[0].startswith(above[0]) and sections[0] != above[0]:
                return above
        return None


def _check(file: ChartFile, categories: Mapping[str, AccountCategory], option: str) -> None:
    """Give nodes at the top their categories; note what is there twice or has none."""
    first: dict[str, int] = {}
    for index, (row, node) in enumerate(zip(file.rows, file.nodes, strict=True)):
        if node.code in first and node.code:
            told = f"{shown(node.code)} is there before, in row {first[node.code]}"
            file.problems.append(Problem(row, told))
        first.setdefault(node.code, row)
        if node.parent or node.category:
            continue
        category = categories.get(node.code) or _CATEGORIES.get(node.name.lower())
        if category is None:
            told = f"{shown(node.name)} stands at the top and needs a category"
            file.problems.append(Problem(row, f"{told}: {option} {node.code}=revenue"))
        file.nodes[index] = dataclasses.replace(node, category=category)
    tops = {node.code for node in file.nodes if not node.parent}
    for code in categories:
        if code not in tops:
            file.problems.append(Problem(1, f"{option} {code}: no node at the top has this code"))
