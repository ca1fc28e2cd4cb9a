"""Which calls are taken together, and which are waited for."""

import asyncio
import uuid

from ledger_server.application.group import Group
from ledger_server.application.waiting import GATHERED_CALLS, Waiting
from ledger_server.domain.transaction import PostCommand


def call() -> Group:
    command = PostCommand(
        transaction_id=uuid.uuid4(), template_code="TRANSFER", template_version=None, params={}
    )
    return Group([command], [], 1, atomic=False)


async def test_one_caller_alone_is_never_kept() -> None:
    waiting = Waiting()
    for _ in range(100):
        waiting.add(call())
        gathering = asyncio.create_task(waiting.gather())
        await asyncio.sleep(0)
        assert gathering.done(), "in its first turn"
        assert len(waiting.take()) == 1


async def test_of_many_callers_a_batch_waits_for_more() -> None:
    waiting = Waiting()
    for _ in range(5):
        waiting.add(call())
        waiting.add(call())
        gathering = asyncio.create_task(waiting.gather())
        await asyncio.sleep(0)
        assert not gathering.done()
        for _ in range(GATHERED_CALLS - 2):
            waiting.add(call())
        await gathering
        assert len(waiting.take()) == GATHERED_CALLS


async def test_what_does_not_come_is_not_waited_for() -> None:
    waiting = Waiting()
    for _ in range(20):
        waiting.add(call())
        waiting.add(call())
        await waiting.gather()
        assert len(waiting.take()) == 2
