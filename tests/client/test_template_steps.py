"""Worked examples in steps: what a file says, and every mistake by its line."""

from decimal import Decimal

import pytest

from ledger_client.templates import (
    ExampleStep,
    ExpectedBalance,
    StepKind,
    TemplateFileError,
    load_template,
)

GOOD = """\
code: T
params: {from: {type: ACCOUNT}, amount: {type: DECIMAL, default: "1"}}
entries: [{account: a, direction: DEBIT, units: u, currency: c}]
example:
  doc: A story.
  accounts: {a b: DEBIT, c: CREDIT}
  steps:
    - post: sale
      params: {from: a b}
      balances: |
        a b 1.00 USD
        c   -1.00 USD 0.50
    - {post: other, template: DEPOSIT, params: {anything: x}}
    - doc: Held.
      place: stay
      params: {from: c, amount: "5"}
    - {capture: stay, params: {amount: "2"}, final: true, as: bill}
    - {release: stay, refused: HOLD_NOT_OPEN}
    - {reverse: bill}
    - {reverse: sale, params: {amount: "3"}}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(TemplateFileError) as caught:
        load_template(text)
    return [f"{problem.line}: {problem.message}" for problem in caught.value.problems]


def test_what_the_steps_say() -> None:
    (example,) = load_template(GOOD).examples
    assert (example.description, example.params, example.entries) == ("A story.", {}, ())
    post, other, place, capture, release, bill, part = example.steps
    assert post == ExampleStep(
        line=8,
        description="",
        kind=StepKind.POST,
        name="sale",
        template="",
        params={"from": "a b"},
        final=False,
        transaction_name="",
        refused="",
        balances=(
            ExpectedBalance("a b", Decimal("1.00"), "USD", None),
            ExpectedBalance("c", Decimal("-1.00"), "USD", Decimal("0.50")),
        ),
    )
    assert (other.template, other.params) == ("DEPOSIT", {"anything": "x"})
    assert (place.kind, place.name, place.description) == (StepKind.PLACE, "stay", "Held.")
    assert (capture.final, capture.transaction_name) == (True, "bill")
    assert capture.params == {"amount": "2"}
    assert (release.kind, release.refused) == (StepKind.RELEASE, "HOLD_NOT_OPEN")
    assert (bill.kind, bill.name, bill.params) == (StepKind.REVERSE, "bill", {})
    assert part.params == {"amount": "3"}


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("- post: sale", "- past: sale", "8: a step has one of post, place, capture, release, "),
        ("place: stay", "place: stay\n      post: x", "14: a step has one of post, place, "),
        ("      params: {from: a b}\n", "", "8: the step: params is missing"),
        ("{from: a b}", "{amount: '1'}", "9: the example gives no from, which has no default"),
        ('{amount: "2"}', '{amuont: "2"}', "17: unknown param: amuont; did you mean amount?"),
        ("1.00 USD\n", "1.00\n", "11: a b 1.00: write account amount CURRENCY [available]"),
        ("-1.00 USD 0.50", "-1.00 USD 0.5.0", "12: 0.5.0 is not an amount such as 12.34"),
        ("a b 1.00", "a 1.00", "11: unknown account of the example: a; known are a b, c"),
        ("capture: stay", "capture: stya", "17: unknown hold: stya; did you mean stay?"),
        ("reverse: bill", "reverse: bil", "19: unknown transaction: bil; did you mean bill?"),
        ("final: true", 'final: "true"', "17: final: true or false is needed here"),
        ("{release: stay,", "{release: stay, final: true,", "18: unknown key of the step: final"),
        ("  doc: A story.", "  params: {}", "5: unknown key of the example: params; "),
    ],
)  # fmt: skip
def test_every_mistake_by_its_line(right: str, wrong: str, expected: str) -> None:
    assert GOOD.count(right) == 1
    assert problems(GOOD.replace(right, wrong))[0].startswith(expected)


def test_there_is_something_to_do() -> None:
    head = GOOD[: GOOD.index("  steps:")]
    assert problems(f"{head}  steps: []\n") == ["7: steps: at least one is needed"]
    assert problems(f"{head}  steps: none\n") == ["7: steps: a list is needed here"]
