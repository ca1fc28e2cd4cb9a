"""A close against postings on two servers, and closes that take several transactions."""

import asyncio
import random
from decimal import Decimal

import grpc
import pytest

from ledger_proto.v1 import accounts_pb2
from ledger_server.application import year_close, year_end, year_reopen
from tests.api.calls import CREDIT, DEBIT, reason
from tests.fiscal_ledger import CLOSED, FiscalLedger
from tests.ledger import PostingLedger, check_books, lines

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_nothing_slips_between(
    ledgers: tuple[PostingLedger, PostingLedger], dsn: str
) -> None:
    """Every posting is closed by the close that comes after it, or is there to be closed."""
    here, there = (FiscalLedger(one) for one in ledgers)
    await here.begin()
    await here.open_years("2025")
    randomness = random.Random(7)
    done = asyncio.Event()
    posted = Decimal(0)

    async def post(ledger: FiscalLedger) -> None:
        nonlocal posted
        while not done.is_set():
            account = randomness.choice(["sales", "fees", "rent", "wages"])
            if account in {"sales", "fees"}:
                await ledger.post("cash", account, "1.00 USD", "2025-06-01")
                posted += 1
            else:
                await ledger.post(account, "cash", "1.00 USD", "2025-06-01")
                posted -= 1

    closed = Decimal(0)

    async def close(ledger: FiscalLedger, number: int) -> None:
        nonlocal closed
        for _ in range(number):
            try:
                answer = await ledger.close()
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                    raise  # only that there is nothing to close
            else:
                closed += sum(Decimal(one.net_income) for one in answer.amounts)

    writers = [asyncio.create_task(post(one)) for one in (here, there) for _ in range(3)]
    await asyncio.gather(close(here, 6), close(there, 6))
    done.set()
    await asyncio.gather(*writers)
    # What is left may come to nothing and still stand on revenue and expense.
    unclosed = (await here.get()).checklist.unclosed
    left = sum((Decimal(one.net_income) for one in unclosed), Decimal(0))
    assert closed + left == posted
    nets = await here.nets("2025-12-31")
    assert nets.get(("retained", "USD"), Decimal(0)) == -closed
    if unclosed:
        await there.close()
    assert {account for account, _ in await here.nets()} <= {"cash", "retained"}
    await check_books(dsn, here.journal)


async def test_one_of_many_closes_posts(ledgers: tuple[PostingLedger, PostingLedger]) -> None:
    here, there = (FiscalLedger(one) for one in ledgers)
    await here.begin()
    await here.open_years("2025")
    await here.post("cash", "sales", "5.00 USD", "2025-06-01")

    async def one(ledger: FiscalLedger) -> int:
        try:
            return len((await ledger.close()).transaction_ids)
        except grpc.aio.AioRpcError:
            return 0

    counts = await asyncio.gather(*(one(ledger) for ledger in (here, there) for _ in range(4)))
    assert sum(counts) == 1
    assert await here.nets() == {("cash", "USD"): Decimal(5), ("retained", "USD"): Decimal(-5)}


async def test_accounts_that_come_meanwhile_disturb_no_close(
    ledgers: tuple[PostingLedger, PostingLedger],
) -> None:
    here, there = (FiscalLedger(one) for one in ledgers)
    await here.begin()
    await here.open_years("2025")
    done = asyncio.Event()

    async def create() -> None:
        number = 0
        while not done.is_set():
            number += 1
            new = accounts_pb2.NewAccount(code=f"c{number}", normal_side=DEBIT, account_sets=["1"])
            await there.posting.accounts.CreateAccount(
                accounts_pb2.CreateAccountRequest(journal=there.journal, account=new)
            )

    task = asyncio.create_task(create())
    for number in range(5):
        await here.post("cash", "sales", f"{number + 1}.00 USD", "2025-06-01")
        assert (await here.close()).year.status == CLOSED
    done.set()
    await task


async def test_a_close_in_several_transactions(
    ledgers: tuple[PostingLedger, PostingLedger], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More accounts than one transaction of the ledger, or of the database, can take."""
    for module in (year_close, year_end, year_reopen):
        if hasattr(module, "ENTRIES_MAX_PER_STEP"):
            monkeypatch.setattr(module, "ENTRIES_MAX_PER_STEP", 1_000)
    ledger = FiscalLedger(ledgers[0])
    await ledger.begin()
    shops = [f"shop{number:04}" for number in range(1850)]
    for start in range(0, len(shops), 900):
        await ledger.posting.accounts.BatchCreateAccounts(
            accounts_pb2.BatchCreateAccountsRequest(
                journal=ledger.journal,
                accounts=[
                    accounts_pb2.NewAccount(code=code, normal_side=CREDIT, account_sets=["4"])
                    for code in shops[start : start + 900]
                ],
            )
        )
    await ledger.open_years("2025")
    for start in range(0, len(shops), 450):
        part = shops[start : start + 450]
        legs = [f"CREDIT {code} 1.00 USD" for code in part]
        total = f"DEBIT cash {len(part)}.00 USD"
        await ledger.posting.post(lines(total, *legs, effective_date="2025-06-01"))
    preview = await ledger.preview()
    assert (preview.balance_count, preview.transaction_count) == (1850, 2)
    done = await ledger.close()
    assert [one.net_income for one in done.amounts] == ["1850.00"]
    assert len(done.transaction_ids) == 3, "a step ends where the database's transaction does"
    assert await ledger.nets() == {
        ("cash", "USD"): Decimal(1850),
        ("retained", "USD"): Decimal(-1850),
    }
    undone = await ledger.reopen()
    assert len(undone.transaction_ids) == 3
    assert len(await ledger.nets()) == 1851
    assert await reason(ledger.reopen()) == "FISCAL_YEAR_STATE"
    await check_books(dsn, ledger.journal)
