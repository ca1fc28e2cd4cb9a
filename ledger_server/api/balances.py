"""BalanceService: decodes, hands over, encodes."""

from ledger_proto.v1 import balances_pb2 as pb
from ledger_proto.v1.balances_pb2_grpc import BalanceServiceServicer
from ledger_server.api.fields import (
    currency_field,
    date_field,
    page_size_field,
    reference_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.balances import BalanceReference, list_balances, read_balances
from ledger_server.application.journals import get_journal
from ledger_server.domain.account import ACCOUNTS_MAX_PER_REQUEST
from ledger_server.domain.balance import Balance
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.domain.primitives import Layer, fixed
from ledger_server.store.database import Database


class BalanceServicer(BalanceServiceServicer):
    """The balances of accounts."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Serve the balances of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def GetBalance(
        self, request: pb.GetBalanceRequest, _context: object
    ) -> pb.GetBalanceResponse:
        """Return the balance of an account in one currency."""
        reference = BalanceReference(
            reference_field("account", request.account),
            currency_field("currency", request.currency),
        )
        as_of = date_field("as_of", request.as_of)
        journal = await self._journal(request.journal)
        found, sequence = await read_balances(self._database, journal, [reference], as_of)
        return pb.GetBalanceResponse(
            balance=_balance_message(found[0], current=as_of is None), sequence=sequence
        )

    async def BatchGetBalances(
        self, request: pb.BatchGetBalancesRequest, _context: object
    ) -> pb.BatchGetBalancesResponse:
        """Return many balances, all read at one moment."""
        if not 1 <= len(request.keys) <= ACCOUNTS_MAX_PER_REQUEST:
            raise FieldInvalidError("keys", f"not 1 to {ACCOUNTS_MAX_PER_REQUEST} keys")
        references = [
            BalanceReference(
                reference_field(f"keys[{index}].account", key.account),
                currency_field(f"keys[{index}].currency", key.currency),
            )
            for index, key in enumerate(request.keys)
        ]
        as_of = date_field("as_of", request.as_of)
        journal = await self._journal(request.journal)
        found, sequence = await read_balances(self._database, journal, references, as_of)
        return pb.BatchGetBalancesResponse(
            balances=[_balance_message(balance, current=as_of is None) for balance in found],
            sequence=sequence,
        )

    async def ListBalances(
        self, request: pb.ListBalancesRequest, _context: object
    ) -> pb.ListBalancesResponse:
        """Return a page of balances."""
        size = page_size_field(request.page_size)
        code, currency = self._page_tokens.read(request, request.page_token) or ["", ""]
        account = reference_field("account", request.account) if request.account else ""
        as_of = date_field("as_of", request.as_of)
        journal = await self._journal(request.journal)
        rows, sequence = await list_balances(
            self._database,
            journal,
            account=account,
            as_of=as_of,
            after=(str(code), str(currency)),
            limit=size + 1,
        )
        shown, token = self._page_tokens.cut(
            request, rows, size, lambda row: [row.account_code, row.currency]
        )
        return pb.ListBalancesResponse(
            balances=[_balance_message(balance, current=as_of is None) for balance in shown],
            next_page_token=token,
            sequence=sequence,
        )

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _balance_message(balance: Balance, *, current: bool) -> pb.Balance:
    """Encode a balance; what holds leave available is known of current ones only."""
    return pb.Balance(
        account_id=str(balance.account_id),
        account_code=balance.account_code,
        normal_side=balance.normal_side.value,  # type: ignore[arg-type]  # same numbers
        currency=balance.currency,
        settled=_layer_message(balance, Layer.SETTLED),
        pending=_layer_message(balance, Layer.PENDING),
        encumbrance=_layer_message(balance, Layer.ENCUMBRANCE),
        available=fixed(balance.available(), balance.exponent) if current else "",
        version=balance.version,
    )


def _layer_message(balance: Balance, layer: Layer) -> pb.LayerBalance:
    return pb.LayerBalance(
        debit=fixed(balance.debit(layer), balance.exponent),
        credit=fixed(balance.credit(layer), balance.exponent),
        net=fixed(balance.net(layer), balance.exponent),
    )
