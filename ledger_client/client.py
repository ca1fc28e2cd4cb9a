"""The client: one method a call, in the values of `ledger_client.models`."""

from ledger_client.calls.account_sets import AccountSetCalls
from ledger_client.calls.accounts import AccountCalls
from ledger_client.calls.audit import AuditCalls
from ledger_client.calls.balances import BalanceCalls
from ledger_client.calls.charts import ChartCalls
from ledger_client.calls.cursors import CursorCalls
from ledger_client.calls.erasures import ErasureCalls
from ledger_client.calls.events import EventCalls
from ledger_client.calls.fiscal_years import FiscalYearCalls
from ledger_client.calls.holds import HoldCalls
from ledger_client.calls.journals import JournalCalls
from ledger_client.calls.limits import LimitCalls
from ledger_client.calls.periods import PeriodCalls
from ledger_client.calls.proofs import ProofCalls
from ledger_client.calls.rates import RateCalls
from ledger_client.calls.reports import ReportCalls
from ledger_client.calls.statements import StatementCalls
from ledger_client.calls.transactions import TransactionCalls
from ledger_client.calls.tx_templates import TxTemplateCalls


class LedgerClient(
    JournalCalls,
    AccountCalls,
    AccountSetCalls,
    ChartCalls,
    TxTemplateCalls,
    TransactionCalls,
    HoldCalls,
    LimitCalls,
    PeriodCalls,
    FiscalYearCalls,
    RateCalls,
    BalanceCalls,
    ReportCalls,
    StatementCalls,
    EventCalls,
    AuditCalls,
    ProofCalls,
    ErasureCalls,
    CursorCalls,
):
    """An asynchronous client of one server.

        async with LedgerClient.connect("127.0.0.1:7070") as ledger:
            await ledger.post("MAIN", "TRANSFER", {"amount": Decimal("12.34"), ...})

    Every mutation carries an id, the caller's or one made for the call, so that it is repeated
    safely when an answer is lost. Amounts are `Decimal` in whole currency units; a float is
    refused. Lists are asynchronous iterators over all pages. Every failure is a `LedgerError`.
    """
