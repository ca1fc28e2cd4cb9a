"""Serve until told to stop: the gRPC server around the services, from bind to last answer."""

import asyncio
import decimal
import gc
import ipaddress
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from ledger_server.api.methods import CALLS_MAX, Methods
from ledger_server.domain.primitives import EXACT
from ledger_server.settings import Settings, split_address

logger = logging.getLogger(__name__)

#: A request of 1,000 postings is about 0.5 MB; a peer may not make us buffer much more.
RECEIVE_BYTES_MAX: Final = 4 * 1024 * 1024
#: A report of a large chart is one answer.
SEND_BYTES_MAX: Final = 64 * 1024 * 1024
#: Above the first gRPC begins to refuse at random, above the second always.
METADATA_BYTES_SOFT_MAX: Final = 8 * 1024
METADATA_BYTES_MAX: Final = 16 * 1024
#: Calls that gRPC has in hand, from their first byte to their last: twice what methods take. A
#: backstop against peers who send no request or take no answer, which methods do not see.
GRPC_CALLS_MAX: Final = 2 * CALLS_MAX
#: A silent peer is asked for a sign of life, so a subscriber that vanished is noticed.
KEEPALIVE_TIME_MS: Final = 60_000
KEEPALIVE_TIMEOUT_MS: Final = 20_000
#: Clients may ask as often as this, also between calls; more often ends the connection.
CLIENT_PING_INTERVAL_MS_MIN: Final = 30_000
#: Connections are renewed, so load spreads over servers and reconnecting is a daily habit.
CONNECTION_AGE_MS_MAX: Final = 30 * 60_000
CONNECTION_AGE_GRACE_MS: Final = 5 * 60_000
#: What calls in flight get to finish when we are told to stop.
STOP_GRACE_S: Final = 10.0
#: What closing the connections to the database gets, which may not answer any more.
CLOSE_TIMEOUT_S: Final = 10.0
#: How often we look whether PostgreSQL is still there.
_WATCH_S = 0.25

SERVER_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    ("grpc.max_receive_message_length", RECEIVE_BYTES_MAX),
    ("grpc.max_send_message_length", SEND_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_SOFT_MAX),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.keepalive_time_ms", KEEPALIVE_TIME_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", CLIENT_PING_INTERVAL_MS_MIN),
    ("grpc.max_connection_age_ms", CONNECTION_AGE_MS_MAX),
    ("grpc.max_connection_age_grace_ms", CONNECTION_AGE_GRACE_MS),
    # Else a second server on the same port would bind too, and take half of the calls.
    ("grpc.so_reuseport", 0),
)

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: grpcio-reflection knows v1alpha alone; the messages of v1 are the same on the wire.
_REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"


class ListenAddressError(Exception):
    """The server must not or cannot listen where it was told to."""


class ServingError(Exception):
    """The server could not start to serve, or had to give up."""


class Service(Protocol):
    """What `add_servicers` hands back."""

    @property
    def service_names(self) -> tuple[str, ...]:
        """The full names of the gRPC services that were added."""

    async def end_streams(self) -> None:
        """End what has no end of its own. Called before calls in flight are waited for."""

    async def close(self) -> None:
        """Let go of everything. Called when no call is in flight any more."""


AddServicers = Callable[[grpc.aio.Server, str], Awaitable[Service]]


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A loopback address that was looked up."""

    #: As it was given, for messages.
    host: str
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    @property
    def target(self) -> str:
        """In gRPC's form."""
        return _join(str(self.ip), self.port)


def resolve_listen(address: str) -> ListenAddress:
    """Look `HOST:PORT` up.

    Raises:
        ListenAddressError: when it cannot be found or is not on the loopback interface alone.
    """
    host, port = split_address(address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ListenAddressError(f"cannot listen on {address}: {error}") from error
    ips = [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]
    for ip in ips:
        if not ip.is_loopback:
            raise ListenAddressError(
                f"refusing to listen on {address}: {ip} can be reached from outside this machine, "
                "which needs TLS and authentication, and they are not there yet; "
                "listen on 127.0.0.1 or [::1]"
            )
    # A name may stand for both families, and then most clients try IPv4 too.
    return ListenAddress(host, min(ips, key=lambda ip: ip.version), port)


def _spare_garbage_collection() -> None:
    """Have the collector look less often, and not at what lives as long as the server.

    A batch makes tens of thousands of objects that reference counting frees a moment later; the
    collector's defaults would walk all of them, and every module, many times a batch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


async def serve(
    settings: Settings,
    dsn: str,
    add_servicers: AddServicers,
    *,
    database_is_running: Callable[[], bool] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then let the calls in flight finish.

    Args:
        settings: where to listen.
        dsn: the database, migrated.
        add_servicers: adds the services and returns what is to be closed after the last call.
        database_is_running: asked now and then; False ends the server.

    Raises:
        ListenAddressError: for an address that is not on loopback.
        ServingError: when the port is taken, or the database has gone.
    """
    # Handlers run in tasks that are made from this one and take its context over.
    decimal.setcontext(EXACT.copy())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    address = resolve_listen(settings.listen)
    server = grpc.aio.server(options=SERVER_OPTIONS, maximum_concurrent_rpcs=GRPC_CALLS_MAX)
    port = _bind(server, address)
    service = await add_servicers(server, dsn)
    try:
        names = service.service_names
        health_servicer = await _add_health(server, names)
        add_reflection(server, names)
        _spare_garbage_collection()
        await server.start()
        async with _stopped_at_the_end(server, health_servicer, service):
            print(f"ledger-server ready on {_join(address.host, port)}", flush=True)  # noqa: T201  # promised to whoever starts us
            await _wait(stop, database_is_running)
            logger.info("stopping: calls in flight have %.0f s to finish", STOP_GRACE_S)
    finally:
        await _close(service)
    logger.info("stopped")


def add_reflection(server: grpc.aio.Server, service_names: tuple[str, ...]) -> None:
    """Let tools ask `server` for its contract, in the newer protocol and the older one."""
    protocols = (_REFLECTION_V1, reflection.SERVICE_NAME)
    servicer = reflection.aio.ReflectionServicer((*service_names, health.SERVICE_NAME, *protocols))
    method = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": method}
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(name, methods) for name in protocols)
    )


def _bind(server: grpc.aio.Server, address: ListenAddress) -> int:
    try:
        port: int = server.add_insecure_port(address.target)
    except RuntimeError as error:
        raise ServingError(
            f"cannot listen on {_join(address.host, address.port)}: the port is taken or not ours "
            "to take; choose another with --listen, port 0 for any"
        ) from error
    return port


async def _add_health(server: grpc.aio.Server, names: tuple[str, ...]) -> Any:
    servicer = health.aio.HealthServicer()
    for name in ("", *names):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    methods: Any = Methods()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, methods)
    server.add_generic_rpc_handlers((methods,))
    return servicer


@asynccontextmanager
async def _stopped_at_the_end(
    server: grpc.aio.Server, health_servicer: Any, service: Service
) -> AsyncIterator[None]:
    """Say first that we are going, end the streams, refuse new calls, then wait for the others."""
    try:
        yield
    finally:
        await health_servicer.enter_graceful_shutdown()
        await service.end_streams()
        await server.stop(STOP_GRACE_S)


async def _close(service: Service) -> None:
    try:
        await asyncio.wait_for(service.close(), CLOSE_TIMEOUT_S)
    except TimeoutError:
        logger.warning("the services did not close within %.0f s, leaving them", CLOSE_TIMEOUT_S)


async def _wait(stop: asyncio.Event, database_is_running: Callable[[], bool] | None) -> None:
    """Return when `stop` is set.

    Raises:
        ServingError: when the database has gone.
    """
    while database_is_running is None or database_is_running():
        try:
            await asyncio.wait_for(stop.wait(), _WATCH_S if database_is_running else None)
        except TimeoutError:
            continue
        return
    raise ServingError("PostgreSQL ended under the server; its log tells why, start again")


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
