"""TransactionService: decodes, hands over, encodes."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from ledger_proto.v1 import transactions_pb2 as pb
from ledger_proto.v1.transactions_pb2_grpc import TransactionServiceServicer
from ledger_server.api.commands import (
    optional_fields,
    params_field,
    transaction_command,
)
from ledger_server.api.errors import refusal
from ledger_server.api.fields import (
    ID_LENGTH_MAX,
    date_field,
    page_size_field,
    reference_field,
    text_field,
    uuid_field,
)
from ledger_server.api.methods import Methods
from ledger_server.api.paging import PageTokens
from ledger_server.application.accounts import get_account_in_tx
from ledger_server.application.group import Posted, Result
from ledger_server.application.journals import get_journal
from ledger_server.application.post import BalanceChange, Poster
from ledger_server.domain.errors import (
    FieldInvalidError,
    LedgerError,
    TransactionNotFoundError,
)
from ledger_server.domain.journal import Journal
from ledger_server.domain.primitives import AccountId
from ledger_server.domain.transaction import TRANSACTIONS_MAX_PER_CALL, Kind, PostCommand
from ledger_server.store import transactions
from ledger_server.store.database import Database
from ledger_server.store.transaction_bytes import amount
from ledger_server.store.wire import field, number_tag, tag

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["TransactionService"]
#: What surrounds a transaction in the answers: tags, and the field `replayed` when it is true.
_POSTED: Final = tag(pb.PostTransactionResponse.TRANSACTION_FIELD_NUMBER)
_REPLAYED: Final = number_tag(pb.PostTransactionResponse.REPLAYED_FIELD_NUMBER) + b"\x01"
_RESULTS: Final = tag(pb.PostTransactionsResponse.RESULTS_FIELD_NUMBER)
_ITEM_POSTED: Final = tag(pb.PostResult.TRANSACTION_FIELD_NUMBER)
_ITEM_REPLAYED: Final = number_tag(pb.PostResult.REPLAYED_FIELD_NUMBER) + b"\x01"


class TransactionServicer(TransactionServiceServicer):
    """Postings in, transactions out."""

    def __init__(self, database: Database, page_tokens: PageTokens, poster: Poster) -> None:
        """Post through `poster`; read from `database`."""
        self._database = database
        self._page_tokens = page_tokens
        self._poster = poster

    async def PostTransaction(  # type: ignore[override]  # the answer is bytes already
        self, request: pb.PostTransactionRequest, _context: object
    ) -> bytes:
        """Post one transaction, or say what posting it would come to."""
        journal = reference_field("journal", request.journal)
        command = transaction_command("transaction", request.transaction)
        if request.validate_only:
            validation = await self._poster.validate(journal, command)
            return pb.PostTransactionResponse(
                transaction=validation.transaction,
                replayed=validation.replayed,
                balance_changes=[_balance_change(change) for change in validation.changes],
                refusal=refusal(validation.refusal) if validation.refusal else None,
            ).SerializeToString()
        posted = await self._poster.post(journal, command)
        return field(_POSTED, posted.encoded) + (_REPLAYED if posted.replayed else b"")

    async def PostTransactions(  # type: ignore[override]  # the answer is bytes already
        self, request: pb.PostTransactionsRequest, _context: object
    ) -> bytes:
        """Post many transactions, all or none or each by itself."""
        journal = reference_field("journal", request.journal)
        count = len(request.transactions)
        if not 1 <= count <= TRANSACTIONS_MAX_PER_CALL:
            raise FieldInvalidError(
                "transactions", f"{count} given; a call takes 1 to {TRANSACTIONS_MAX_PER_CALL}"
            )
        if request.mode == pb.BATCH_MODE_ATOMIC:
            commands = [
                transaction_command(f"transactions[{index}]", one)
                for index, one in enumerate(request.transactions)
            ]
            posted = await self._poster.post_atomic(journal, commands)
            return _answer(posted)
        if request.mode == pb.BATCH_MODE_INDEPENDENT:
            return await self._post_independent(journal, request)
        raise FieldInvalidError("mode", "required: atomic or independent")

    async def GetTransaction(
        self, request: pb.GetTransactionRequest, _context: object
    ) -> pb.GetTransactionResponse:
        """Return one transaction."""
        transaction_id = uuid_field("transaction_id", request.transaction_id)
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.look_up_connection() as tx:
            found = await transactions.find_in_tx(tx, journal.id, transaction_id)
        if found is None:
            raise TransactionNotFoundError(str(transaction_id))
        return pb.GetTransactionResponse(transaction=found)

    async def ReverseTransaction(
        self, request: pb.ReverseTransactionRequest, _context: object
    ) -> pb.ReverseTransactionResponse:
        """Take a transaction back, whole or in part."""
        effective = date_field("effective_date", request.effective_date)
        if effective is None:
            raise FieldInvalidError("effective_date", "required: on which day it is taken back")
        command = PostCommand(
            kind=Kind.REVERSAL,
            transaction_id=uuid_field("transaction_id", request.transaction_id),
            reverses=uuid_field("reverses", request.reverses),
            template_code="",
            template_version=None,
            params=params_field(request.params),
            params_as_given=request.params,
            effective=effective,
            force=request.force,
            behind_soft_lock=request.behind_soft_lock,
            **optional_fields(request),
        )
        posted = await self._poster.post(reference_field("journal", request.journal), command)
        return pb.ReverseTransactionResponse(
            transaction=posted.transaction, replayed=posted.replayed
        )

    async def ListTransactions(
        self, request: pb.ListTransactionsRequest, _context: object
    ) -> pb.ListTransactionsResponse:
        """Return a page of transactions."""
        size = page_size_field(request.page_size)
        after = self._page_tokens.read(request, request.page_token)
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        account_id = None
        if request.account:
            reference = reference_field("account", request.account)
            account_id = await self._account_id(journal, reference)
        wanted = transactions.Filter(
            account_id=account_id,
            from_date=date_field("from_date", request.from_date),
            to_date=date_field("to_date", request.to_date),
            external_id=text_field("external_id", request.external_id, ID_LENGTH_MAX) or None,
            correlation_id=text_field("correlation_id", request.correlation_id, ID_LENGTH_MAX)
            or None,
            newest_first=request.newest_first,
        )
        place = (date.fromisoformat(str(after[0])), int(after[1])) if after else None
        async with self._database.reader_connection() as tx:
            rows = await transactions.list_in_tx(tx, journal.id, wanted, place, size + 1)
        shown, token = self._page_tokens.cut(
            request, rows, size, lambda row: [row.effective_date, row.sequence]
        )
        return pb.ListTransactionsResponse(transactions=shown, next_page_token=token)

    async def _account_id(self, journal: Journal, reference: str) -> AccountId:
        async with self._database.look_up_connection() as tx:
            return (await get_account_in_tx(tx, journal, reference)).id

    async def _post_independent(self, journal: str, request: pb.PostTransactionsRequest) -> bytes:
        """Post what can be decoded; what cannot is refused in its place."""
        decoded: list[PostCommand | LedgerError] = []
        for index, one in enumerate(request.transactions):
            try:
                decoded.append(transaction_command(f"transactions[{index}]", one))
            except LedgerError as error:
                decoded.append(error)
        commands = [one for one in decoded if isinstance(one, PostCommand)]
        posted = iter(await self._poster.post_independent(journal, commands) if commands else ())
        results = [next(posted) if isinstance(one, PostCommand) else one for one in decoded]
        return _answer(results)


def _answer(results: Sequence[Result]) -> bytes:
    """Put the answer together around the bytes of its transactions."""
    fields: list[bytes] = []
    for result in results:
        if isinstance(result, Posted):
            item = field(_ITEM_POSTED, result.encoded)
            fields.append(field(_RESULTS, item + _ITEM_REPLAYED if result.replayed else item))
        else:
            refused = pb.PostResult(refusal=refusal(result))
            fields.append(field(_RESULTS, refused.SerializeToString()))
    return b"".join(fields)


def add_transaction_servicer(servicer: TransactionServicer, methods: Methods) -> None:
    """Serve `servicer`: what is posted is sent as it is stored."""
    methods.add_servicer(_SERVICE, servicer, as_bytes={"PostTransaction", "PostTransactions"})


def _balance_change(change: BalanceChange) -> pb.BalanceChange:
    return pb.BalanceChange(
        account_id=str(change.key.account_id),
        account_code=change.account_code,
        currency=change.key.currency,
        layer=change.layer.value,  # type: ignore[arg-type]  # same numbers
        net_debit_before=amount(change.net_debit_before),
        net_debit_after=amount(change.net_debit_after),
    )
