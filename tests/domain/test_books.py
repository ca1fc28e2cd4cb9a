"""What a posting may not do to the books: accounts that take none, sums beyond their bound."""

from decimal import Decimal

import pytest

from ledger_server.domain.account import AccountStatus
from ledger_server.domain.books import SUM_BOUND
from ledger_server.domain.errors import AccountNotActiveError, BalanceOverflowError
from ledger_server.domain.primitives import EXACT
from ledger_server.domain.transaction import BalanceKey
from tests.domain.strategies import ACCOUNTS
from tests.domain.test_posting import decided, fresh, picture, transfer, with_status, word


@pytest.mark.parametrize("status", [AccountStatus.LOCKED, AccountStatus.CLOSED])
def test_an_account_that_takes_no_entries(status: AccountStatus) -> None:
    against = fresh(accounts=with_status(ACCOUNTS[1], status))
    (refusal,) = decided([transfer()], against)
    assert isinstance(refusal, AccountNotActiveError)
    assert refusal.facts() == {"account": "account 2", "status": status.name}
    assert picture(against) == picture(fresh())


@pytest.mark.parametrize(("below", "word_"), [(2, "posted"), (1, "BALANCE_OVERFLOW")])
def test_the_bound_of_a_sum(below: int, word_: str) -> None:
    against = fresh()
    full = BalanceKey(ACCOUNTS[1], "JPY")
    against.balances[full].sums[1] = EXACT.subtract(SUM_BOUND, Decimal(below))
    before = picture(against)
    (outcome,) = decided([transfer(minor=1, currency="JPY")], against)
    assert word(outcome) == word_
    if isinstance(outcome, BalanceOverflowError):
        assert outcome.facts() == {"account": "account 2", "currency": "JPY"}
        assert picture(against) == before
