"""The worked examples that take several steps, on a running server."""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest

from ledger_client import LedgerClient, LedgerError, new_id
from ledger_client.templates import (
    ExampleStep,
    LoadedTemplate,
    StepKind,
    TemplateExample,
    library,
    load_template,
)
from tests.ledger import serving

LIBRARY = library()
FOLDER = Path(__file__).resolve().parents[2] / "templates"
EXAMPLES = [(loaded, example) for loaded in LIBRARY for example in loaded.examples if example.steps]


class Play:
    """One example in a journal of its own: does its steps and looks at the balances."""

    def __init__(self, ledger: LedgerClient, loaded: LoadedTemplate) -> None:
        self.ledger = ledger
        self.loaded = loaded
        self.journal = f"play-{new_id()}"
        #: Ids of holds and of transactions, by the names that the example gives them.
        self.holds: dict[str, UUID] = {}
        self.transactions: dict[str, UUID] = {}

    async def run(self, example: TemplateExample) -> None:
        await self.ledger.create_journal(self.journal)
        for one in LIBRARY:
            await self.ledger.create_tx_template(self.journal, one.template)
        await self.ledger.create_tx_template(self.journal, self.loaded.template)
        for code, side in example.accounts.items():
            await self.ledger.create_account(self.journal, code, normal_side=side)
        for step in example.steps:
            await self.step(step)

    async def step(self, step: ExampleStep) -> None:
        """Do a step as it is written, and see that it comes out so."""
        place = f"{self.loaded.source}:{step.line}"
        deeds: dict[StepKind, Callable[[ExampleStep], Awaitable[None]]] = {
            StepKind.POST: self.post,
            StepKind.PLACE: self.place,
            StepKind.CAPTURE: self.capture,
            StepKind.RELEASE: self.release,
            StepKind.REVERSE: self.reverse,
        }
        reason = ""
        try:
            await deeds[step.kind](step)
        except LedgerError as error:
            reason = error.reason
        assert reason == step.refused, place
        for expected in step.balances:
            found = await self.ledger.get_balance(self.journal, expected.account, expected.currency)
            assert found.settled.net == expected.amount, f"{place}: {expected.account}"
            if expected.available is not None:
                assert found.available == expected.available, f"{place}: {expected.account}"

    async def post(self, step: ExampleStep) -> None:
        code = step.template or self.loaded.template.code
        result = await self.ledger.post(self.journal, code, step.params)
        self.transactions[step.name] = result.transaction.id

    async def place(self, step: ExampleStep) -> None:
        code = self.loaded.template.code
        result = await self.ledger.place_hold(self.journal, code, step.params)
        self.holds[step.name] = result.hold.id

    async def capture(self, step: ExampleStep) -> None:
        hold_id = self.holds[step.name]
        result = await self.ledger.capture_hold(
            self.journal, hold_id, step.params, final=step.final
        )
        if step.transaction_name:
            self.transactions[step.transaction_name] = result.transaction.id

    async def release(self, step: ExampleStep) -> None:
        await self.ledger.release_hold(self.journal, self.holds[step.name])

    async def reverse(self, step: ExampleStep) -> None:
        await self.ledger.reverse_transaction(
            self.journal,
            self.transactions[step.name],
            effective_date=dt.datetime.now(dt.UTC).date(),
            params=step.params,
        )


@pytest.fixture
async def ledger(database_dsn: str) -> AsyncIterator[LedgerClient]:
    async with serving(database_dsn) as running, LedgerClient.connect(running.address) as client:
        yield client


def test_the_three_stories_are_told() -> None:
    told = {loaded.template.code for loaded, _example in EXAMPLES}
    assert told >= {"CARD_PURCHASE", "WITHDRAWAL_REQUEST", "PURCHASE"}
    kinds = {step.kind for _loaded, example in EXAMPLES for step in example.steps}
    assert kinds == set(StepKind)


async def test_each_comes_true(ledger: LedgerClient) -> None:
    for loaded, example in EXAMPLES:
        await Play(ledger, loaded).run(example)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("customer:ann 476.00 EUR", "customer:ann 476.01 EUR"),
        ("refused: ALREADY_REVERSED", "refused: REVERSAL_EXCEEDS"),
        ("        refused: REVERSAL_EXCEEDS\n", ""),
        ("owed:tax     95.00  EUR\n", "owed:tax     95.00  EUR 95.01\n"),
    ],
)
async def test_one_that_is_wrong_is_seen(ledger: LedgerClient, right: str, wrong: str) -> None:
    text = (FOLDER / "core" / "purchase.yaml").read_text()
    assert text.count(right) == 1
    loaded = load_template(text.replace(right, wrong))
    with pytest.raises(AssertionError, match=r"<text>:\d+"):
        await Play(ledger, loaded).run(loaded.examples[1])
