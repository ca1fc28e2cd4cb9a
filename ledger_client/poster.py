"""Posts for many callers at once: each posts one transaction, and they share calls."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Self, TypeAlias

from ledger_client.convert import decode, encode
from ledger_client.errors import LedgerError, from_refusal
from ledger_client.gathering import Gatherer
from ledger_client.models import Posting, PostResult, Refusal
from ledger_proto.v1 import transactions_pb2 as pb

#: Transactions that a server takes in one call.
TRANSACTIONS_MAX: Final = 1_000
#: Transactions of one call, unless the caller says otherwise.
BATCH_MAX: Final = 500
#: Calls under way at once, unless the caller says otherwise. More gain where a server is far away,
#: and cost the order.
CALLS_MAX: Final = 1
#: Bytes of the transactions of one call. A server takes 4 MiB.
BYTES_MAX: Final = 1024 * 1024
#: The only refusal of a call for what its transactions are together.
_TOO_MANY_ENTRIES: Final = "TOO_MANY_ENTRIES"

_Outcome: TypeAlias = PostResult | Refusal | Exception
_One: TypeAlias = Callable[[pb.TransactionRequest], Awaitable[pb.PostTransactionResponse]]
_Many: TypeAlias = Callable[
    [Sequence[pb.TransactionRequest]], Awaitable[pb.PostTransactionsResponse]
]


class Poster:
    """Posts to one journal, as `LedgerClient.post` does, at the price of `post_many`.

        async with ledger.poster("MAIN") as poster:
            posted = await poster.post(Posting(template_code="TRANSFER", params={...}))

    For a service in which many tasks post one transaction each: what they ask for while a call is
    under way goes with the next one. Each gets its own result or its own error, and one that is
    refused keeps no other back. A task that posts alone waits for nobody.

    Belongs to one event loop.
    """

    def __init__(
        self,
        post_one: _One,
        post_many: _Many,
        *,
        batch_max: int = BATCH_MAX,
        calls_max: int = CALLS_MAX,
    ) -> None:
        """Use `LedgerClient.poster`, which knows how to call.

        Args:
            post_one: calls `PostTransaction`.
            post_many: calls `PostTransactions`, each transaction by itself.
            batch_max: transactions of one call, 1 to 1,000.
            calls_max: calls under way at once.

        Raises:
            ValueError: a bound is out of its range.
        """
        self._post_one = post_one
        self._post_many = post_many
        if not 1 <= batch_max <= TRANSACTIONS_MAX:
            raise ValueError(f"batch_max must be 1 to {TRANSACTIONS_MAX}, not {batch_max}")
        self._gatherer = Gatherer[pb.TransactionRequest, PostResult | Refusal](
            self._send, items_max=batch_max, bytes_max=BYTES_MAX, calls_max=calls_max
        )

    async def __aenter__(self) -> Self:
        """Return the poster itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for what is under way."""
        await self.close()

    async def close(self) -> None:
        """Take no more postings; return when all that were taken are answered."""
        await self._gatherer.close()

    async def post(self, posting: Posting) -> PostResult:
        """Post one transaction, whole or not at all.

        Postings are posted in the order in which they were asked for, unless the poster makes
        several calls at once: then only those are that were waited for one after the other.

        The client's `timeout_seconds` bounds a call; before it a posting waits for the calls that
        are under way.

        A posting whose task is cancelled may be posted all the same: repeat it with the same
        Posting, which holds the id.

        Raises:
            LedgerError: as `LedgerClient.post`, with the posting's id as `idempotency_key`.
            RuntimeError: the poster is closed.
            TypeError: a param is a float.
            ValueError: a param is NaN, infinite, or an instant without an offset.
        """
        request = encode.transaction_request(posting)
        outcome = await self._gatherer.ask(request, request.ByteSize())
        if isinstance(outcome, Refusal):
            raise from_refusal(outcome, idempotency_key=request.transaction_id)
        return outcome

    async def _send(self, requests: Sequence[pb.TransactionRequest]) -> Sequence[_Outcome]:
        if len(requests) == 1:
            return [await self._alone(requests[0])]
        try:
            response = await self._post_many(requests)
        except LedgerError as error:
            if error.reason != _TOO_MANY_ENTRIES:
                return [error.with_key(request.transaction_id) for request in requests]
            middle = len(requests) // 2
            return [*await self._send(requests[:middle]), *await self._send(requests[middle:])]
        return [
            _as_alone(decode.post_result(result), index)
            for index, result in enumerate(response.results)
        ]

    async def _alone(self, request: pb.TransactionRequest) -> PostResult | LedgerError:
        try:
            response = await self._post_one(request)
        except LedgerError as error:
            return error
        return PostResult(
            transaction=decode.transaction(response.transaction), replayed=response.replayed
        )


def _as_alone(outcome: PostResult | Refusal, index: int) -> PostResult | Refusal:
    """Return what came of the item `index` of a batch, of which its caller knows nothing."""
    if isinstance(outcome, PostResult):
        return outcome

    def named(text: str) -> str:
        return text.replace(f"transactions[{index}]", "transaction")

    facts = {name: named(text) for name, text in outcome.facts.items()}
    return dataclasses.replace(outcome, message=named(outcome.message), facts=facts)
