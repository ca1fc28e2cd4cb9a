"""A batch costs the same number of statements, however much is in it."""

import asyncio
import inspect
from typing import Any

import asyncpg
import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.application import look_ups
from ledger_server.store import postings
from tests.ledger import ATOMIC, INDEPENDENT, Serving, lines, serving, transfer
from tests.model_rules.rules import RulesLedger

#: write_batch.
STATEMENTS_PER_BATCH = 1
#: The same batch where a balance is not remembered, as it does not exist yet: read_balances before.
STATEMENTS_WITH_NEW_BALANCES = 2


async def _statements(running: Serving, requests: list[pb.TransactionRequest], mode: int) -> int:
    before = running.app.database.statement_count
    results = await running.ledger.post_all(requests, mode)
    assert not any(result.HasField("refusal") for result in results)
    return running.app.database.statement_count - before


@pytest.mark.parametrize("mode", [ATOMIC, INDEPENDENT])
async def test_statements_do_not_grow_with_the_batch(database_dsn: str, mode: int) -> None:
    accounts = [f"account-{number}" for number in range(100)]
    async with serving(database_dsn) as running:
        # Its statements would count too.
        await running.app.sweeper.close()
        await running.app.checkpointer.close()
        ledger = running.ledger
        await ledger.open(*accounts)

        def batch(size: int) -> list[pb.TransactionRequest]:
            return [
                transfer(accounts[number % 100], accounts[(number + 1) % 100], external_id=f"{id_}")
                for number, id_ in enumerate(range(next_id[0], next_id[0] + size))
            ]

        next_id = [0]

        async def statements(size: int) -> int:
            requests = batch(size)
            next_id[0] += size
            return await _statements(running, requests, mode)

        # Fills the memory of templates and accounts, and makes the balances.
        await statements(500)
        assert [await statements(size) for size in (1, 2, 500, 1_000)] == [STATEMENTS_PER_BATCH] * 4

        def new(currency: str, size: int) -> list[pb.TransactionRequest]:
            return [
                lines(
                    f"DEBIT {accounts[n % 100]} 1 {currency}", f"CREDIT {accounts[0]} 1 {currency}"
                )
                for n in range(1, size + 1)
            ]

        await _statements(running, [lines("DEBIT account-0 1 CHF", "CREDIT account-1 1 CHF")], mode)
        for currency, size in (("EUR", 1), ("GBP", 99)):
            count = await _statements(running, new(currency, size), mode)
            assert count == STATEMENTS_WITH_NEW_BALANCES

        # A retry writes nothing. The first is met by the write, which has balances and head read
        # again; from then on the look-up of ids is all.
        again = batch(500)
        for one, id_ in zip(again, range(500), strict=True):
            one.external_id = f"again-{id_}"
        assert await _statements(running, again, mode) == STATEMENTS_PER_BATCH
        assert await _statements(running, again, mode) == STATEMENTS_PER_BATCH + 3
        assert [await _statements(running, again, mode) for _ in range(3)] == [1] * 3
        looked_up = look_ups.AFTER_UNPROVEN - 4
        assert [await statements(1) for _ in range(looked_up)] == [2] * looked_up
        assert await statements(1) == STATEMENTS_PER_BATCH


async def test_holds_and_reversals_are_written_by_the_one_statement(database_dsn: str) -> None:
    """What they refer to is read before: the record, its ids, what is left of it."""
    async with serving(database_dsn) as running:
        await running.app.sweeper.close()
        await running.app.checkpointer.close()
        ledger = RulesLedger(running.channel)
        await ledger.open("cash", "income")
        await ledger.post(transfer())

        async def statements(*calls: Any) -> int:
            before = running.app.database.statement_count
            await asyncio.gather(*calls)
            return running.app.database.statement_count - before

        part = {"amount": "2.00"}
        # Templates are remembered by the version that a record names, too.
        remembered = transfer("income", "cash", "9.00")
        await ledger.place(remembered)
        await ledger.capture(remembered.transaction_id, part)

        first, second, taken_back = (transfer("income", "cash", "9.00") for _ in range(3))
        reading = len(("find_transactions", "find_known", "find_holds"))
        assert await statements(ledger.post(taken_back)) == STATEMENTS_PER_BATCH
        for hold in (first, second):
            assert await statements(ledger.place(hold)) == STATEMENTS_PER_BATCH
        for call in (
            ledger.capture(first.transaction_id, part),
            ledger.capture(first.transaction_id, final=True),
            ledger.release(second.transaction_id),
            # Reads what was taken back of it instead of the hold.
            ledger.reverse(taken_back.transaction_id),
        ):
            assert await statements(call) == reading + STATEMENTS_PER_BATCH


def test_the_driver_keeps_what_writes() -> None:
    """A longer statement it would have parsed and planned anew for every batch."""
    kept = inspect.signature(asyncpg.connect).parameters["max_cacheable_statement_size"].default
    assert len(postings.WRITE_WITH_RULES) < kept


async def test_one_call_is_one_batch_and_one_commit(database_dsn: str) -> None:
    """Calls that arrive together share their statements."""
    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("cash", "income")
        await ledger.post(transfer())
        before = running.app.database.statement_count
        await asyncio.gather(*(ledger.post(transfer()) for _ in range(100)))
        # At best 2 batches; how many of the calls wait together is up to the network.
        assert running.app.database.statement_count - before <= 50 * STATEMENTS_PER_BATCH


async def test_calls_at_once_look_their_accounts_up_together(database_dsn: str) -> None:
    """A server that knows none of them yet, as after each start, or of very many."""
    accounts = [f"account-{number}" for number in range(98)]
    async with serving(database_dsn) as running:
        await running.ledger.open("cash", "income", *accounts)
        await running.ledger.post(transfer())
    async with serving(database_dsn) as running:
        await running.app.sweeper.close()
        await running.app.checkpointer.close()
        ledger = running.ledger
        before = running.app.database.statement_count
        await ledger.post(transfer())
        of_journal = len(("find_journal", "refresh: head", "currencies", "changed", "period"))
        of_journal += len(("any limits", "template"))
        alone = len(("account_facts", "read_balances")) + STATEMENTS_PER_BATCH
        assert running.app.database.statement_count - before == of_journal + alone
        before = running.app.database.statement_count
        calls = [
            ledger.post(transfer(accounts[2 * number], accounts[2 * number + 1]))
            for number in range(49)
        ]
        await asyncio.gather(*calls)
        assert running.app.database.statement_count - before < len(calls)


async def test_reads_by_key_are_one_statement(database_dsn: str) -> None:
    """The journal is remembered, and what is one statement is of one moment by itself."""
    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("cash", "income")
        await running.app.sweeper.close()
        asked = transfer()
        await ledger.post(asked)
        wanted = pb.GetTransactionRequest(
            journal=ledger.journal, transaction_id=asked.transaction_id
        )
        await ledger.balance("cash")
        for read in (
            lambda: ledger.balance("cash"),
            lambda: ledger.transactions.GetTransaction(wanted),
        ):
            before = running.app.database.statement_count
            await read()
            assert running.app.database.statement_count == before + 1
