"""Every refusal the ledger knows. A reason is part of the API and never changes.

One module a noun; import from here. `docs/errors.md` tells callers what each one means.
"""

from ledger_server.domain.errors.account import (
    AccountClosedError,
    AccountExistsError,
    AccountIsSetError,
    AccountNotActiveError,
    AccountNotEmptyError,
    AccountNotFoundError,
    AccountSetCycleError,
    AccountSetExistsError,
    AccountSetNotFoundError,
    MemberNotFoundError,
)
from ledger_server.domain.errors.journal import (
    CurrencyConflictError,
    CurrencyUnknownError,
    JournalExistsError,
    JournalNotFoundError,
    PositionUnavailableError,
)
from ledger_server.domain.errors.refusal import (
    Kind,
    LedgerError,
    Violation,
)
from ledger_server.domain.errors.request import (
    AmountInvalidError,
    FieldInvalidError,
    PageTokenInvalidError,
    RequestIdReusedError,
)
from ledger_server.domain.errors.service import (
    ContentionError,
    InternalError,
    LedgerInvariantError,
    OverloadedError,
    ShuttingDownError,
    StorageUnavailableError,
)
from ledger_server.domain.errors.transaction import (
    BalanceOverflowError,
    ExternalIdReusedError,
    TransactionIdReusedError,
    TransactionNotFoundError,
    UnbalancedError,
)
from ledger_server.domain.errors.tx_template import (
    ExpressionFailedError,
    NoEntriesError,
    ParamInvalidError,
    TemplateInvalidError,
    TemplateNotFoundError,
    TooManyEntriesError,
)

__all__ = [
    "AccountClosedError",
    "AccountExistsError",
    "AccountIsSetError",
    "AccountNotActiveError",
    "AccountNotEmptyError",
    "AccountNotFoundError",
    "AccountSetCycleError",
    "AccountSetExistsError",
    "AccountSetNotFoundError",
    "AmountInvalidError",
    "BalanceOverflowError",
    "ContentionError",
    "CurrencyConflictError",
    "CurrencyUnknownError",
    "ExpressionFailedError",
    "ExternalIdReusedError",
    "FieldInvalidError",
    "InternalError",
    "JournalExistsError",
    "JournalNotFoundError",
    "Kind",
    "LedgerError",
    "LedgerInvariantError",
    "MemberNotFoundError",
    "NoEntriesError",
    "OverloadedError",
    "PageTokenInvalidError",
    "ParamInvalidError",
    "PositionUnavailableError",
    "RequestIdReusedError",
    "ShuttingDownError",
    "StorageUnavailableError",
    "TemplateInvalidError",
    "TemplateNotFoundError",
    "TooManyEntriesError",
    "TransactionIdReusedError",
    "TransactionNotFoundError",
    "UnbalancedError",
    "Violation",
]
