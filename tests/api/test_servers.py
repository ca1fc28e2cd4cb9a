"""Two servers on one database: what one changes holds for the other at once."""

import asyncio
import random
from typing import Any

import asyncpg
import grpc
import pytest

from ledger_proto.v1 import accounts_pb2, journals_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.app import App
from ledger_server.application import journal_books
from ledger_server.application.journal_books import Library
from ledger_server.store import accounts, tx_templates
from tests.api.calls import DEBIT, reason, refused
from tests.ledger import (
    PostingLedger,
    Serving,
    changed,
    check_books,
    gather_limited,
    lines,
    transfer,
    transfer_template,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


Ledgers = tuple[PostingLedger, PostingLedger]


async def test_no_posting_after_a_lock_was_answered(ledgers: Ledgers, dsn: str) -> None:
    """One server locks and unlocks, the other posts to the account without pause."""
    locker, poster = ledgers
    await locker.open("cash", "income")
    stop = asyncio.Event()
    posted: list[int] = []
    refusals: list[str] = []

    async def post() -> None:
        while not stop.is_set():
            try:
                posted.append((await poster.post(transfer())).transaction.sequence)
            except grpc.aio.AioRpcError as error:
                refusals.append(str(error.details()))

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(post())
        for _ in range(12):
            await asyncio.sleep(0.02)
            await locker.lock("cash")
            locked_at = await locker.head()
            # The other server has not been told. It must find out by itself, at once.
            assert await reason(poster.post(transfer())) == "ACCOUNT_NOT_ACTIVE"
            await asyncio.sleep(0.02)
            assert await locker.head() == locked_at, "nothing was posted while it was locked"
            await locker.unlock("cash")
            await poster.post(transfer())
        stop.set()
    assert posted
    assert refusals
    assert all("LOCKED" in refusal for refusal in refusals)
    # In the order of the books too: no posting stands between a lock and its unlock.
    connection = await asyncpg.connect(dsn)
    try:
        types = await connection.fetch(
            "SELECT type FROM events JOIN journals ON id = journal_id WHERE code = $1"
            " ORDER BY sequence",
            locker.journal,
        )
    finally:
        await connection.close()
    is_locked = False
    for row in types:
        assert not (is_locked and row["type"] == 21)
        is_locked = {14: True, 15: False}.get(row["type"], is_locked)
    await check_books(dsn, locker.journal)


async def test_closing_races_postings(ledgers: Ledgers, dsn: str) -> None:
    """Either the posting comes first and closing is refused, or the other way round."""
    closer, poster = ledgers
    await closer.open("income", *(f"account-{number}" for number in range(15)))
    for number in range(15):
        name = f"account-{number}"
        if number % 3:
            # The other server knows the account and its balance from before.
            await poster.post(transfer(debit=name))
            await poster.post(transfer(debit="income", credit=name))
        close = closer.accounts.CloseAccount(
            accounts_pb2.CloseAccountRequest(journal=closer.journal, account=name)
        )
        outcomes = await asyncio.gather(
            poster.post(transfer(debit=name)), close, return_exceptions=True
        )
        failed = [isinstance(outcome, BaseException) for outcome in outcomes]
        assert sorted(failed) == [False, True], outcomes
        net = (await closer.balance(name)).settled.net
        assert net == ("0.00" if failed[0] else "1.00")
    await check_books(dsn, closer.journal)


async def test_a_new_template_version_is_used_at_once_everywhere(ledgers: Ledgers) -> None:
    """Also by calls that arrive together, when only the first of them meets the news."""
    creator, poster = ledgers
    await creator.open("cash", "income")
    for version in range(1, 8):
        answers = await asyncio.gather(*(poster.post(transfer()) for _ in range(25)))
        used = {answer.transaction.template_version for answer in answers}
        assert used == {version}
        made = await creator.create_template(transfer_template(description=f"after {version}"))
        assert made.version == version + 1


async def test_a_new_version_is_used_at_once_by_validation(ledgers: Ledgers) -> None:
    creator, poster = ledgers
    await creator.open("cash", "income")
    await poster.post(transfer())
    await creator.create_template(transfer_template(description="newer"))
    answer = await poster.post(transfer(), validate_only=True)
    assert answer.transaction.template_version == 2


async def test_new_accounts_and_currencies_are_known_at_once(ledgers: Ledgers) -> None:
    creator, poster = ledgers
    await creator.open("cash", "income")
    await poster.post(transfer())
    answer = await refused(poster.post(lines("DEBIT cash 1 XYZ", "CREDIT income 1 XYZ")))
    assert answer.reason == "CURRENCY_UNKNOWN"
    await _register(creator, "XYZ", 5)
    posted = await poster.post(lines("DEBIT cash 1 XYZ", "CREDIT income 1 XYZ"))
    assert posted.transaction.entries[0].units == "1.00000"
    assert await reason(poster.post(transfer(debit="late"))) == "ACCOUNT_NOT_FOUND"
    await creator.accounts.CreateAccount(
        accounts_pb2.CreateAccountRequest(
            journal=creator.journal,
            account=accounts_pb2.NewAccount(code="late", normal_side=DEBIT),
        )
    )
    await poster.post(transfer(debit="late"))


async def _register(ledger: PostingLedger, code: str, exponent: int) -> None:
    await ledger.journals.RegisterCurrency(
        journals_pb2.RegisterCurrencyRequest(
            journal=ledger.journal,
            currency=journals_pb2.Currency(code=code, exponent=exponent),
        )
    )


async def test_a_memory_is_not_filled_with_what_was_read_before_a_refresh(
    both: tuple[Serving, Serving], ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that is overtaken by a change and a refresh must not leave what it read behind.

    The read of an account and of a template is held up after the database has answered, until the
    account is locked, the template has a newer version and the memory knows both.
    """
    ledger, other = ledgers
    await ledger.open("cash", "income", "rent")
    await ledger.post(transfer(debit="rent"))
    books = await _library(both[0].app).books(ledger.journal)
    facts_in_tx, find_in_tx = accounts.facts_in_tx, tx_templates.find_in_tx

    async def slow_facts(*arguments: Any) -> Any:
        found = await facts_in_tx(*arguments)
        monkeypatch.setattr(accounts, "facts_in_tx", facts_in_tx)
        await other.lock("cash")
        await books.refresh()
        return found

    monkeypatch.setattr(accounts, "facts_in_tx", slow_facts)
    assert await reason(ledger.post(transfer())) == "ACCOUNT_NOT_ACTIVE"
    await other.unlock("cash")
    await books.refresh()

    async def slow_find(*arguments: Any) -> Any:
        found = await find_in_tx(*arguments)
        monkeypatch.setattr(tx_templates, "find_in_tx", find_in_tx)
        await other.create_template(transfer_template(description="newer"))
        await books.refresh()
        return found

    await books.refresh()
    monkeypatch.setattr(tx_templates, "find_in_tx", slow_find)
    assert (await ledger.post(transfer())).transaction.template_version == 2


async def test_a_memory_that_is_full_makes_room(
    ledgers: Ledgers, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one posting has looked up before must not be thrown out for what it looks up now."""
    ledger = ledgers[0]
    names = [f"account-{number}" for number in range(12)]
    await ledger.open(*names)
    monkeypatch.setattr(journal_books, "ACCOUNTS_MAX", 6)
    for start in range(8):
        await ledger.post(transfer(names[start], names[start + 1]))
        legs = [f"DEBIT {name} 1 USD" for name in names[start : start + 4]]
        await ledger.post(lines(*legs, f"CREDIT {names[0]} 4 USD"))
    await check_books(dsn, ledger.journal)


def _library(app: App) -> Library:
    return app._poster._library


async def test_mixed_traffic_on_two_servers(ledgers: Ledgers, dsn: str) -> None:
    """Postings, retries, locks and template versions at once leave sound books."""
    ledger = ledgers[0]
    names = ["cash", "income", "rent", "tax"]
    await ledger.open(*names)
    chooser = random.Random(13)
    known: list[pb.TransactionRequest] = []
    answered: dict[str, pb.Transaction] = {}

    async def act(number: int) -> None:
        server = ledgers[number % 2]
        choice = chooser.random()
        try:
            if choice < 0.05:
                await server.lock(chooser.choice(names))
            elif choice < 0.15:
                await server.unlock(chooser.choice(names))
            elif choice < 0.2:
                await server.create_template(transfer_template(description=str(number)))
            elif choice < 0.4 and known:
                asked = chooser.choice(known)
                posted = (await server.post(asked)).transaction
                assert answered.setdefault(posted.id, posted) == posted
            else:
                debit, credit = chooser.sample(names, 2)
                asked = changed(transfer(debit, credit))
                known.append(asked)
                posted = (await server.post(asked)).transaction
                assert answered.setdefault(posted.id, posted) == posted
        except grpc.aio.AioRpcError as error:
            if "LOCKED" not in str(error.details()):
                raise

    await gather_limited(16, [act(number) for number in range(500)])
    assert answered
    await check_books(dsn, ledger.journal)
