"""A denial and a cancellation at the same moment."""

import asyncio
import collections
import random

import grpc
import pytest

from bank_proto.deposit.v1 import deposit_pb2 as pb
from ledger_client.banking.foundation.events import Envelope
from ledger_client.models import TransactionKind
from tests.banking.bank import TENANT
from tests.banking.deposit.teller import Teller, deposits_in_process


@pytest.mark.parametrize("count", [12, pytest.param(1000, marks=pytest.mark.nightly)])
async def test_denied_and_cancelled_at_once(ledger_dsn: str, bank_dsn: str, count: int) -> None:
    """However a denial and a cancellation meet, money comes back once."""
    async with deposits_in_process(ledger_dsn, bank_dsn) as teller:
        account = await teller.account(balance=str(count))
        gate = asyncio.Semaphore(8)

        async def race(_number: int) -> int:
            async with gate:
                withdrawal = await teller.withdrawal(account, "1")

                async def cancel() -> str:
                    # Some earlier, some later than the denial arrives by its event.
                    await asyncio.sleep(random.uniform(0, 0.15))
                    try:
                        await teller.ask("CancelWithdrawal", withdrawal_id=withdrawal)
                    except grpc.aio.AioRpcError as error:
                        if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                            return "late"
                        raise
                    return "cancelled"

                _, told = await asyncio.gather(teller.vote(withdrawal, "no"), cancel())
                ended = await teller.reaches(
                    withdrawal, pb.WITHDRAWAL_STATUS_DENIED, pb.WITHDRAWAL_STATUS_CANCELLED
                )
                is_cancelled = ended.status == pb.WITHDRAWAL_STATUS_CANCELLED
                assert is_cancelled == (told == "cancelled")
                return ended.status

        ends = collections.Counter(await asyncio.gather(*map(race, range(count))))
        assert ends.total() == count
        amount = f"{count}.00"
        assert await teller.balance(account) == (amount, "0.00", amount)
        releases = collections.Counter(
            [
                transaction.correlation_id
                async for transaction in teller.bank.ledger.list_transactions(
                    TENANT, account=f"deposit:{account}"
                )
                if transaction.kind is TransactionKind.RELEASE
            ]
        )
        assert len(releases) == count
        assert set(releases.values()) == {1}
        told = [
            event.event_type
            for event in await every_event(teller)
            if event.event_type.endswith(("withdrawal-denied", "withdrawal-cancelled"))
            and event.payload["deposit_account_id"] == account
        ]
        assert len(told) == count
        await teller.books_balance()


async def every_event(teller: Teller) -> list[Envelope]:
    found: list[Envelope] = []
    while page := await teller.bank.events("deposit", found[-1].sequence if found else 0):
        found += page
    return found
