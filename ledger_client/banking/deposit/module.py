"""What this module consists of."""

import datetime as dt

from ledger_client.banking.deposit import events, reactions
from ledger_client.banking.deposit.account_rules import DepositAccount
from ledger_client.banking.deposit.api import DepositApi
from ledger_client.banking.deposit.books import Books
from ledger_client.banking.deposit.deposit_rules import Deposit
from ledger_client.banking.deposit.history import AccountHistory
from ledger_client.banking.deposit.holder_rules import AccountHolder
from ledger_client.banking.deposit.messages import (
    account_message,
    deposit_message,
    holder_message,
    withdrawal_message,
)
from ledger_client.banking.deposit.other_modules import START_APPROVAL, Approvals, Customers
from ledger_client.banking.deposit.permissions import PERMISSIONS
from ledger_client.banking.deposit.service import DepositCommands
from ledger_client.banking.deposit.settings import DepositSettings
from ledger_client.banking.deposit.withdrawal import Withdrawal
from ledger_client.banking.foundation.calls import Call, Outcome
from ledger_client.banking.foundation.context import ModuleContext
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.unit import Unit


class DepositModule:
    """Accounts of customers, deposits and withdrawals."""

    name = "deposit"
    permissions = PERMISSIONS
    entities = (DepositAccount, AccountHolder, Deposit, Withdrawal)
    events = events.EVENTS
    settings = DepositSettings
    follows = ("customer", "governance", "time")
    posts = True
    routes = ()

    def __init__(self, context: ModuleContext) -> None:
        """Put it together."""
        self._books = Books(context.ledger)
        customers = Customers(context.channel_to("customer"), context.credentials)
        approvals = Approvals(context.channel_to("governance"), context.credentials)
        api = DepositApi(DepositCommands(self._books, customers), AccountHistory(context.ledger))
        self.services = {"bank.deposit.v1.DepositService": api}
        self.encoders = {
            DepositAccount: account_message,
            AccountHolder: holder_message,
            Deposit: deposit_message,
            Withdrawal: withdrawal_message,
        }
        self.callers = {START_APPROVAL: approvals.start}

    async def set_up(self, unit: Unit) -> None:
        """Have the tenant's journal in order."""
        await self._books.set_up(unit.tenant, unit.settings(DepositSettings))

    async def on_outcome(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        """Note how a call ended."""
        await reactions.on_outcome(unit, call, outcome)

    async def on_event(self, unit: Unit, event: Envelope) -> None:
        """React to approvals, to news of customers, and to the end of a day."""
        await reactions.on_event(unit, event)

    async def on_tick(self, _unit: Unit, _now: dt.datetime) -> bool:
        """Have nothing that is due by the clock alone: the end of a day is an event."""
        return False


def build(context: ModuleContext) -> DepositModule:
    """Make the module."""
    return DepositModule(context)
