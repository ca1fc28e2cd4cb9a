"""Rules that change between the decision of a batch and its writing: the newest one counts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from ledger_server.store import postings
from tests.api.calls import reason
from tests.ledger import serving, transfer
from tests.model_rules.rules import WHOLE, RulesLedger, check_rules, new_id

Change = Callable[[RulesLedger], Awaitable[None]]

WHOLE_SET: dict[str, Any] = {"account_set": "outer", "scope": WHOLE}
CHANGES: dict[str, tuple[str, Change]] = {
    "attached": ("LIMIT_EXCEEDED", lambda other: other.attach("VELOCITY", account="ann")),
    "on a set": ("LIMIT_EXCEEDED", lambda other: other.attach("VELOCITY", account_set="outer")),
    "whole": ("LIMIT_EXCEEDED", lambda other: other.attach("MIN", **WHOLE_SET)),
    "lowered": ("LIMIT_EXCEEDED", lambda other: other.bound("LOW", "1")),
    "a member": ("LIMIT_EXCEEDED", lambda other: other.add("bound", "ann")),
    "closed": ("PERIOD_CLOSED", lambda other: other.close_days("2030-01-31")),
    "locked": ("PERIOD_LOCKED", lambda other: other.close_days("2030-01-31", soft=True)),
    "account": ("ACCOUNT_NOT_ACTIVE", lambda other: other.lock("ann")),
}


@pytest.fixture
async def ledgers(database_dsn: str) -> AsyncIterator[tuple[RulesLedger, RulesLedger]]:
    async with serving(database_dsn) as one, serving(database_dsn) as other:
        yield RulesLedger(one.channel), RulesLedger(other.channel)
        await check_rules(database_dsn, "main")


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("hold", [False, True])
async def test_the_newest_rule_counts(
    ledgers: tuple[RulesLedger, RulesLedger],
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    *,
    hold: bool,
) -> None:
    ledger, other = ledgers
    await ledger.open("cash")
    await ledger.open_credit("ann", "bob")
    await ledger.make_set("inner", "ann")
    await ledger.make_set("outer", sets=("inner",))
    await ledger.make_set("bound", "bob")
    await ledger.velocity("VELOCITY", "1")
    await ledger.velocity("LOW", "1000")
    await ledger.standing("MIN")
    await ledger.attach("LOW", account="ann")
    await ledger.attach("VELOCITY", account_set="bound")
    expected, change = CHANGES[how]
    write, changes = postings.write_batch_in_tx, [change]

    async def overtaken(*arguments: Any, **fields: Any) -> Any:
        if changes:
            await changes.pop()(other)
        return await write(*arguments, **fields)

    monkeypatch.setattr(postings, "write_batch_in_tx", overtaken)
    asked = transfer("ann", "cash", "5.00", transaction_id=new_id(), effective_date="2030-01-01")
    call: Awaitable[Any] = ledger.place(asked) if hold else ledger.post(asked)
    assert await reason(call) == expected
    assert not changes


@pytest.mark.parametrize("rival", ["ann", "bob"])
@pytest.mark.parametrize("kind", ["standing", "velocity", "whole"])
async def test_of_two_rivals_one_gets_what_is_there(
    ledgers: tuple[RulesLedger, RulesLedger],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    rival: str,
) -> None:
    """Two servers each want 60 of 100; one comes between the decision and the write of the other.

    They share no other account: one that both post to would have them meet anyway.
    """
    ledger, other = ledgers
    await ledger.open("cash", "till")
    await ledger.open_credit("ann", "bob")
    await ledger.make_set("outer", "ann", "bob")
    await ledger.standing("MIN")
    await ledger.velocity("OUT", "100")
    target = WHOLE_SET if kind == "whole" else {"account": "ann"}
    await ledger.attach("OUT" if kind == "velocity" else "MIN", **target)
    # Whatever row a limit needs is there from now on: the rival has only locks to wait for.
    await ledger.post(transfer("cash", "ann", "100.00"))
    await other.post(transfer("cash", "bob", "1.00"))
    write = postings.write_batch_in_tx
    rivals: list[asyncio.Task[Any]] = []

    async def slow(*arguments: Any, **fields: Any) -> Any:
        if not rivals:
            rivals.append(asyncio.create_task(other.post(transfer(rival, "till", "60.00"))))
            await asyncio.sleep(0.3)
        return await write(*arguments, **fields)

    monkeypatch.setattr(postings, "write_batch_in_tx", slow)
    first = asyncio.create_task(ledger.post(transfer("ann", "cash", "60.00")))
    await asyncio.wait([first])
    await asyncio.wait(rivals)
    losers = [one for one in (first, *rivals) if one.exception()]
    has_one = rival == "ann" or kind == "whole"
    assert [await reason(one) for one in losers] == ["LIMIT_EXCEEDED"] * has_one
    if kind != "standing":
        # What counts more than balances is decided under the head, for which the rival waits.
        assert losers == rivals * has_one
