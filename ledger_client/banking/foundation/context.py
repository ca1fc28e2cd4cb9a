"""What a module is given to be built with."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeAlias

import grpc

from ledger_client.banking.foundation.clock import Clock
from ledger_client.banking.foundation.database import ModuleDatabase
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.client import LedgerClient

#: Makes the metadata of a call: the module's own credentials.
Credentials: TypeAlias = Callable[[], tuple[tuple[str, str], ...]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModuleContext:
    """Everything that a module needs from outside."""

    database: ModuleDatabase
    ledger: LedgerClient
    clock: Clock
    tenants: frozenset[str]
    #: Shared by the modules of this bank: signs links and the modules' own credentials.
    secret: bytes
    #: A channel to where another module runs.
    channel_to: Callable[[str], grpc.aio.Channel]
    #: Metadata for calls to other modules: this module's credentials, made anew for each call.
    credentials: Credentials
    #: What every RPC of every module needs, by its full name.
    permissions: Mapping[str, Permission]
    #: What modules may do at each other, by subject.
    system_actions: Mapping[str, frozenset[str]]
    #: By name, such as `documents_dir`: from the command line and `LEDGER_BANK_<NAME>`.
    options: Mapping[str, str]
