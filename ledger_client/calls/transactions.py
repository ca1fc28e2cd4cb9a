"""Calls of the `TransactionService`."""

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from uuid import UUID

from ledger_client.connection import Connection
from ledger_client.convert import decode, encode
from ledger_client.ids import new_id
from ledger_client.models import (
    ParamValue,
    Posting,
    PostResult,
    Reference,
    Refusal,
    Transaction,
    Validation,
)
from ledger_client.poster import BATCH_MAX, CALLS_MAX, Poster
from ledger_proto.v1 import transactions_pb2 as pb


class TransactionCalls(Connection):
    """Posts transactions and finds them again."""

    async def post(
        self,
        journal: Reference,
        template_code: str,
        params: Mapping[str, ParamValue],
        *,
        transaction_id: UUID | None = None,
        template_version: int | None = None,
        effective_date: dt.date | None = None,
        description: str | None = None,
        external_id: str | None = None,
        correlation_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        behind_soft_lock: bool = False,
    ) -> PostResult:
        """Post one transaction, whole or not at all.

        Args:
            journal: code or id.
            template_code: of a template of the journal.
            params: a value for each param without a default; amounts as Decimal or string, in
                whole currency units.
            transaction_id: the idempotency key and the transaction's id. None makes one, which
                an error carries as `idempotency_key`: with it the call can be repeated safely.
            template_version: None takes the newest.
            effective_date: None leaves it to the template, then to the journal's today.
            description: None leaves it to the template, as the fields that follow.
            external_id: unique in the journal.
            correlation_id: ties transactions together.
            metadata: the caller's own facts.
            behind_soft_lock: posts also on a day behind the journal's soft lock.

        Raises:
            ConflictError: the id belongs to another request (`TRANSACTION_ID_REUSED`), or the
                external id is taken.
            InvalidRequestError: a param is wrong, or the entries do not balance.
            NotFoundError: journal, template or an account is not there.
            RefusedError: the books do not allow it, such as `ACCOUNT_NOT_ACTIVE`,
                `LIMIT_EXCEEDED` or `PERIOD_CLOSED`.
            TypeError: a param is a float.
            UnavailableError: no answer; the transaction may have been posted.
        """
        posting = Posting(
            template_code=template_code,
            params=params,
            transaction_id=transaction_id or new_id(),
            template_version=template_version,
            effective_date=effective_date,
            description=description,
            external_id=external_id,
            correlation_id=correlation_id,
            metadata=metadata,
            behind_soft_lock=behind_soft_lock,
        )
        response = await self._post(journal, posting, validate_only=False)
        return PostResult(
            transaction=decode.transaction(response.transaction), replayed=response.replayed
        )

    async def validate(
        self,
        journal: Reference,
        template_code: str,
        params: Mapping[str, ParamValue],
        *,
        transaction_id: UUID | None = None,
        template_version: int | None = None,
        effective_date: dt.date | None = None,
        description: str | None = None,
        external_id: str | None = None,
        correlation_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        behind_soft_lock: bool = False,
    ) -> Validation:
        """Tell what `post` with the same arguments would do now, and write nothing.

        Raises:
            LedgerError: as `post` does, where there is nothing that could be shown.
            TypeError: a param is a float.
        """
        posting = Posting(
            template_code=template_code,
            params=params,
            transaction_id=transaction_id or new_id(),
            template_version=template_version,
            effective_date=effective_date,
            description=description,
            external_id=external_id,
            correlation_id=correlation_id,
            metadata=metadata,
            behind_soft_lock=behind_soft_lock,
        )
        return decode.validation(await self._post(journal, posting, validate_only=True))

    async def post_many(
        self, journal: Reference, postings: Iterable[Posting], *, atomic: bool
    ) -> list[PostResult | Refusal]:
        """Post 1 to 1,000 transactions, as if one after another in order.

        To repeat a batch whose answer was lost, pass the same Posting objects: they hold the ids.

        Args:
            journal: code or id.
            postings: at most 20,000 entries in all.
            atomic: True posts all or none and raises the first refusal, its `index` among the
                facts; False gives each its own result.

        Returns:
            One for each posting, in order; refusals only if not `atomic`.

        Raises:
            LedgerError: as `post` does; of single postings only if `atomic`.
            TypeError: a param is a float.
        """
        mode = pb.BATCH_MODE_ATOMIC if atomic else pb.BATCH_MODE_INDEPENDENT
        request = pb.PostTransactionsRequest(
            journal=encode.reference(journal),
            transactions=[encode.transaction_request(posting) for posting in postings],
            mode=mode,
        )
        response = await self._call(self._transactions.PostTransactions, request)
        return [decode.post_result(result) for result in response.results]

    def poster(
        self,
        journal: Reference,
        *,
        batch_max: int = BATCH_MAX,
        calls_max: int = CALLS_MAX,
    ) -> Poster:
        """Return what many tasks of this event loop post through, one transaction each.

        Args:
            journal: code or id.
            batch_max: transactions that share one call, 1 to 1,000.
            calls_max: calls under way at once, at least 1.

        Raises:
            ValueError: a bound is out of its range.
        """
        name = encode.reference(journal)

        async def post_one(request: pb.TransactionRequest) -> pb.PostTransactionResponse:
            return await self._call(
                self._transactions.PostTransaction,
                pb.PostTransactionRequest(journal=name, transaction=request),
                key=request.transaction_id,
            )

        async def post_many(
            requests: Sequence[pb.TransactionRequest],
        ) -> pb.PostTransactionsResponse:
            return await self._call(
                self._transactions.PostTransactions,
                pb.PostTransactionsRequest(
                    journal=name, transactions=requests, mode=pb.BATCH_MODE_INDEPENDENT
                ),
            )

        return Poster(post_one, post_many, batch_max=batch_max, calls_max=calls_max)

    async def reverse_transaction(
        self,
        journal: Reference,
        reverses: UUID,
        *,
        effective_date: dt.date,
        params: Mapping[str, ParamValue] | None = None,
        transaction_id: UUID | None = None,
        description: str | None = None,
        external_id: str | None = None,
        correlation_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        force: bool = False,
        behind_soft_lock: bool = False,
    ) -> PostResult:
        """Post the opposite of a transaction: all that is left of it, or a part.

        Args:
            journal: code or id.
            reverses: id of the transaction to take back.
            effective_date: on which day it is taken back.
            params: for a part, those that differ from the original's; each entry that comes of
                them must fit in what is left. None or empty takes all back.
            transaction_id: the idempotency key and the reversal's id. None makes one, which an
                error carries as `idempotency_key`.
            description: for people.
            external_id: unique in the journal.
            correlation_id: None takes the original's.
            metadata: the caller's own facts.
            force: passes standing limits, never anything else.
            behind_soft_lock: posts also on a day behind the journal's soft lock.

        Raises:
            ConflictError: the id belongs to another request (`TRANSACTION_ID_REUSED`), or the
                external id is taken.
            InvalidRequestError: a param is wrong.
            NotFoundError: there is no such transaction or journal.
            RefusedError: nothing is left (`ALREADY_REVERSED`), the part does not fit in it
                (`REVERSAL_EXCEEDS`), or it is a reversal or of a hold (`NOT_REVERSIBLE`).
            TypeError: a param is a float.
        """
        key = str(transaction_id or new_id())
        request = pb.ReverseTransactionRequest(
            journal=encode.reference(journal),
            transaction_id=key,
            reverses=str(reverses),
            effective_date=encode.date(effective_date),
            params=encode.params(params),
            description=description or "",
            external_id=external_id or "",
            correlation_id=correlation_id or "",
            metadata=encode.metadata(metadata),
            force=force,
            behind_soft_lock=behind_soft_lock,
        )
        response = await self._call(self._transactions.ReverseTransaction, request, key=key)
        return PostResult(
            transaction=decode.transaction(response.transaction), replayed=response.replayed
        )

    async def get_transaction(self, journal: Reference, transaction_id: UUID) -> Transaction:
        """Return a transaction, with the reversals that took it back.

        Raises:
            NotFoundError: there is none (`TRANSACTION_NOT_FOUND`), or no such journal.
        """
        request = pb.GetTransactionRequest(
            journal=encode.reference(journal), transaction_id=str(transaction_id)
        )
        response = await self._call(self._transactions.GetTransaction, request)
        return decode.transaction(response.transaction)

    def list_transactions(
        self,
        journal: Reference,
        *,
        account: Reference | None = None,
        from_date: dt.date | None = None,
        to_date: dt.date | None = None,
        external_id: str | None = None,
        correlation_id: str | None = None,
        newest_first: bool = False,
    ) -> AsyncIterator[Transaction]:
        """Give transactions by effective date, then sequence; all filters given must hold.

        Args:
            journal: code or id.
            account: only those with an entry on this account.
            from_date: only those effective on or after this day.
            to_date: only those effective on or before this day.
            external_id: only the one with this external id.
            correlation_id: only those with this correlation id.
            newest_first: turns the order around.
        """
        request = pb.ListTransactionsRequest(
            journal=encode.reference(journal),
            account=encode.optional_reference(account),
            from_date=encode.date(from_date),
            to_date=encode.date(to_date),
            external_id=external_id or "",
            correlation_id=correlation_id or "",
            newest_first=newest_first,
        )
        return self._items(
            self._transactions.ListTransactions,
            request,
            lambda page: map(decode.transaction, page.transactions),
        )

    async def _post(
        self, journal: Reference, posting: Posting, *, validate_only: bool
    ) -> pb.PostTransactionResponse:
        request = pb.PostTransactionRequest(
            journal=encode.reference(journal),
            transaction=encode.transaction_request(posting),
            validate_only=validate_only,
        )
        key = str(posting.transaction_id)
        return await self._call(self._transactions.PostTransaction, request, key=key)
