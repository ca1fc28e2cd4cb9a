"""Arguments as typed. No server."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import typer

from ledger_client.cli.arguments import (
    parse_date,
    parse_id,
    parse_metadata,
    parse_moment,
    parse_params,
    parse_seconds,
    parse_sequence,
    parse_span,
    parse_units,
)


@pytest.mark.parametrize(
    ("argument", "params"),
    [
        ("amount=12.30", {"amount": "12.30"}),
        ("memo=a=b := c", {"memo": "a=b := c"}),
        ("memo=", {"memo": ""}),
        ("memo=two\nlines", {"memo": "two\nlines"}),
        ("flag:=true", {"flag": True}),
        ("none:=null", {"none": None}),
        ("count:=12", {"count": 12}),
        ("amount:=12.30", {"amount": Decimal("12.30")}),
        ("x:=[1.10, -0.5]", {"x": [Decimal("1.10"), Decimal("-0.5")]}),
        ('lines:=[{"debit": "1.00"}]', {"lines": [{"debit": "1.00"}]}),
    ],
)
def test_params(argument: str, params: dict[str, Any]) -> None:
    parsed = parse_params([argument])
    assert parsed == params
    assert str(parsed) == str(params)  # 12.30 is not 12.3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["amount"], "name=value"),
        (["=1"], "name=value"),
        (["1a=1"], "name=value"),
        (["a=1", "a=2"], "a is given twice"),
        (["a:=oops"], "a text needs no JSON"),
        (["a:=[1,"], "not JSON at character"),
        (["a:=NaN"], "not a number"),
        (["a:=-Infinity"], "not a number"),
        (["a:=1e5"], "cannot be taken exactly"),
        (["a:=1.5e999999999"], "cannot be taken exactly"),
        (["a:=0." + "1" * 50], "cannot be taken exactly"),
        (["a:=" + "9" * 5000], "longer than"),
        (['a:={"b": 1, "b": 2}'], "twice"),
        (["a:=" + "[" * 100_000], "nested too deeply"),
    ],
)
def test_params_that_are_none(arguments: list[str], said: str) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        parse_params(arguments)


def test_metadata() -> None:
    assert parse_metadata(None) is None
    assert parse_metadata(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    for wrong in (["a"], ["=b"], ["a=1", "a=2"]):
        with pytest.raises(typer.BadParameter):
            parse_metadata(wrong)


def test_days_ids_and_numbers() -> None:
    assert parse_date("2026-02-28") == dt.date(2026, 2, 28)
    assert parse_sequence("12") == 12
    assert parse_seconds("0.5") == 0.5
    for parse, wrong in (
        (parse_date, "2026-02-29"),
        (parse_date, "20260228"),
        (parse_id, "no"),
        (parse_sequence, "0"),
        (parse_sequence, "-1"),
        (parse_sequence, "１"),  # noqa: RUF001  # a full-width digit is the case
        (parse_seconds, "0"),
        (parse_seconds, "nan"),
        (parse_seconds, "1e9"),
    ):
        with pytest.raises(typer.BadParameter):
            parse(wrong)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1h30m", 5_400),
        ("7d", 604_800),
        ("1d2h3m4s", 93_784),
        ("365250d", 31_557_600_000),
    ],
)
def test_a_span(text: str, seconds: int) -> None:
    assert parse_span(text) == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "7", "1w", "-1d", "1m1h", "0s", "1.5h", "365251d", "\u0661d"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_span(text)


def test_a_moment() -> None:
    expected = dt.datetime(2026, 1, 31, 17, tzinfo=dt.UTC)
    for text in ("2026-01-31T18:00:00+01:00", "2026-01-31T17:00Z", "2026-01-31 17:00:00Z"):
        assert parse_moment(text) == expected
    ahead = parse_moment("+2h") - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=1, minutes=59) < ahead <= dt.timedelta(hours=2)
    for text in (
        "2026-01-31",
        "2026-01-31T18:00:00",
        "18:00",
        "9999-12-31T23:30:00-01:00",
        "now",
        "+",
        "",
    ):
        with pytest.raises(typer.BadParameter):
            parse_moment(text)


def test_an_amount_may_be_below_zero() -> None:
    assert parse_units("-12.50") == Decimal("-12.50")
    for text in ("1e3", "1,5", "NaN", ""):
        with pytest.raises(typer.BadParameter):
            parse_units(text)
