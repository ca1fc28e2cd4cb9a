"""From characters to tokens."""

import dataclasses
import enum
import re
from typing import Final

from ledger_server.domain.expression.errors import Mistakes, SyntaxFailure
from ledger_server.domain.expression.values import INTEGER_MAX

#: An integer with more digits than this cannot fit in 64 bits; none is converted to find out.
_INTEGER_DIGITS_MAX: Final = {10: 19, 16: 16}


class TokenKind(enum.Enum):
    """What a token is."""

    INTEGER = enum.auto()
    STRING = enum.auto()
    #: A literal that was reported as a mistake already.
    BROKEN = enum.auto()
    NAME = enum.auto()
    #: An operator, a bracket, or a word of the language (`in`, `true`, `false`, `null`).
    SYMBOL = enum.auto()
    END = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """A word of the source."""

    kind: TokenKind
    offset: int
    #: As written; for a STRING what it stands for, for an INTEGER nothing.
    text: str
    number: int = 0


def tokenize(source: str, mistakes: Mistakes) -> list[Token]:
    """Split a source into tokens, the last of them END.

    Args:
        source: not longer than `SOURCE_LENGTH_MAX`.
        mistakes: receives what is wrong but does not hinder reading on, such as a double.

    Raises:
        SyntaxFailure: for a character or a string that cannot be read past.
    """
    tokens: list[Token] = []
    offset = 0
    while offset < len(source):
        match = _TOKEN.match(source, offset)
        if match is None:
            raise _unreadable(source, offset)
        if match.lastgroup != "space":
            tokens.append(_token(match, mistakes))
        offset = match.end()
    tokens.append(Token(TokenKind.END, len(source), ""))
    return tokens


_TOKEN: Final = re.compile(
    r"""
    (?P<space> (?: [ \t\r\n\f]+ | //[^\n]* )+ )
    | (?P<string> (?P<prefix>[rRbB]{0,2})
        (?: (?P<triple>\"{3}|'{3}) (?P<long> (?: \\. | (?!(?P=triple)). )* ) (?P=triple)
          | (?P<quote>["']) (?P<short> (?: \\[^\r\n] | (?!(?P=quote))[^\\\r\n] )* ) (?P=quote) ) )
    | (?P<number> (?: 0[xX][0-9A-Fa-f]+ | [0-9]*\.?[0-9]+ ) (?:[eE][+-]?[0-9]+)? [A-Za-z0-9_]* )
    | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<symbol> \|\| | && | [=!<>]= | [-+*/%!<>?:.,()\[\]{}] )
    """,
    re.VERBOSE | re.DOTALL,
)

_WORDS: Final = frozenset({"in", "true", "false", "null"})


def _token(match: re.Match[str], mistakes: Mistakes) -> Token:
    text = match.group()
    offset = match.start()
    if match.lastgroup == "symbol":
        return Token(TokenKind.SYMBOL, offset, text)
    if match.lastgroup == "name":
        kind = TokenKind.SYMBOL if text in _WORDS else TokenKind.NAME
        return Token(kind, offset, text)
    if match.lastgroup == "number":
        return _number(text, offset, mistakes)
    return _string(match, mistakes)


def _number(text: str, offset: int, mistakes: Mistakes) -> Token:
    broken = Token(TokenKind.BROKEN, offset, text)
    hexadecimal = text[:2] in {"0x", "0X"}
    digits = text[2:] if hexadecimal else text
    base = 16 if hexadecimal else 10
    if not re.fullmatch(r"[0-9A-Fa-f]+" if hexadecimal else r"[0-9]+", digits, re.ASCII):
        mistakes.add(_number_mistake(text), offset)
        return broken
    digits = digits.lstrip("0") or "0"
    number = int(digits, base) if len(digits) <= _INTEGER_DIGITS_MAX[base] else None
    # One more than the greatest is let through: behind a minus it is the least integer.
    if number is None or number > INTEGER_MAX + 1:
        mistakes.add("the integer does not fit in 64 bits", offset)
        return broken
    return Token(TokenKind.INTEGER, offset, "", number)


def _number_mistake(text: str) -> str:
    if re.fullmatch(r"[0-9]*\.[0-9]+", text):
        plain = (text if text[0] != "." else f"0{text}")[:40]
        return f"binary floating point is not exact: write decimal('{plain}')"
    if re.fullmatch(r"[0-9]*\.?[0-9]+[eE][+-]?[0-9]+", text):
        return (
            "binary floating point is not exact: write a decimal without an exponent, "
            "such as decimal('0.015')"
        )
    if re.fullmatch(r"[0-9A-Fa-fxX]+[uU]", text):
        return "there are no unsigned integers: leave out the u"
    return "not a number: only integers such as 12 and 0x1F are written without quotes"


_ESCAPE: Final = re.compile(
    r"""\\(?: x(?P<x>[0-9A-Fa-f]{2}) | X(?P<X>[0-9A-Fa-f]{2}) | u(?P<u>[0-9A-Fa-f]{4})
          | U(?P<U>[0-9A-Fa-f]{8}) | (?P<octal>[0-3][0-7]{2}) | (?P<simple>[abfnrtv\\?"'`])
          | (?P<bad>.?) )""",
    re.VERBOSE | re.DOTALL,
)

_SIMPLE_ESCAPES: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))


def _string(match: re.Match[str], mistakes: Mistakes) -> Token:
    offset = match.start()
    triple = match.group("triple") is not None
    body = match.group("long") if triple else match.group("short")
    prefix = match.group("prefix").lower()
    if "b" in prefix or len(prefix) > 1:
        mistakes.add("there are no bytes: a string has no prefix but r", offset)
        return Token(TokenKind.BROKEN, offset, "")
    if triple:
        body = body.replace("\r\n", "\n")
    if prefix == "r":
        return Token(TokenKind.STRING, offset, body)
    bad: list[str] = []

    def unescape(escape: re.Match[str]) -> str:
        character = _unescape(escape)
        if character is None:
            bad.append(escape.group())
        return character or ""

    text = _ESCAPE.sub(unescape, body)
    if bad:
        mistakes.add(f"{bad[0]} is not an escape: a backslash itself is written \\\\", offset)
        return Token(TokenKind.BROKEN, offset, "")
    return Token(TokenKind.STRING, offset, text)


def _unescape(escape: re.Match[str]) -> str | None:
    """Return what an escape stands for, or None if it is not one."""
    kind = escape.lastgroup
    assert kind is not None, "one branch of the pattern always matches"
    written = escape.group(kind)
    if kind == "bad":
        return None
    if kind == "simple":
        return _SIMPLE_ESCAPES.get(written, written)
    code_point = int(written, 8 if kind == "octal" else 16)
    # A lone surrogate is no character and could not be sent or stored as UTF-8.
    if 0xD800 <= code_point <= 0xDFFF or code_point > 0x10FFFF:
        return None
    return chr(code_point)


def _unreadable(source: str, offset: int) -> SyntaxFailure:
    character = source[offset]
    if character in "\"'":
        return SyntaxFailure("the string does not end", offset)
    hint = {"=": ": equality is written ==", "&": ": and is written &&", "|": ": or is written ||"}
    return SyntaxFailure(
        f"unexpected character {character!r}{hint.get(character, '')}",
        offset,
    )
