"""The limit that keeps deposit accounts from being overdrawn.

It is the ledger's: whatever posts to an account, and however many at once, its available balance,
which counts what is held, never falls below zero.
"""

from decimal import Decimal

from ledger_client.banking.deposit.chart import ALL_ACCOUNTS
from ledger_client.banking.deposit.errors import OVERDRAFT_LIMIT
from ledger_client.client import LedgerClient
from ledger_client.errors import ConflictError
from ledger_client.models import Direction, LimitScope, StandingLimit


def overdraft_limit(currency: str) -> str:
    """Return the code of the limit for accounts in a currency."""
    return f"{OVERDRAFT_LIMIT}{currency}"


async def forbid_overdrafts(ledger: LedgerClient, tenant: str, currency: str) -> None:
    """Make the set of all deposit accounts and the limit, and have it bind each account.

    What is there already stays, also a bound that somebody changed.

    Raises:
        LedgerError: the ledger does not answer, or has a set or a limit of another kind there.
    """
    try:
        await ledger.create_account_set(
            tenant,
            ALL_ACCOUNTS,
            name="All deposit accounts",
            normal_side=Direction.CREDIT,
        )
    except ConflictError as error:
        if error.reason != "ACCOUNT_SET_EXISTS":
            raise
    code = overdraft_limit(currency)
    try:
        await ledger.create_limit(
            tenant,
            code,
            name=f"No overdraft of deposit accounts in {currency}",
            currency=currency,
            rule=StandingLimit(available_min=Decimal(0)),
        )
    except ConflictError as error:
        if error.reason != "LIMIT_EXISTS":
            raise
    await ledger.attach_limit(tenant, code, account_set=ALL_ACCOUNTS, scope=LimitScope.EACH_ACCOUNT)
