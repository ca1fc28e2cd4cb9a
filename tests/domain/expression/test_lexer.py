"""What stands in a source, character by character."""

import pytest

from ledger_server.domain.expression import ExpressionError, Mistake, compile_expression


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("12", 12),
        ("007", 7),
        ("0x1F", 31),
        ("0XfF", 255),
        ("-0x10", -16),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("-0x8000000000000000", -(2**63)),
        ("true", True),
        ("null", None),
        ("'a'", "a"),
        ('"a"', "a"),
        ("''", ""),
        ("'it\"s'", 'it"s'),
        (r"'it\'s'", "it's"),
        (r"'\a\b\f\n\r\t\v\\\?\"\'\`'", "\a\b\f\n\r\t\v\\?\"'`"),
        (r"'\x41\X41\u00e9\U0001F600\101'", "AAé😀A"),
        (r"r'\n'", r"\n"),
        (r'R"\d"', r"\d"),
        ("'''a\n'b' c'''", "a\n'b' c"),
        ('"""a\r\nb"""', "a\nb"),
        (r"'''\t'''", "\t"),
        (r'r"""\t"""', r"\t"),
        ("// first\n1 // last", 1),
        ("\t\f 1\r\n + 2", 3),
    ],
)
def test_literals(source: str, value: object) -> None:
    result = compile_expression(source, params={}).evaluate({}, {})
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("0.015", "binary floating point is not exact: write decimal('0.015')"),
        (".5", "binary floating point is not exact: write decimal('0.5')"),
        ("1e3", "without an exponent, such as decimal('0.015')"),
        ("1.5E-3", "without an exponent, such as decimal('0.015')"),
        ("1u", "there are no unsigned integers: leave out the u"),
        ("12abc", "not a number"),
        ("0x", "not a number"),
        ("9223372036854775808", "the integer does not fit in 64 bits"),
        ("0x8000000000000000", "the integer does not fit in 64 bits"),
        ("9" * 4000, "the integer does not fit in 64 bits"),
        ("0x" + "f" * 17, "the integer does not fit in 64 bits"),
        ("'a", "the string does not end"),
        ("'a\n'", "the string does not end"),
        ("'''a''", "the string does not end"),
        (r"'\'", "the string does not end"),
        (r"'\q'", r"\q is not an escape"),
        (r"'\x4'", r"\x is not an escape"),
        (r"'\ud800'", r"\ud800 is not an escape"),
        (r"'\U00110000'", r"\U00110000 is not an escape"),
        ("b'a'", "there are no bytes"),
        ("rb'a'", "there are no bytes"),
        ("1 = 2", "unexpected character '=': equality is written =="),
        ("true & true", "unexpected character '&': and is written &&"),
        ("true | true", "unexpected character '|': or is written ||"),
        ("1 # 2", "unexpected character '#'"),
        ("é", "unexpected character 'é'"),
        ("\uff11", "unexpected character '\uff11'"),  # a full-width digit one
        ("\0", r"unexpected character '\x00'"),
    ],
)
def test_refuses(source: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(source, params={})
    assert message in refusal.value.mistakes[0].message


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("0.5", 1, 1),
        ("1 + 0.5", 1, 5),
        ("1 +\n  0.5", 2, 3),
        ("'é' + // comment\r\n\t0.5", 2, 2),
        ("'''a\nb''' + 'c", 2, 8),
    ],
)
def test_places_are_lines_and_columns_from_one(source: str, line: int, column: int) -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(source, params={})
    assert (refusal.value.mistakes[0].line, refusal.value.mistakes[0].column) == (line, column)


def test_reads_on_behind_literals_that_are_not_allowed() -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(r"0.5 + 1u + 99999999999999999999 + '\q' + nothing", params={})
    assert [mistake.column for mistake in refusal.value.mistakes] == [1, 7, 12, 35, 42]


def test_a_mistake_reads_like_a_compilers() -> None:
    assert str(Mistake("no", line=2, column=7)) == "2:7: no"
