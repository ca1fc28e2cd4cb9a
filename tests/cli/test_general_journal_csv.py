"""Books as CSV files: what is read, and every mistake with its row. No server."""

import csv
import datetime as dt
import io
import time
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger_client.cli.general_journal_csv import (
    JournalFile,
    missing_accounts,
    read_currencies,
    read_journal,
)
from ledger_client.models import Direction

HEADER = "date,transaction,description,account,debit,credit,currency"
EXPONENTS = {"USD": 2, "BTC": 8, "JPY": 0}


def read(*rows: str, accounts: list[str] | None = None) -> JournalFile:
    data = "\n".join((HEADER, *rows)).encode()
    return read_journal(data, exponents=EXPONENTS, accounts=accounts)


def test_reads_transactions_whose_rows_are_mixed() -> None:
    file = read(
        "2026-01-02,T1,Rent,Expenses:Rent,10.5,,USD",
        "2026-01-01,T2,,Assets:Cash,1,,JPY",
        "2026-01-02,T1,Rent,Assets:Cash,,10.50,USD",
        "2026-01-01,T2,,Income:Gift,,1,JPY",
    )

    assert file.problems == ()
    assert [each.external_id for each in file.transactions] == ["T1", "T2"]
    first, second = file.transactions
    assert (first.date, first.description) == (dt.date(2026, 1, 2), "Rent")
    assert [(line.row, line.account, line.direction) for line in first.lines] == [
        (2, "Expenses:Rent", Direction.DEBIT),
        (4, "Assets:Cash", Direction.CREDIT),
    ]
    assert [line.amount for line in first.lines] == [Decimal("10.5"), Decimal("10.50")]
    assert second.description == ""


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_takes_any_line_ends_and_a_byte_order_mark(line_end: str, mark: str) -> None:
    rows = (
        HEADER,
        '2026-01-02,T1,"Café, ""Zoë"" \u2028 x",Bücher,1,,USD',
        '2026-01-02,T1,"Café, ""Zoë"" \u2028 x",現金,,1,USD',
        "",
    )
    data = (mark + line_end.join(rows)).encode()

    file = read_journal(data, exponents=EXPONENTS, accounts=None)

    assert file.problems == ()
    assert file.transactions[0].description == 'Café, "Zoë" \u2028 x'
    assert [line.account for line in file.transactions[0].lines] == ["Bücher", "現金"]
    assert [line.row for line in file.transactions[0].lines] == [2, 3]


def test_a_row_is_numbered_by_the_line_it_begins_on() -> None:
    file = read(
        '2026-01-02,T1,"two\nlines",A,1,,USD',
        '2026-01-02,T1,"two\nlines",B,,1,USD',
        "",
        "2026-01-02,T2,x,A,1,,EUR",
    )
    assert [problem.row for problem in file.problems] == [7]


GOOD = "2026-01-02,T1,x,B,,1,USD"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-1-2,T1,x,A,1,,USD", "not a date such as"),
        ("2026-02-30,T1,x,A,1,,USD", "not a date such as"),
        ("20260102,T1,x,A,1,,USD", "not a date such as"),
        ("２026-01-02,T1,x,A,1,,USD", "not a date such as"),  # noqa: RUF001  # full-width 2
        ("2026-01-02,T1,x,A,,,USD", "both are empty"),
        ("2026-01-02,T1,x,A,1,1,USD", "both are filled"),
        ("2026-01-02,T1,x,A,1,0,USD", "both are filled"),
        ("2026-01-02,T1,x,A,0,,USD", "above zero"),
        ("2026-01-02,T1,x,A,-1,,USD", "no sign"),
        ("2026-01-02,T1,x,A,1e0,,USD", "without an exponent"),
        ("2026-01-02,T1,x,A,NaN,,USD", "not a plain amount"),
        ("2026-01-02,T1,x,A,1.001,,USD", "3 decimals, but the currency has 2"),
        ("2026-01-02,T1,x,A,1,,EUR", "unknown currency 'EUR'"),
        ("2026-01-02,T1,x,A,1,,usd", "unknown currency 'usd'"),
        ("2026-01-02,T1,x,,1,,USD", "account '': is empty"),
        ("2026-01-02,T1,x, A,1,,USD", "blanks at its ends"),
        ("2026-01-02,T1,x,A\t,1,,USD", "blanks at its ends"),
        ("2026-01-02,T1,x,A\x07B,1,,USD", "cannot be printed"),
        (f"2026-01-02,T1,x,{'A' * 256},1,,USD", "longer than 255"),
        ("2026-01-02,T1,x,6f2c9c0e-1d0f-4a3c-8d0b-6a1c1a1a1a1a,1,,USD", "form of a UUID"),
        (f"2026-01-02,T1,{'x' * 1025},A,1,,USD", "longer than 1024"),
        ("2026-01-02,T1,a\x00b,A,1,,USD", "control character"),
        ("2026-01-02,,x,A,1,,USD", "transaction '': is empty"),
        (f"2026-01-02,{'T' * 256},x,A,1,,USD", "longer than 255"),
        ("2026-01-02,T1,Acme, Inc,A,1,,USD", "8 fields instead of 7.*double quotes"),
        ("2026-01-02,T1,x,A,1", "5 fields instead of 7"),
        ("2026-01-02,T1,x,A,2,,USD", "debits 2, credits 1, difference 1"),
    ],
)
def test_tells_each_mistake_with_its_row(row: str, said: str) -> None:
    file = read(row, GOOD)
    assert file.transactions == ()
    assert file.problems[0].row == 2
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(file.problems[0].message)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-01-03,T1,x,B,,1,USD", "date '2026-01-03' differs from '2026-01-02' in row 2"),
        ("2026-01-02,T1,y,B,,1,USD", "description 'y' differs from 'x' in row 2"),
    ],
)
def test_a_transaction_has_one_date_and_one_description(row: str, said: str) -> None:
    file = read("2026-01-02,T1,x,A,1,,USD", row)
    assert [problem.row for problem in file.problems] == [3]
    assert said in file.problems[0].message


def test_each_currency_balances_by_itself() -> None:
    file = read(
        "2026-01-02,T1,x,A,1,,USD",
        "2026-01-02,T1,x,B,,1,JPY",
    )
    assert [problem.message.split(":")[0] for problem in file.problems] == [
        "transaction 'T1' does not balance in JPY",
        "transaction 'T1' does not balance in USD",
    ]


def test_sums_are_exact_beyond_28_digits() -> None:
    large = "1" + "0" * 35 + ".01"
    rows = [f"2026-01-02,T1,x,A,{large},,USD", "2026-01-02,T1,x,A,0.01,,USD"]
    off = read(*rows, f"2026-01-02,T1,x,B,,{large},USD")
    assert "difference 0.01" in off.problems[0].message


def test_more_than_a_thousand_lines_are_too_many() -> None:
    pairs = ["2026-01-02,T1,x,A,1,,USD", "2026-01-02,T1,x,B,,1,USD"]
    assert read(*pairs * 500).problems == ()
    assert "1002 lines, more than 1000" in read(*pairs * 501).problems[0].message


def test_an_unknown_name_is_told_once_with_what_is_near() -> None:
    rows = ["2026-01-02,T1,x,Asset:Cash,1,,USD", "2026-01-02,T1,x,Asset:Cash,,1,USD"]
    file = read(*rows, accounts=["Assets:Cash", "Income"])
    assert [(each.row, each.message) for each in file.problems] == [
        (2, "unknown account 'Asset:Cash', did you mean Assets:Cash? (and in 1 more row)")
    ]


def test_good_transactions_are_told_from_bad_ones() -> None:
    file = read(
        "2026-01-02,T1,x,A,1,,USD",
        "2026-01-02,T1,x,B,,1,USD",
        "2026-01-02,T2,x,A,1,,USD",
        "2026-01-02,T2,x,B,,oops,USD",
    )
    assert [each.external_id for each in file.transactions] == ["T1"]
    assert file.bad == ("T2",)
    assert not file.unassigned


@pytest.mark.parametrize("row", ["2026-01-02,,x,A,1,,USD", "2026-01-02,T1,x,y,A,1,,USD"])
def test_a_row_that_may_belong_anywhere_is_told(row: str) -> None:
    assert read("2026-01-02,T1,x,A,1,,USD", GOOD, row).unassigned


@pytest.mark.parametrize(
    ("data", "row", "said"),
    [
        (b"", 1, "the file is empty"),
        (b"\xef\xbb\xbf\n\n", 1, "the file is empty"),
        (b"date;transaction;description\n", 1, "separated by commas"),
        (HEADER.replace("debit", "Debit").encode(), 1, "unknown 'Debit'; missing debit"),
        (HEADER.encode() + b",note\n", 1, "unknown 'note'"),
        (HEADER.encode() + b",date\n", 1, "twice date"),
        (HEADER.encode() + b"\n2026-01-02,T1,caf\xe9,A,1,,USD\n", 2, "not UTF-8"),
        (HEADER.encode() + b'\n2026-01-02,T1,"never closed\n', 2, "cannot be read as CSV"),
    ],
)
def test_what_is_no_journal_file(data: bytes, row: int, said: str) -> None:
    file = read_journal(data, exponents=EXPONENTS, accounts=None)
    assert file.unassigned
    assert file.transactions == ()
    assert (file.problems[0].row, said in file.problems[0].message) == (row, True)


def test_columns_may_stand_in_any_order() -> None:
    data = (
        b"currency,credit,debit,account,description,transaction,date\n"
        b"USD,,1,A,x,T1,2026-01-02\nUSD,1,,B,x,T1,2026-01-02\n"
    )
    file = read_journal(data, exponents=EXPONENTS, accounts=None)
    assert [line.account for line in file.transactions[0].lines] == ["A", "B"]


@pytest.mark.parametrize(
    ("account", "side"),
    [
        ("Assets:Cash", Direction.DEBIT),
        ("expenses", Direction.DEBIT),
        ("LIABILITIES:Card", Direction.CREDIT),
        ("Income:Salary", Direction.CREDIT),
        ("Revenue", Direction.CREDIT),
        ("equity:conversion", Direction.CREDIT),
        ("1000", Direction.CREDIT),  # the side of its first line
    ],
)
def test_missing_accounts_get_a_side(account: str, side: Direction) -> None:
    file = read(f"2026-01-02,T1,x,{account},,1,USD", "2026-01-02,T1,x,Known,1,,USD")
    assert missing_accounts(file.transactions, {"Known"}) == {account: side}


@pytest.mark.parametrize(
    ("text", "exponents", "problems"),
    [
        ("currency,exponent\nGLD,0\nX.1_-,18\nGLD,0\n", {"GLD": 0, "X.1_-": 18}, []),
        ("currency,exponent\ngld,0\n", {}, [2]),
        ("currency,exponent\nGLD,\nA,19\nB,-1\nC,1.0\nD,²\n", {}, [2, 3, 4, 5, 6]),
        ("currency,exponent\nGLD,0\nGLD,1\n", {"GLD": 0}, [3]),
        ("currency,exponent\nUSD,3\n", {}, [2]),
        ("code,exponent\nUSD,2\n", {}, [1]),
    ],
)
def test_reads_currencies(text: str, exponents: dict[str, int], problems: list[int]) -> None:
    file = read_currencies(text.encode(), known={"USD": 2})
    assert file.exponents == exponents
    assert [problem.row for problem in file.problems] == problems


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


@st.composite
def books(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """Rows of transactions that balance, those of different transactions mixed."""
    per_transaction = []
    for external_id in draw(st.lists(names, min_size=1, max_size=5, unique=True)):
        date = draw(st.dates()).isoformat()
        description = draw(texts)
        rows = []
        for currency in draw(st.lists(st.sampled_from(list(EXPONENTS)), min_size=1, unique=True)):
            amount = Decimal(draw(st.integers(1, 10**15))).scaleb(-EXPONENTS[currency])
            head = (date, external_id, description)
            rows.append((*head, draw(names), f"{amount:f}", "", currency))
            rows.append((*head, draw(names), "", f"{amount:f}", currency))
        per_transaction.append(rows)
    mixed: list[tuple[str, ...]] = []
    while per_transaction:
        source = draw(st.sampled_from(per_transaction))
        mixed.append(source.pop(0))
        per_transaction = [rows for rows in per_transaction if rows]
    return mixed


def written(rows: list[tuple[str, ...]]) -> bytes:
    target = io.StringIO()
    csv.writer(target).writerows([HEADER.split(","), *rows])
    return target.getvalue().encode()


@given(books())
def test_all_that_balances_is_read_as_it_was_written(rows: list[tuple[str, ...]]) -> None:
    file = read_journal(written(rows), exponents=EXPONENTS, accounts=None)

    assert file.problems == ()
    expected = defaultdict(list)
    for date, external_id, description, account, debit, credit, currency in rows:
        amount = Decimal(debit or credit)
        side = Direction.DEBIT if debit else Direction.CREDIT
        expected[external_id].append((date, description, account, side, amount, currency))
    read_back = {
        each.external_id: [
            (
                each.date.isoformat(),
                each.description,
                line.account,
                line.direction,
                line.amount,
                line.currency,
            )
            for line in each.lines
        ]
        for each in file.transactions
    }
    assert read_back == expected
    assert list(read_back) == list(expected)


@given(books(), st.data())
def test_one_changed_amount_is_laid_to_its_transaction(
    rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(rows) - 1))
    date, external_id, description, account, debit, credit, currency = rows[index]
    more = f"{Decimal(debit or credit) + 1:f}"
    rows[index] = (
        *(date, external_id, description, account),
        *((more, "") if debit else ("", more)),
        currency,
    )

    file = read_journal(written(rows), exponents=EXPONENTS, accounts=None)

    assert file.bad == (external_id,)
    assert "difference 1" in file.problems[0].message


@given(st.binary(max_size=300))
@example(data=b",")
@example(data=b'"",\r\n,')
def test_no_bytes_break_it(data: bytes) -> None:
    is_blank = set(data) <= set(b',"\r\n')  # rows of empty fields, which a spreadsheet may leave
    for content in (data, HEADER.encode() + b"\n" + data):
        file = read_journal(content, exponents=EXPONENTS, accounts=None)
        assert file.transactions or file.problems or is_blank


def test_a_hundred_thousand_rows_take_seconds() -> None:
    rows = []
    for number in range(50_000):
        head = f"2026-01-02,T{number % 25_000},x"
        rows += [f"{head},Assets:{number % 997},1,,USD", f"{head},Income:{number % 991},,1,USD"]
    began = time.monotonic()
    file = read(*rows, accounts=[])  # all unknown: the slowest way through
    assert len(file.bad) == 25_000
    assert time.monotonic() - began < 20
