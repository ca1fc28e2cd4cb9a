"""Records as tables, JSON and CSV. No server."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from ledger_client.cli.failures import print_error
from ledger_client.cli.rendering import (
    Column,
    Grid,
    Output,
    Record,
    columns,
    csv_text,
    json_text,
    plain_table,
    print_grid,
    print_record,
    print_records,
)

TITLES = columns("account", "#amount", "currency")
RECORDS: list[Record] = [
    {"account": "Assets:Bücher", "amount": Decimal("1234.50"), "currency": "USD"},
    {"account": "現金", "amount": Decimal("-0.00000001"), "currency": "BTC"},
    {"account": "x", "amount": None, "currency": "JPY"},
]


def test_a_table_sets_numbers_to_the_right() -> None:
    assert plain_table(Grid(TITLES, RECORDS, footer=[{"account": "TOTAL"}])).splitlines() == [
        "account             amount  currency",
        "-------------  -----------  --------",
        "Assets:Bücher      1234.50  USD",
        "現金           -0.00000001  BTC",
        "x                           JPY",
        "-------------  -----------  --------",
        "TOTAL",
    ]


def test_a_narrow_terminal_cuts_texts_at_their_beginning_but_never_numbers() -> None:
    record = {"account": "Assets:Bank:Checking", "closing_debit": Decimal("1234567.89")}
    table = plain_table(Grid(columns("account", "#closing_debit"), [record]), width=26)
    assert table.splitlines() == [
        "                   closing",
        "account              debit",
        "--------------  ----------",
        "…Bank:Checking  1234567.89",
    ]
    narrower = plain_table(Grid(columns("account", "#closing_debit"), [record]), width=5)
    assert "1234567.89" in narrower
    whole = "6f2c9c0e-1d0f-4a3c-8d0b-6a1c1a1a1a1a"
    assert whole in plain_table(Grid(columns("id"), [{"id": UUID(whole)}]), width=10)


def test_nothing_is_cut_and_nothing_coloured_where_no_terminal_is() -> None:
    target = io.StringIO()
    long = "A" * 300
    print_grid(Console(file=target, width=80), Grid(TITLES, [{"account": long}]))
    assert long in target.getvalue()
    assert "\x1b" not in target.getvalue()


def test_a_terminal_is_not_told_what_to_do_by_data() -> None:
    record = {"account": "a\x1b[2Jb\nc\u202ed"}
    assert "a\\x1b[2Jb\\nc\\u202ed" in plain_table(Grid(TITLES, [record]))
    target = io.StringIO()
    print_record(Console(file=target, markup=False), Output.TABLE, record)
    assert target.getvalue() == "account  a\\x1b[2Jb\\nc\\u202ed\n"


def test_json_has_amounts_as_strings_and_characters_as_they_are() -> None:
    value = {
        "amount": Decimal("1E+3"),
        "zero": Decimal("-0.00"),
        "date": dt.date(2026, 1, 31),
        "time": dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC),
        "id": UUID(int=1),
        "name": "Bücher",
        "count": 3,
        "flag": True,
        "none": None,
        "list": (Decimal("0.10"),),
    }
    assert json.loads(json_text(value)) == {
        "amount": "1000",
        "zero": "0.00",
        "date": "2026-01-31",
        "time": "2026-01-31T12:00:00+00:00",
        "id": "00000000-0000-0000-0000-000000000001",
        "name": "Bücher",
        "count": 3,
        "flag": True,
        "none": None,
        "list": ["0.10"],
    }
    assert "Bücher" in json_text(value)


def test_csv_is_quoted_where_needed_and_has_a_header_without_rows() -> None:
    record = {"account": 'a,"b"\nc', "amount": Decimal("1.50"), "currency": None}
    assert csv_text(TITLES, [record]) == 'account,amount,currency\n"a,""b""\nc",1.50,'
    assert csv_text(TITLES, []) == "account,amount,currency"


@pytest.mark.parametrize(
    ("output", "written"),
    [
        (Output.TABLE, "nothing here\n"),
        (Output.JSON, "[]\n"),
        (Output.CSV, "account,amount,currency\n"),
    ],
)
def test_an_empty_list(output: Output, written: str) -> None:
    target = io.StringIO()
    print_records(Console(file=target), output, TITLES, [], nothing="nothing here")
    assert target.getvalue() == written


@given(st.lists(st.tuples(st.text(max_size=20), st.decimals(allow_nan=False, places=4))))
def test_every_line_of_a_table_is_as_wide_and_csv_reads_back(
    rows: list[tuple[str, Decimal]],
) -> None:
    records = [{"amount": amount, "account": name} for name, amount in rows if amount.is_finite()]
    titles = [Column("account"), Column("amount", is_number=True)]
    lines = plain_table(Grid(titles, records)).split("\n")
    assert len(lines) == len(records) + 2
    assert len({cell_len(line) for line in lines}) == 1
    read = list(csv.reader(io.StringIO(csv_text(titles, records), newline="")))
    assert len(read) == len(records) + 1
    for (_, text), record in zip(read[1:], records, strict=True):
        assert Decimal(text) == record["amount"]


def test_on_a_terminal_only_titles_are_coloured() -> None:
    target = io.StringIO()
    console = Console(file=target, force_terminal=True, color_system="standard", width=80)
    print_record(console, Output.TABLE, {"code": "MAIN"})
    print_error(console, "no such thing", hint="look elsewhere")
    print_grid(console, Grid(columns("account"), [{"account": "x"}]))
    assert target.getvalue().splitlines() == [
        "\x1b[1mcode\x1b[0m  MAIN",
        "\x1b[1;31merror: \x1b[0mno such thing",
        "\x1b[1;36mhint: \x1b[0mlook elsewhere",
        "\x1b[1maccount\x1b[0m",
        "\x1b[2m-------\x1b[0m",
        "x",
    ]
