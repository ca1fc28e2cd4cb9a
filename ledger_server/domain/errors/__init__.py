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
from ledger_server.domain.errors.chart import AccountSetNotLeafError, ChartInvalidError
from ledger_server.domain.errors.cursor import (
    CursorHeldError,
    CursorLostError,
    CursorNotFoundError,
)
from ledger_server.domain.errors.fiscal_year import (
    AccountCategoryAmbiguousError,
    FiscalYearExistsError,
    FiscalYearNotFoundError,
    FiscalYearOrderError,
    FiscalYearStateError,
    RetainedEarningsInvalidError,
)
from ledger_server.domain.errors.hold import (
    CaptureExceedsError,
    ExpireTimePassedError,
    HoldLayerError,
    HoldNotFoundError,
    HoldNotOpenError,
)
from ledger_server.domain.errors.journal import (
    CurrencyConflictError,
    CurrencyUnknownError,
    JournalExistsError,
    JournalNotFoundError,
    PositionUnavailableError,
    ReportTooLargeError,
)
from ledger_server.domain.errors.limit import (
    LimitExceededError,
    LimitExistsError,
    LimitInvalidError,
    LimitNotAttachedError,
    LimitNotFoundError,
)
from ledger_server.domain.errors.period import (
    PeriodClosedError,
    PeriodLockedError,
    PeriodOrderError,
)
from ledger_server.domain.errors.proof import (
    CheckpointUnavailableError,
    SigningDisabledError,
    TreeInconsistentError,
)
from ledger_server.domain.errors.rate import RateNotFoundError
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
from ledger_server.domain.errors.reversal import (
    AlreadyReversedError,
    NotReversibleError,
    ReversalExceedsError,
)
from ledger_server.domain.errors.service import (
    ContentionError,
    InternalError,
    LedgerInvariantError,
    OverloadedError,
    ShuttingDownError,
    StorageUnavailableError,
    TooManyCallsError,
    TooManySubscribersError,
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
    "AccountCategoryAmbiguousError",
    "AccountClosedError",
    "AccountExistsError",
    "AccountIsSetError",
    "AccountNotActiveError",
    "AccountNotEmptyError",
    "AccountNotFoundError",
    "AccountSetCycleError",
    "AccountSetExistsError",
    "AccountSetNotFoundError",
    "AccountSetNotLeafError",
    "AlreadyReversedError",
    "AmountInvalidError",
    "BalanceOverflowError",
    "CaptureExceedsError",
    "ChartInvalidError",
    "CheckpointUnavailableError",
    "ContentionError",
    "CurrencyConflictError",
    "CurrencyUnknownError",
    "CursorHeldError",
    "CursorLostError",
    "CursorNotFoundError",
    "ExpireTimePassedError",
    "ExpressionFailedError",
    "ExternalIdReusedError",
    "FieldInvalidError",
    "FiscalYearExistsError",
    "FiscalYearNotFoundError",
    "FiscalYearOrderError",
    "FiscalYearStateError",
    "HoldLayerError",
    "HoldNotFoundError",
    "HoldNotOpenError",
    "InternalError",
    "JournalExistsError",
    "JournalNotFoundError",
    "Kind",
    "LedgerError",
    "LedgerInvariantError",
    "LimitExceededError",
    "LimitExistsError",
    "LimitInvalidError",
    "LimitNotAttachedError",
    "LimitNotFoundError",
    "MemberNotFoundError",
    "NoEntriesError",
    "NotReversibleError",
    "OverloadedError",
    "PageTokenInvalidError",
    "ParamInvalidError",
    "PeriodClosedError",
    "PeriodLockedError",
    "PeriodOrderError",
    "PositionUnavailableError",
    "RateNotFoundError",
    "ReportTooLargeError",
    "RequestIdReusedError",
    "RetainedEarningsInvalidError",
    "ReversalExceedsError",
    "ShuttingDownError",
    "SigningDisabledError",
    "StorageUnavailableError",
    "TemplateInvalidError",
    "TemplateNotFoundError",
    "TooManyCallsError",
    "TooManyEntriesError",
    "TooManySubscribersError",
    "TransactionIdReusedError",
    "TransactionNotFoundError",
    "TreeInconsistentError",
    "UnbalancedError",
    "Violation",
]
