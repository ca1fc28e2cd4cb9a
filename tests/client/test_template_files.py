"""Template files: what they say, and every mistake by its line."""

import textwrap
from decimal import Decimal
from pathlib import Path

import pytest

from ledger_client import (
    REQUIRED,
    Direction,
    EntryDefinition,
    FieldViolation,
    InvalidRequestError,
    Layer,
    Param,
    ParamType,
    TransactionFields,
)
from ledger_client.templates import (
    ExpectedEntry,
    LoadedTemplate,
    TemplateFileError,
    load_template,
)

GOOD = """\
# Moves money.
code: TRANSFER
description: Moves money between two accounts.
params:
  from:     {type: ACCOUNT, doc: the account that gives}
  amount:   {type: DECIMAL}
  currency: {type: CURRENCY, default: USD}
  memo:
    type: STRING
    default: null
  day: {type: DATE, default: 2026-01-31}
  list: {type: JSON, default: [{a: "1.50", b: 3}, true]}
transaction:
  description: params.memo
entries:
  - account: params.from
    direction: DEBIT
    units: params.amount
    currency: params.currency
    layer: PENDING
  - {account: params.from, direction: CREDIT, units: "params.amount", currency: params.currency,
     when: "true", for_each: params.list}
examples:
  - doc: One.
    accounts: {a b: DEBIT, c: CREDIT}
    params: {from: a b, amount: "1.50"}
    entries: |
      DEBIT  a b SETTLED 1.50 USD

      CREDIT c PENDING 2 USD
  - {params: {from: a b, amount: "1"}, entries: ""}
"""


def problems(text: str) -> list[str]:
    """Return the mistakes of a file, each as `line: message`."""
    with pytest.raises(TemplateFileError) as caught:
        load_template(textwrap.dedent(text))
    return [f"{problem.line}: {problem.message}" for problem in caught.value.problems]


@pytest.fixture
def good() -> LoadedTemplate:
    return load_template(GOOD)


def test_what_a_file_says(good: LoadedTemplate) -> None:
    template = good.template
    assert (template.code, template.description) == (
        "TRANSFER",
        "Moves money between two accounts.",
    )
    assert template.params == [
        Param(name="from", type=ParamType.ACCOUNT, description="the account that gives"),
        Param(name="amount", type=ParamType.DECIMAL, default=REQUIRED),
        Param(name="currency", type=ParamType.CURRENCY, default="USD"),
        Param(name="memo", type=ParamType.STRING, default=None),
        Param(name="day", type=ParamType.DATE, default="2026-01-31"),
        Param(name="list", type=ParamType.JSON, default=[{"a": "1.50", "b": 3}, True]),
    ]
    assert template.transaction == TransactionFields(description="params.memo")
    assert template.entries[0] == EntryDefinition(
        account="params.from",
        direction="DEBIT",
        units="params.amount",
        currency="params.currency",
        layer="PENDING",
    )
    assert (template.entries[1].when, template.entries[1].for_each) == ("true", "params.list")


def test_what_an_example_says(good: LoadedTemplate) -> None:
    first, second = good.examples
    assert (first.line, first.description) == (24, "One.")
    assert first.accounts == {"a b": Direction.DEBIT, "c": Direction.CREDIT}
    assert first.params == {"from": "a b", "amount": "1.50"}
    assert first.entries == (
        ExpectedEntry(Direction.DEBIT, "a b", Layer.SETTLED, Decimal("1.50"), "USD"),
        ExpectedEntry(Direction.CREDIT, "c", Layer.PENDING, Decimal(2), "USD"),
    )
    assert second.entries == ()


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("code", 2),
        ("params", 4),
        ("params[0]", 5),
        ("params[0].type", 5),
        ("params.amount", 6),
        ("params[3].default_value", 10),
        ("params[3].description", 8),
        ("transaction.description", 14),
        ("transaction.external_id", 13),
        ("entries[0]", 16),
        ("entries[0].units", 18),
        ("entries[0].when", 16),
        ("entries[1].currency", 21),
        ("entries[1].for_each", 22),
        ("entries[1], item 12.units", 21),
        ("template.entries[0].layer", 20),
        ("entries[7].units", 15),
        ("journal", None),
        ("", None),
    ],
)
def test_place_of(good: LoadedTemplate, place: str, line: int | None) -> None:
    assert good.place_of(place) == line


def test_what_the_server_finds_is_located(good: LoadedTemplate) -> None:
    error = InvalidRequestError(
        "TEMPLATE_INVALID",
        "2 mistakes",
        violations=(
            FieldViolation("entries[0].units", "unknown param"),
            FieldViolation("journal", "required"),
        ),
    )
    assert good.located(error) == [
        "<text>:18: entries[0].units: unknown param",
        "<text>: journal: required",
    ]


def test_a_file_and_its_name(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(GOOD)
    assert load_template(path).source == str(path)

    path.write_text("code: T\nentries: []\nkinds: x\n")
    with pytest.raises(TemplateFileError) as caught:
        load_template(path)
    assert str(caught.value).splitlines() == [
        f"{path}:2: entries: at least one is needed",
        f"{path}:3: unknown key of the template: kinds; known are " + ", ".join(KEYS),
    ]

    path.write_bytes(b"code: \xff")
    with pytest.raises(TemplateFileError, match=r"t\.yaml:1: not UTF-8"):
        load_template(path)
    with pytest.raises(FileNotFoundError):
        load_template(tmp_path / "absent.yaml")


KEYS = ("code", "entries", "description", "params", "transaction", "example", "examples")
ENTRY = "{account: a, direction: DEBIT, units: u, currency: c}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1: the file is empty"]),
        ("# only a comment", ["1: the file is empty"]),
        ("just text", ["1: the template: a map (key: value) is needed here"]),
        ("- a\n- b", ["1: the template: a map (key: value) is needed here"]),
        (
            "code: T\n",
            ["1: the template: entries is missing"],
        ),
        (
            f"code: T\nentries: [{ENTRY}]\ncode: U\n",
            ["3: code is there twice, first in line 1"],
        ),
        (
            f"code: T\nentrys: [{ENTRY}]\n",
            [
                "1: the template: entries is missing",
                "2: unknown key of the template: entrys; did you mean entries?",
            ],
        ),
        (
            f"code: 12\nentries: [{ENTRY}]\n",
            ["1: code: a text is needed here; put an expression in quotes"],
        ),
        (
            f"code: T\nparams:\n  a: {{type: DECIMAL, default: 1.50}}\nentries: [{ENTRY}]\n",
            ['3: 1.50 is a float, which is not exact: write "1.50" in quotes'],
        ),
        (
            f"code: T\nparams:\n  a: {{type: DECIMAL, default: 1e3}}\nentries: [{ENTRY}]\n",
            ['3: 1e3 is a float, which is not exact: write "1e3" in quotes'],
        ),
        (
            f"code: T\nparams:\n  a: {{type: DECIMAL, default: .inf}}\nentries: [{ENTRY}]\n",
            ['3: .inf is a float, which is not exact: write ".inf" in quotes'],
        ),
        (
            f"code: T\nparams: {{a: {{type: DECIMEL}}}}\nentries: [{ENTRY}]\n",
            ["2: unknown type: DECIMEL; did you mean DECIMAL?"],
        ),
        (
            f"code: T\nparams: {{a: {{doc: no type}}, b: STRING}}\nentries: [{ENTRY}]\n",
            [
                "2: params.a: type is missing",
                "2: params.b: a map (key: value) is needed here",
            ],
        ),
        (
            f"code: T\nparams:\n  a: {{type: UUID, doc: ours, where it came}}\nentries: [{ENTRY}]",
            ["3: params.a: put a text with a comma in quotes: ... where it came"],
        ),
        (
            f"code: T\nparams:\n  a: {{type: STRING, default: no}}\nentries: [{ENTRY}]\n",
            ['3: YAML takes no for true or false: write "no"'],
        ),
        (
            f"code: T\nparams:\n  a: {{type: STRING, default: 010}}\nentries: [{ENTRY}]\n",
            ['3: YAML takes 010 for a number: write "010"'],
        ),
        (
            f"code: T\nparams:\n  a: {{type: STRING, default: 1:30}}\nentries: [{ENTRY}]\n",
            ['3: YAML takes 1:30 for a number: write "1:30"'],
        ),
        (
            f"code: T\nparams:\n  a: {{default: 2026-01-31 10:00:00}}\nentries: [{ENTRY}]",
            [
                '3: YAML takes 2026-01-31 10:00:00 for an instant: write "2026-01-31 10:00:00"',
                "3: params.a: type is missing",
            ],
        ),
        (
            "code: T\nentries:\n  - account: a\n    direction: DEBIT\n    unit: u\n    currency: c",
            [
                "3: entries[0]: units is missing",
                "5: unknown key of entries[0]: unit; did you mean units?",
            ],
        ),
        (
            "code: T\nentries: [{account: a, direction: DEBIT, units: 5, currency: c, when: true}]",
            [
                "2: units: a text is needed here; put an expression in quotes",
                "2: when: a text is needed here; put an expression in quotes",
            ],
        ),
        ("code: T\nentries: {}\n", ["2: entries: a list is needed here"]),
        ("code: T\nentries: []\n", ["2: entries: at least one is needed"]),
        (
            f"code: T\ntransaction: {{metadata: {{a: b}}, effective: x}}\nentries: [{ENTRY}]\n",
            [
                "2: metadata: a text is needed here; put an expression in quotes",
                "2: unknown key of transaction: effective; did you mean effective_date?",
            ],
        ),
        ("code: [T\n", ["2: expected ',' or ']', but got '<stream end>'"]),
        ("code: T\n---\ncode: U\n", ["2: but found another document"]),
        ("code: 'T\n", ["2: found unexpected end of stream"]),
        ("a: \x07\n", ["1: the character 7 is not allowed"]),
        (
            "code: T\nentries: &x [1]\nparams: *x\nexamples: *x\n",
            ["3: the alias *x is not supported", "4: the alias *x is not supported"],
        ),
        (
            f"code: T\n<<: {{a: b}}\nentries: [{ENTRY}]\n",
            ["2: '<<' is not supported here"],
        ),
        (
            f"code: !!python/object/apply:os.system ['true']\nentries: [{ENTRY}]\n",
            ["1: the tag tag:yaml.org,2002:python/object/apply:os.system is not supported"],
        ),
        (
            f"code: !!binary aGFsbG8=\nentries: [{ENTRY}]\n",
            ["1: 'aGFsbG8=' is not supported here"],
        ),
        (
            f"1: T\ncode: T\n? [a, b]\n: c\nentries: [{ENTRY}]\n",
            [
                "1: the key '1' is not a string: quote it",
                "3: the key of several values is not a string: quote it",
            ],
        ),
    ],
)  # fmt: skip
def test_every_mistake_by_its_line(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


EXAMPLE = f"""\
code: T
params: {{from: {{type: ACCOUNT}}, n: {{type: INTEGER, default: 1}}}}
entries: [{ENTRY}]
example:
  accounts: {{a: DEBIT}}
  params: {{from: a}}
  entries: |
    DEBIT a SETTLED 1.00 USD
"""


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("params: {from: a}", "params: {n: 2}", "6: the example gives no from, "),
        ("{from: a}", "{from: a, m: 1}", "6: unknown param: m; known are from, n"),
        ("{a: DEBIT}", "{a: DEBET}", "5: accounts: a needs DEBIT or CREDIT, its normal side"),
        ("DEBIT a S", "DEBET a S", "8: unknown direction: DEBET; did you mean DEBIT?"),
        ("SETTLED", "SETTELD", "8: unknown layer: SETTELD; did you mean SETTLED?"),
        ("1.00 USD", "1,00 USD", "8: 1,00 is not an amount such as 12.34"),
        ("1.00 USD", "-1.00 USD", "8: -1.00 is not an amount such as 12.34"),
        ("DEBIT a S", "DEBIT b S", "8: unknown account of the example: b; known are a"),
        ("1.00 USD", "USD", "8: DEBIT a SETTLED USD: write DIRECTION account LAYER"),
        ("{from: a}", "{from: 1.5}", "6: 1.5 is a float, which is not exact"),
        ("  params: {from: a}\n", "", "4: the example: params is missing"),
        ("{a: DEBIT}", "{a: DEBIT}\n  note: x", "6: unknown key of the example: note; "),
    ],
)  # fmt: skip
def test_every_mistake_of_an_example(right: str, wrong: str, expected: str) -> None:
    assert load_template(EXAMPLE)
    assert EXAMPLE.count(right) == 1
    found = problems(EXAMPLE.replace(right, wrong))
    assert found[0].startswith(expected)


def test_a_file_that_is_too_long_or_too_deep_is_not_read() -> None:
    assert problems("a" * 300_000) == ["1: longer than 262144 characters"]
    assert problems("[" * 5_000 + "]" * 5_000) == ["1: nested deeper than 24"]
