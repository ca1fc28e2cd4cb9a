"""What each RPC of the module needs."""

from collections.abc import Mapping
from typing import Final

from ledger_client.banking.foundation.permissions import Permission

_SERVICE: Final = "bank.deposit.v1.DepositService"

#: RPC, permission set, entity and verb.
_RPCS: Final = (
    ("CreateAccount", "deposit_writer", "account", "create"),
    ("GetAccount", "deposit_viewer", "account", "read"),
    ("ListAccounts", "deposit_viewer", "account", "list"),
    ("FreezeAccount", "deposit_freeze", "account", "freeze"),
    ("UnfreezeAccount", "deposit_unfreeze", "account", "unfreeze"),
    ("FreezeAccountsOfCustomer", "deposit_freeze", "account", "freeze-all"),
    ("UnfreezeAccountsOfCustomer", "deposit_unfreeze", "account", "unfreeze-all"),
    ("CloseAccount", "deposit_writer", "account", "close"),
    ("RecordDeposit", "deposit_writer", "deposit", "record"),
    ("GetDeposit", "deposit_viewer", "deposit", "read"),
    ("ListDeposits", "deposit_viewer", "deposit", "list"),
    ("RevertDeposit", "deposit_writer", "deposit", "revert"),
    ("InitiateWithdrawal", "deposit_writer", "withdrawal", "initiate"),
    ("GetWithdrawal", "deposit_viewer", "withdrawal", "read"),
    ("ListWithdrawals", "deposit_viewer", "withdrawal", "list"),
    ("CancelWithdrawal", "deposit_writer", "withdrawal", "cancel"),
    ("RevertWithdrawal", "deposit_writer", "withdrawal", "revert"),
    ("GetAccountHistory", "deposit_viewer", "account", "read-history"),
)

PERMISSIONS: Final[Mapping[str, Permission]] = {
    f"{_SERVICE}/{rpc}": Permission(
        permission_set=permission_set, object=f"deposit/{entity}", action=f"deposit:{entity}:{verb}"
    )
    for rpc, permission_set, entity, verb in _RPCS
}
