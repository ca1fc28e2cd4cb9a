"""A bank in one process: the modules that run here, one gRPC server, one HTTP server."""

import asyncio
import contextlib
import dataclasses
import importlib
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import uvicorn
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from starlette.applications import Starlette

from ledger_client.banking import permission_catalogue
from ledger_client.banking.foundation import (
    cursor_service,
    event_service,
    operations_service,
)
from ledger_client.banking.foundation.clock import Clock
from ledger_client.banking.foundation.context import Credentials, ModuleContext
from ledger_client.banking.foundation.cursor_service import CursorHandlers
from ledger_client.banking.foundation.database import ModuleDatabase, open_database
from ledger_client.banking.foundation.event_service import DomainEventHandlers
from ledger_client.banking.foundation.gate import Gate
from ledger_client.banking.foundation.module import Module
from ledger_client.banking.foundation.operations_service import OperationsHandlers
from ledger_client.banking.foundation.remote_gate import RemoteGate
from ledger_client.banking.foundation.runner import ModuleRunner
from ledger_client.banking.foundation.system_tokens import token_maker
from ledger_client.client import LedgerClient
from ledger_client.connection import CHANNEL_OPTIONS
from ledger_client.errors import ConflictError
from ledger_client.http_serving import serve_until_cancelled
from ledger_client.retry import NO_RETRY

_log: Final = logging.getLogger(__name__)

#: In the order in which they are set up: each after those that it asks.
MODULES: Final = ("access", "time", "governance", "customer", "deposit")
#: One attempt at a call to the ledger: well below the time that a call is in one's hands.
LEDGER_SECONDS: Final = 5.0
#: How long a bank that starts waits for a ledger that is busy.
START_SECONDS: Final = 60.0
STOP_GRACE_SECONDS: Final = 5.0
#: Calls at once, streams included; one more is refused with RESOURCE_EXHAUSTED.
CONCURRENT_CALLS_MAX: Final = 4_000
SERVER_OPTIONS: Final = (
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.so_reuseport", 0),
)
#: Services that all modules share.
_OF_ALL: Final = (event_service.SERVICE, cursor_service.SERVICE, operations_service.SERVICE)
#: The ledger's reason.
_JOURNAL_EXISTS: Final = "JOURNAL_EXISTS"
_FOUNDATION_SQL: Final = Path(__file__).parent / "foundation" / "sql"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """How a bank runs."""

    #: Address of the ledger.
    ledger: str
    #: PostgreSQL for the modules' schemas.
    dsn: str
    #: Shared by all processes of the bank.
    secret: bytes
    clock: Clock
    #: Codes of the journals; made where they are missing.
    tenants: tuple[str, ...]
    #: Names of those that run here.
    modules: tuple[str, ...] = MODULES
    listen: str = "127.0.0.1:0"
    http_listen: str = "127.0.0.1:0"
    #: Where modules run that do not run here, by name.
    addresses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: Of the modules, by name.
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A bank that runs."""

    address: str
    #: Such as `http://127.0.0.1:8081`.
    http_address: str
    runners: Mapping[str, ModuleRunner]
    #: Ends only with a failure.
    work: "asyncio.Task[None]"


@contextlib.asynccontextmanager
async def running_bank(settings: BankSettings, gate: Gate | None = None) -> AsyncIterator[Bank]:
    """Run a bank until the end of the block.

    Args:
        settings: how.
        gate: decides instead of the module access.

    Raises:
        DatabaseSetUpError: a schema cannot be made.
        LedgerError: the ledger does not answer, or refuses.
        UnguardedError: an RPC needs no permission.
    """
    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(
            LedgerClient.connect(settings.ledger, timeout_seconds=LEDGER_SECONDS, retry=NO_RETRY)
        )
        await _make_journals(settings)
        server = grpc.aio.server(
            options=SERVER_OPTIONS, maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX
        )
        host, _, _ = settings.listen.rpartition(":")
        address = f"{host}:{server.add_insecure_port(settings.listen)}"
        channels = _Channels(stack, address, settings)
        runners = await _runners(stack, settings, ledger, channels, gate)
        streams = _add_services(server, runners)
        names = [name for runner in runners.values() for name in runner.module.services]
        health_servicer = await _add_health(server, [*names, *_OF_ALL])
        await server.start()
        stack.push_async_callback(server.stop, STOP_GRACE_SECONDS)
        stack.callback(streams.stop)
        # Modules that ask others while they are set up find them serving.
        for runner in runners.values():
            await runner.set_up()
        http, http_address = await _serve_http(stack, settings, runners)
        work = asyncio.create_task(_work([*runners.values()], http))
        try:
            yield Bank(address=address, http_address=http_address, runners=runners, work=work)
        finally:
            await health_servicer.enter_graceful_shutdown()
            streams.stop()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


class _Channels:
    """Channels to modules, here or elsewhere; one an address."""

    def __init__(self, stack: contextlib.AsyncExitStack, own: str, settings: BankSettings) -> None:
        self._stack = stack
        self._own = own
        self._settings = settings
        self._open: dict[str, grpc.aio.Channel] = {}

    def to(self, module: str) -> grpc.aio.Channel:
        """Return the channel to a module.

        Raises:
            ValueError: it runs neither here nor at a known address.
        """
        address = self._own if module in self._settings.modules else None
        address = address or self._settings.addresses.get(module)
        if address is None:
            raise ValueError(f"the module {module} runs elsewhere: its address is needed")
        if address not in self._open:
            channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
            self._open[address] = channel
            self._stack.push_async_callback(channel.close)
        return self._open[address]


async def _make_journals(settings: BankSettings) -> None:
    """Make the journals that are the tenants, where they are missing."""
    async with LedgerClient.connect(settings.ledger, timeout_seconds=START_SECONDS) as ledger:
        for tenant in settings.tenants:
            try:
                await ledger.create_journal(tenant)
            except ConflictError as error:
                # Contention is a conflict too, after which there is no journal.
                if error.reason != _JOURNAL_EXISTS:
                    raise


async def _runners(
    stack: contextlib.AsyncExitStack,
    settings: BankSettings,
    ledger: LedgerClient,
    channels: _Channels,
    gate: Gate | None,
) -> dict[str, ModuleRunner]:
    runners: dict[str, ModuleRunner] = {}
    for name in MODULES:
        if name not in settings.modules:
            continue
        context = await _context(stack, name, settings, ledger, channels)
        module: Module = _import(name).build(context)
        if name == "access" and gate is None:
            gate = module.gate  # type: ignore[attr-defined]  # its own, beside the protocol's
            stack.push_async_callback(module.gate.close)  # type: ignore[attr-defined]
        elif gate is None:
            gate = RemoteGate(channels.to("access"), context.credentials)
        assert gate is not None, "access comes first"
        runners[name] = ModuleRunner(module, context, gate)
    return runners


async def _context(
    stack: contextlib.AsyncExitStack,
    name: str,
    settings: BankSettings,
    ledger: LedgerClient,
    channels: _Channels,
) -> ModuleContext:
    own = Path(__file__).parent / name / "sql"
    migrations = sorted(_FOUNDATION_SQL.glob("*.sql")) + sorted(own.glob("*.sql"))
    database: ModuleDatabase = await open_database(settings.dsn, name, migrations)
    stack.push_async_callback(database.close)
    return ModuleContext(
        database=database,
        ledger=ledger,
        clock=settings.clock,
        tenants=frozenset(settings.tenants),
        secret=settings.secret,
        channel_to=channels.to,
        credentials=_credentials(name, settings.secret),
        permissions=permission_catalogue.PERMISSIONS,
        system_actions=permission_catalogue.SYSTEM_ACTIONS,
        options=settings.options,
    )


def _credentials(module: str, secret: bytes) -> Credentials:
    token = token_maker(module, secret)
    return lambda: (("authorization", f"Bearer {token()}"),)


def _import(module: str) -> Any:
    return importlib.import_module(f"ledger_client.banking.{module}.module")


def _add_services(
    server: grpc.aio.Server, runners: Mapping[str, ModuleRunner]
) -> DomainEventHandlers:
    servings = {name: runner.serving for name, runner in runners.items()}
    streams = DomainEventHandlers(
        servings,
        {name: runner.database for name, runner in runners.items()},
        {name: runner.heads for name, runner in runners.items()},
    )
    operations = OperationsHandlers(
        {name: (runner.module, runner.serving) for name, runner in runners.items()}
    )
    services: dict[str, Mapping[str, Any]] = {
        event_service.SERVICE: streams.handlers(),
        cursor_service.SERVICE: CursorHandlers(servings).handlers(),
        operations_service.SERVICE: operations.handlers(),
    }
    for runner in runners.values():
        services |= runner.handlers()
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(name, dict(handlers))
            for name, handlers in services.items()
        )
    )
    return streams


async def _add_health(server: grpc.aio.Server, names: Sequence[str]) -> Any:
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    for name in ("", *names):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    return servicer


async def _serve_http(
    stack: contextlib.AsyncExitStack, settings: BankSettings, runners: Mapping[str, ModuleRunner]
) -> tuple[uvicorn.Server, str]:
    """Return the HTTP server, whose port is open, and where it is."""
    host, _, port = settings.http_listen.rpartition(":")
    bound = stack.enter_context(socket.create_server((host, int(port))))
    routes = [route for runner in runners.values() for route in runner.module.routes]
    config = uvicorn.Config(
        Starlette(routes=routes),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(STOP_GRACE_SECONDS),
    )
    server = _HttpServer(config, bound)
    return server, f"http://{host}:{bound.getsockname()[1]}"


class _HttpServer(uvicorn.Server):
    """Leaves signals to the process that it is a part of."""

    def __init__(self, config: uvicorn.Config, bound: socket.socket) -> None:
        super().__init__(config)
        self._bound = bound

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield

    async def run_in_loop(self) -> None:
        await serve_until_cancelled(self, self._bound)


async def _work(runners: Sequence[ModuleRunner], http: Any) -> None:
    async with asyncio.TaskGroup() as group:
        for runner in runners:
            group.create_task(runner.run())
        group.create_task(http.run_in_loop())
