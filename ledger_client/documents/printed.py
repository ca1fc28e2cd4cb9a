"""A sheet as PDF, for paper and for the auditor's folder. Needs the extra `export`."""

import io
import re
from collections.abc import Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from ledger_client.documents.sheet import Column, ColumnKind, Row, RowStyle, Sheet
from ledger_client.documents.text_form import accounting

_FONT: Final = "Vera"
_BOLD: Final = "VeraBd"
#: For texts that the fonts above have no letters for.
_WIDE: Final = "HeiseiKakuGo-W5"
#: Runs of letters that the fonts above lack.
_FOREIGN: Final = re.compile(r"[^\x00-\u024f\u2007\u2013\u2014\u2022\u2026\u20ac]+")
_SIZE: Final = 7.5
#: Above so many columns the paper is turned.
_PORTRAIT_COLUMNS_MAX: Final = 6
_MARGIN: Final = 15 * mm
#: Texts get what amounts leave, but no less than this.
_TEXT_WIDTH_MIN: Final = 28 * mm


def as_pdf(sheets: Sequence[Sheet]) -> bytes:
    """Return a document with the sheets one after another, A4, heads repeated on each page."""
    _load_fonts()
    turned = max(len(sheet.columns) for sheet in sheets) > _PORTRAIT_COLUMNS_MAX
    size = landscape(A4) if turned else A4
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=size,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=sheets[0].title,
        invariant=1,  # the same books give the same bytes
    )
    story: list[Any] = []
    for sheet in sheets:
        if story:
            story.append(Spacer(1, 8 * mm))
        story += _story(sheet, size[0] - 2 * _MARGIN)
    document.build(story, onFirstPage=_foot, onLaterPages=_foot)
    return file.getvalue()


def _load_fonts() -> None:
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(_FONT, "Vera.ttf"))
        pdfmetrics.registerFont(TTFont(_BOLD, "VeraBd.ttf"))
        pdfmetrics.registerFont(UnicodeCIDFont(_WIDE))


def _foot(canvas: Any, document: Any) -> None:
    canvas.setFont(_FONT, 6.5)
    text = f"{document.title}  \N{EN DASH}  page {document.page}"
    canvas.drawRightString(document.pagesize[0] - _MARGIN, 8 * mm, text)


def _story(sheet: Sheet, width: float) -> list[Any]:
    story: list[Any] = [Paragraph(_marked(sheet.title), _style(13, bold=True))]
    story += [Paragraph(_marked(line), _style(_SIZE)) for line in sheet.subtitles]
    story.append(Spacer(1, 4 * mm))
    data = [[_head(column) for column in sheet.columns]]
    data += [_cells(sheet, row) for row in sheet.rows]
    table = Table(data, colWidths=_widths(sheet, width), repeatRows=1)
    table.setStyle(TableStyle(_lines(sheet)))
    story.append(table)
    story.append(Spacer(1, 3 * mm))
    story += [Paragraph(_marked(note), _style(_SIZE)) for note in sheet.notes]
    return story


def _style(size: float, *, bold: bool = False, right: bool = False, indent: int = 0) -> Any:
    return ParagraphStyle(
        "cell",
        fontName=_BOLD if bold else _FONT,
        fontSize=size,
        leading=size * 1.25,
        alignment=2 if right else 0,
        leftIndent=indent * 3 * mm,
        wordWrap="CJK" if right else None,
    )


def _marked(text: str) -> str:
    """Return `text` as reportlab's markup, in a font that has its letters."""
    marked = _FOREIGN.sub(rf'<font name="{_WIDE}">\g<0></font>', escape(text))
    return marked.replace("\N{FIGURE SPACE}", "&nbsp;")


def _is_right(column: Column) -> bool:
    return column.kind in {ColumnKind.AMOUNT, ColumnKind.NUMBER}


def _head(column: Column) -> Any:
    return Paragraph(_marked(column.title), _style(_SIZE, bold=True, right=_is_right(column)))


def _cells(sheet: Sheet, row: Row) -> list[Any]:
    bold = row.style is not RowStyle.PLAIN
    cells = []
    for number, (value, column) in enumerate(zip(row.cells, sheet.columns, strict=True)):
        style = _style(
            _SIZE, bold=bold, right=_is_right(column), indent=row.indent if number == 0 else 0
        )
        cells.append(Paragraph(_marked(accounting(value)), style))
    return cells


def _widths(sheet: Sheet, width: float) -> list[float]:
    """Give amounts what their longest needs, and share the rest among the texts."""
    wanted = []
    for number, column in enumerate(sheet.columns):
        texts = [column.title, *(accounting(row.cells[number]) for row in sheet.rows)]
        longest = max(pdfmetrics.stringWidth(text, _BOLD, _SIZE) for text in texts) + 5 * mm
        wanted.append(longest if column.kind is not ColumnKind.TEXT else 0.0)
    of_text = [number for number, each in enumerate(wanted) if not each]
    left = width - sum(wanted)
    for number in of_text:
        wanted[number] = max(_TEXT_WIDTH_MIN, left / len(of_text))
    scale = min(1.0, width / sum(wanted))
    return [each * scale for each in wanted]


def _lines(sheet: Sheet) -> list[tuple[Any, ...]]:
    lines: list[tuple[Any, ...]] = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.2),
    ]
    for number, row in enumerate(sheet.rows, 1):
        if row.style in {RowStyle.TOTAL, RowStyle.CHECK}:
            lines.append(("LINEABOVE", (0, number), (-1, number), 0.5, colors.black))
    return lines
