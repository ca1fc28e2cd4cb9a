"""What a module consists of; the host runs it."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from google.protobuf.message import Message
from pydantic import BaseModel, ConfigDict
from starlette.routing import BaseRoute

from ledger_client.banking.foundation.calls import Call, Outcome
from ledger_client.banking.foundation.entity import Entity
from ledger_client.banking.foundation.events import DomainEvent, Envelope
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.unit import Unit

#: Makes a call of a module's own kind: given the tenant and the call, returns how it ended. It is
#: repeated until it returns, so what it raises must be what passes by itself.
Caller = Callable[[str, Call], Awaitable[Outcome]]


class TenantSettings(BaseModel):
    """What a tenant may set in a module; a subclass has a default for each field.

    The docstring of a field is what the API says of the setting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Module(Protocol):
    """One module, made by the function `build` of its `module.py` and run by the host."""

    #: Also names its schema, its role and its prefix, such as `deposit`.
    name: str
    #: By the full name of a service, such as `bank.deposit.v1.DepositService`: an object with a
    #: coroutine for each RPC, called with the unit and the request. A request with a `request_id`
    #: is a command: its coroutine returns the entity that the response shows (or an `Answer`). Any
    #: other is a query and returns the response. An RPC that streams is an asynchronous generator.
    services: Mapping[str, object]
    #: What each RPC needs, by its full name: `bank.deposit.v1.DepositService/InitiateWithdrawal`.
    permissions: Mapping[str, Permission]
    #: How an entity is shown in a response; the message's type tells the field.
    encoders: Mapping[type[Entity[Any]], Callable[[Any], Message]]
    entities: Sequence[type[Entity[Any]]]
    events: Sequence[type[DomainEvent]]
    settings: type[TenantSettings]
    #: Whether it makes calls that move money, and so follows the journals of its tenants.
    posts: bool
    #: Names of the modules whose domain events it is told.
    follows: Sequence[str]
    #: Kinds of calls that it makes beside those to the ledger.
    callers: Mapping[str, Caller]
    #: What it serves over HTTP, such as a webhook; paths begin with its name.
    routes: Sequence[BaseRoute]

    async def set_up(self, unit: Unit) -> None:
        """Bring about what a tenant needs before the first command; runs at each start."""

    async def on_outcome(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        """Take note of how a call ended; exactly once, in the transaction of `unit`."""

    async def on_event(self, unit: Unit, event: Envelope) -> None:
        """React to a domain event of a followed module; exactly once, in their order."""

    async def on_tick(self, unit: Unit, now: dt.datetime) -> bool:
        """Do what is due by the clock; called often. Return True if there is more to do at once."""
