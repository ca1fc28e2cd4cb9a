"""Another server commits between the reads of a decision: what nothing is written for either."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from ledger_server.store import holds, reversals
from tests.ledger import serving, transfer
from tests.model_rules.rules import RulesLedger, check_rules, new_id

Ledgers = tuple[RulesLedger, RulesLedger]


@pytest.fixture
async def ledgers(database_dsn: str) -> AsyncIterator[Ledgers]:
    """One journal as two servers serve it."""
    async with serving(database_dsn) as one, serving(database_dsn) as other:
        mine, its = RulesLedger(one.channel), RulesLedger(other.channel)
        await mine.open("cash", "income")
        yield mine, its
        await check_rules(database_dsn, "main")


def _before(
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    name: str,
    act: Callable[[], Awaitable[Any]],
) -> None:
    """Have `act` done once, right before a batch reads through `module.name`."""
    read = getattr(module, name)

    async def later(*arguments: Any) -> Any:
        monkeypatch.setattr(module, name, read)
        await act()
        return await read(*arguments)

    monkeypatch.setattr(module, name, later)


async def test_a_capture_sent_to_both_servers_is_answered_by_both(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ids are looked up before the hold: it must not be found captured by a stranger."""
    mine, its = ledgers
    asked = transfer("income", "cash", "10.00")
    await mine.place(asked)
    capture_id = new_id()
    _before(
        monkeypatch,
        holds,
        "find_in_tx",
        lambda: its.capture(asked.transaction_id, capture_id=capture_id),
    )
    answer = await mine.capture(asked.transaction_id, capture_id=capture_id)
    assert answer.replayed
    assert answer.transaction == await mine.get(capture_id)


async def test_a_reversal_sent_to_both_servers_is_answered_by_both(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, its = ledgers
    asked = transfer()
    await mine.post(asked)
    reversal_id = new_id()
    _before(
        monkeypatch,
        reversals,
        "reversed_in_tx",
        lambda: its.reverse(asked.transaction_id, transaction_id=reversal_id),
    )
    answer = await mine.reverse(asked.transaction_id, transaction_id=reversal_id)
    assert answer.replayed
    assert answer.transaction == await mine.get(reversal_id)
