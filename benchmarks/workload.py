"""What is posted: transfers between accounts, as requests built and serialised beforehand."""

import enum
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger_client.ids import new_id
from ledger_proto.v1 import transactions_pb2 as pb

JOURNAL: Final = "bench"
CURRENCY: Final = "USD"
ACCOUNT_COUNT: Final = 10_000
#: The account that every transfer of a hot workload touches. The last one, so that hand-written
#: SQL, which locks in the order of ids, holds it for as short a time as it can.
HOT_ACCOUNT: Final = ACCOUNT_COUNT
#: Amounts are random up to this many cents.
CENTS_MAX: Final = 99_999


class Shape(enum.StrEnum):
    """Which accounts transfers touch."""

    #: Any two of all accounts.
    SPREAD = "spread"
    #: One account, always the same, and any other.
    HOT = "hot"
    #: Every account once, two at a time, in order.
    EACH = "each"


def account_code(number: int) -> str:
    """Return the code of the account `number`, which counts from 1."""
    return f"customer:{number:05d}"


def transfers(
    shape: Shape, count: int, seed: int, accounts: int = ACCOUNT_COUNT
) -> list[pb.TransactionRequest]:
    """Return `count` transfers with ids of their own; the same seed moves the same money."""
    chosen = random.Random(seed)
    pairs = itertools.islice(_pairs(shape, chosen, accounts), count)
    return [
        _transfer(debit, credit, chosen.randint(1, CENTS_MAX), f"order-{seed}-{number}")
        for number, (debit, credit) in enumerate(pairs)
    ]


def single_requests(transactions: Sequence[pb.TransactionRequest]) -> list[bytes]:
    """Return a `PostTransactionRequest` for each, serialised."""
    return [
        pb.PostTransactionRequest(journal=JOURNAL, transaction=one).SerializeToString()
        for one in transactions
    ]


def batch_requests(transactions: Sequence[pb.TransactionRequest], size: int) -> list[bytes]:
    """Return `PostTransactionsRequest`s of `size` transactions each, serialised."""
    return [
        pb.PostTransactionsRequest(
            journal=JOURNAL,
            transactions=transactions[start : start + size],
            mode=pb.BATCH_MODE_INDEPENDENT,
        ).SerializeToString()
        for start in range(0, len(transactions), size)
    ]


def _pairs(shape: Shape, chosen: random.Random, accounts: int) -> Iterator[tuple[int, int]]:
    """Give the numbers of two accounts, for ever; never the same two times in one pair."""
    if shape is Shape.EACH:
        numbers = itertools.cycle(range(1, accounts + 1))
        yield from zip(numbers, numbers, strict=False)
    while True:
        debit = HOT_ACCOUNT if shape is Shape.HOT else chosen.randint(1, accounts)
        credit = 1 + (debit - 1 + chosen.randint(1, accounts - 1)) % accounts
        yield debit, credit


def _transfer(debit: int, credit: int, cents: int, external_id: str) -> pb.TransactionRequest:
    request = pb.TransactionRequest(
        transaction_id=str(new_id()), template_code="TRANSFER", external_id=external_id
    )
    request.params.update(
        {
            "to": account_code(debit),
            "from": account_code(credit),
            "amount": f"{cents // 100}.{cents % 100:02d}",
            "currency": CURRENCY,
        }
    )
    return request
