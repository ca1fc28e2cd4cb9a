"""What this module consists of."""

import datetime as dt
from typing import Any

from ledger_client.banking.foundation.calls import Call, Outcome
from ledger_client.banking.foundation.context import ModuleContext
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.governance import events, messages, reactions
from ledger_client.banking.governance.api import GovernanceApi
from ledger_client.banking.governance.permissions import PERMISSIONS
from ledger_client.banking.governance.process import Process
from ledger_client.banking.governance.rules import Committee, Policy
from ledger_client.banking.governance.settings import GovernanceSettings


class GovernanceModule:
    """Committees, policies and approval processes of each tenant."""

    name = "governance"
    permissions = PERMISSIONS
    entities = (Committee, Policy, Process)
    events = events.ALL
    settings = GovernanceSettings
    posts = False
    follows = ("access",)
    routes = ()

    def __init__(self) -> None:
        """Put it together."""
        self.services = {"bank.governance.v1.GovernanceService": GovernanceApi()}
        self.encoders: dict[Any, Any] = {
            Committee: messages.committee_message,
            Policy: messages.policy_message,
            Process: messages.process_message,
        }
        self.callers: dict[str, Any] = {}

    async def set_up(self, unit: Unit) -> None:
        """Need nothing: a tenant without committees and policies approves automatically."""

    async def on_outcome(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        """Make no calls."""
        raise NotImplementedError

    async def on_event(self, unit: Unit, event: Envelope) -> None:
        """Take users who were removed out of all committees."""
        await reactions.on_event(unit, event)

    async def on_tick(self, unit: Unit, now: dt.datetime) -> bool:
        """End processes whose time is over."""
        return await reactions.on_tick(unit, now)


def build(_context: ModuleContext) -> GovernanceModule:
    """Make the module."""
    return GovernanceModule()
