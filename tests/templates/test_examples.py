"""Each built-in template does what the examples in its file say: in the domain, and posted.

Examples in steps have their runner in `test_example_steps.py`.
"""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ledger_client import LedgerClient
from ledger_client.convert import encode
from ledger_client.convert.params import to_struct
from ledger_client.templates import (
    ExpectedEntry,
    LoadedTemplate,
    TemplateExample,
    library,
    load_template,
)
from ledger_server.domain.balancing import check_balanced
from ledger_server.domain.iso4217 import BUILT_IN_CURRENCIES
from ledger_server.domain.primitives import Direction
from ledger_server.domain.template_compiler import compile_template
from ledger_server.domain.transaction import BalanceKey, DraftEntry
from ledger_server.domain.tx_template import CompiledTemplate, evaluate_entries, evaluate_fields
from ledger_server.store.template_codec import template_of
from ledger_server.store.transaction_codec import struct_values
from tests.ledger import serving

LIBRARY = library()
FOLDER = Path(__file__).resolve().parents[2] / "templates"
EXPONENTS = {currency.code: currency.exponent for currency in BUILT_IN_CURRENCIES}
EXAMPLES = [
    pytest.param(loaded, example, id=f"{loaded.source}:{example.line}")
    for loaded in LIBRARY
    for example in loaded.examples
    if not example.steps
]

Line = tuple[str, str, str, str, str]


def compiled(loaded: LoadedTemplate) -> CompiledTemplate:
    """Compile a template as it reaches the server."""
    return compile_template(template_of(encode.new_tx_template(loaded.template)))


def as_lines(expected: Sequence[ExpectedEntry]) -> list[Line]:
    """Write entries as the examples do; an amount counts by its value."""
    return [
        (
            one.direction.name,
            one.account,
            one.layer.name,
            f"{one.units:.{EXPONENTS[one.currency]}f}",
            one.currency,
        )
        for one in expected
    ]


def evaluated(template: CompiledTemplate, example: TemplateExample) -> list[Line]:
    """Return what the domain makes of an example, balanced."""
    params = template.bind(struct_values(to_struct(example.params)))
    evaluate_fields(template, params, EXPONENTS)
    entries = evaluate_entries(template, params, EXPONENTS)
    accounts = {code: uuid.uuid4() for code in example.accounts}
    check_balanced(
        [
            DraftEntry(
                BalanceKey(accounts[str(one.account)], one.currency),
                str(one.account),
                one.direction,
                one.layer,
                one.units,
            )
            for one in entries
        ]
    )
    return [
        (one.direction.name, str(one.account), one.layer.name, str(one.units), one.currency)
        for one in entries
    ]


def test_the_library_is_the_folder() -> None:
    files = sorted(str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.yaml"))
    assert [loaded.source for loaded in LIBRARY] == files
    codes = [loaded.template.code for loaded in LIBRARY]
    assert len(set(codes)) == len(codes)
    assert [Path(loaded.source).stem.upper() for loaded in LIBRARY] == codes
    assert set(codes) >= {
        "TRANSFER",
        "DEPOSIT",
        "WITHDRAWAL",
        "FEE",
        "FX_TRADE",
        "GENERAL_JOURNAL",
        "OPENING_BALANCE",
    }


@pytest.mark.parametrize("loaded", LIBRARY, ids=lambda loaded: loaded.source)
def test_every_template_shows_and_explains_itself(loaded: LoadedTemplate) -> None:
    assert loaded.examples, "a template without an example is not tested"
    assert loaded.template.description
    assert all(param.description for param in loaded.template.params)


@pytest.mark.parametrize(("loaded", "example"), EXAMPLES)
def test_an_example_comes_true(loaded: LoadedTemplate, example: TemplateExample) -> None:
    assert evaluated(compiled(loaded), example) == as_lines(example.entries)


@pytest.mark.parametrize("loaded", LIBRARY, ids=lambda loaded: loaded.source)
def test_every_entry_and_every_param_is_in_some_example(loaded: LoadedTemplate) -> None:
    template = compiled(loaded)
    places: set[str] = set()
    for example in loaded.examples:
        if example.steps:
            continue
        params = template.bind(struct_values(to_struct(example.params)))
        found = evaluate_entries(template, params, EXPONENTS)
        places |= {one.place.partition(",")[0] for one in found}
    assert places == {entry.place for entry in template.entries}
    given = {name for example in loaded.examples for name in example.params}
    required = {name for name, param in template.params.items() if not param.has_default}
    assert required <= given


def test_an_example_that_is_wrong_is_seen() -> None:
    text = (FOLDER / "core" / "transfer.yaml").read_text()
    wrong = load_template(text.replace("100.00 USD", "100.01 USD"))
    assert evaluated(compiled(wrong), wrong.examples[0]) != as_lines(wrong.examples[0].entries)
    assert evaluated(compiled(wrong), wrong.examples[1]) == as_lines(wrong.examples[1].entries)


async def test_the_examples_post(database_dsn: str) -> None:
    """On a running server, each example in a journal of its own."""
    async with serving(database_dsn) as running, LedgerClient.connect(running.address) as ledger:
        for number, param in enumerate(EXAMPLES):
            loaded, example = param.values
            assert isinstance(loaded, LoadedTemplate)
            assert isinstance(example, TemplateExample)
            journal = f"books-{number}"
            await ledger.create_journal(journal)
            for code, side in example.accounts.items():
                await ledger.create_account(journal, code, normal_side=side)
            await ledger.create_tx_template(journal, loaded.template)
            await check_posted(ledger, journal, loaded, example)


async def check_posted(
    ledger: LedgerClient, journal: str, loaded: LoadedTemplate, example: TemplateExample
) -> None:
    """Post an example and compare the entries in the answer, and the books, with what it says."""
    result = await ledger.post(journal, loaded.template.code, example.params)
    entries = result.transaction.entries
    posted = [
        (one.direction.name, one.account_code, one.layer.name, str(one.units), one.currency)
        for one in entries
    ]
    assert posted == as_lines(example.entries), f"{loaded.source}:{example.line}"
    nets: Mapping[tuple[str, str], object] = {
        (row.code, row.currency): row.columns.closing_debit - row.columns.closing_credit
        for row in (await ledger.get_trial_balance(journal)).rows
    }
    for code in example.accounts:
        for currency in {one.currency for one in example.entries}:
            net = sum(
                one.units if one.direction.name == Direction.DEBIT.name else -one.units
                for one in example.entries
                if (one.account, one.currency, one.layer.name) == (code, currency, "SETTLED")
            )
            assert nets.get((code, currency), 0) == net
