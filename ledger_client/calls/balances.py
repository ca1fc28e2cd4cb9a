"""Calls of the `BalanceService`."""

import datetime as dt
from collections.abc import AsyncIterator, Iterable

from ledger_client.connection import Connection
from ledger_client.convert import decode, encode
from ledger_client.models import Balance, Reference
from ledger_proto.v1 import balances_pb2 as pb


class BalanceCalls(Connection):
    """Reads balances: of everything posted, or with `as_of` of what is effective by that day."""

    async def get_balance(
        self,
        journal: Reference,
        account: Reference,
        currency: str,
        *,
        as_of: dt.date | None = None,
    ) -> Balance:
        """Return the balance of an account in a currency; zero if nothing was ever posted.

        Raises:
            NotFoundError: account, currency or journal is not there.
        """
        request = pb.GetBalanceRequest(
            journal=encode.reference(journal),
            account=encode.reference(account),
            currency=currency,
            as_of=encode.date(as_of),
        )
        response = await self._call(self._balances.GetBalance, request)
        return decode.balance(response.balance, response.sequence)

    async def batch_get_balances(
        self,
        journal: Reference,
        keys: Iterable[tuple[Reference, str]],
        *,
        as_of: dt.date | None = None,
    ) -> list[Balance]:
        """Return 1 to 1,000 balances in the order of `keys`, all read at one moment.

        Args:
            journal: code or id.
            keys: account (code or id) and currency of each.
            as_of: counts only what is effective on or before this day.

        Raises:
            NotFoundError: an account, currency or the journal is not there.
        """
        request = pb.BatchGetBalancesRequest(
            journal=encode.reference(journal),
            keys=[
                pb.BalanceKey(account=encode.reference(account), currency=currency)
                for account, currency in keys
            ],
            as_of=encode.date(as_of),
        )
        response = await self._call(self._balances.BatchGetBalances, request)
        return [decode.balance(balance, response.sequence) for balance in response.balances]

    def list_balances(
        self,
        journal: Reference,
        *,
        account: Reference | None = None,
        as_of: dt.date | None = None,
    ) -> AsyncIterator[Balance]:
        """Give the balances of accounts with entries, by account code, then currency.

        Pages are read one after another, each at its own moment: `Balance.sequence` tells which.
        """
        request = pb.ListBalancesRequest(
            journal=encode.reference(journal),
            account=encode.optional_reference(account),
            as_of=encode.date(as_of),
        )
        return self._items(
            self._balances.ListBalances,
            request,
            lambda page: [decode.balance(balance, page.sequence) for balance in page.balances],
        )
