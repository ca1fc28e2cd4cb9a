"""Params of the module's templates, `templates/deposit`."""

from collections.abc import Mapping
from typing import Final

from ledger_client.banking.deposit.chart import account_code, omnibus_code
from ledger_client.banking.deposit.deposit_rules import Deposit
from ledger_client.banking.deposit.withdrawal import Withdrawal

RECORD_DEPOSIT: Final = "RECORD_DEPOSIT"
WITHDRAW: Final = "WITHDRAW"
TEMPLATES: Final = (RECORD_DEPOSIT, WITHDRAW)


def movement_params(movement: Deposit | Withdrawal) -> Mapping[str, str]:
    """Return what both templates are given."""
    return {
        "account": account_code(movement.account_id),
        "omnibus": omnibus_code(movement.currency),
        "amount": movement.amount,
        "currency": movement.currency,
    }
