"""The server as a process: from its command line to its exit status."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from ledger_server import lifecycle
from ledger_server.settings import Settings, split_address
from ledger_server.store import migrations

READY = re.compile(r"ledger-server ready on (?P<address>\S+:[0-9]+)\n")
SLOW_SERVER = Path(__file__).with_name("slow_server.py")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

Process = subprocess.Popen[str]
Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `python -m ledger_server` (or another script) with arguments; killed at the end."""
    processes: list[Process] = []

    def start_process(
        *arguments: object, script: tuple[str, ...] = ("-m", "ledger_server")
    ) -> Process:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")
        }
        process = subprocess.Popen(
            [sys.executable, *script, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        processes.append(process)
        return process

    yield start_process
    for process in processes:
        # SIGTERM first, so a PostgreSQL below is stopped before its directory is removed.
        if process.poll() is None:
            process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def address_of(process: Process) -> str:
    """Wait for the line that tells the server is ready, and return where."""
    assert process.stdout is not None
    line = process.stdout.readline()
    ready = READY.fullmatch(line)
    assert ready, f"{line!r}, and then: {process.communicate(timeout=30)}"
    return ready["address"]


def stop(process: Process, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    return process.returncode, stdout, stderr


def check_health(address: str, service: str = "") -> int:
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        stub: Any = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(request, timeout=10).status)


def list_services(address: str, protocol: str) -> set[str]:
    with grpc.insecure_channel(address) as channel:
        ask: Any = channel.stream_stream(
            f"/grpc.reflection.{protocol}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        (response,) = ask(iter([request]), timeout=10)
    return {service.name for service in response.list_services_response.service}


def postmaster_of(data_dir: Path) -> int:
    pid_file = data_dir / "postgres" / "postmaster.pid"
    return int(pid_file.read_text().splitlines()[0])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_it_is_told_to_stop(
    start: Start, data_dir: Path, number: signal.Signals
) -> None:
    server = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    address = address_of(server)
    assert check_health(address) == SERVING
    for protocol in ("v1", "v1alpha"):
        services = list_services(address, protocol)
        assert {"grpc.health.v1.Health", f"grpc.reflection.{protocol}.ServerReflection"} <= services
    postmaster = postmaster_of(data_dir)
    status, stdout, stderr = stop(server, number)
    assert (status, stdout) == (0, "")
    assert "Traceback" not in stderr
    assert not is_alive(postmaster)


def test_is_ready_within_five_seconds_on_an_existing_directory(
    start: Start, data_dir: Path
) -> None:
    for _ in range(2):
        began = time.monotonic()
        server = start("--data-dir", data_dir, "--listen", "localhost:0")
        address = address_of(server)
        took_s = time.monotonic() - began
        assert check_health(address) == SERVING
        assert stop(server)[0] == 0
    assert took_s < 5


def test_a_second_server_on_the_directory_says_so(start: Start, data_dir: Path) -> None:
    first = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    address = address_of(first)
    second = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    stdout, stderr = second.communicate(timeout=30)
    assert (second.returncode, stdout) == (1, "")
    assert re.fullmatch(
        rf"ledger-server: another ledger server \(pid {first.pid}\) is using .*--data-dir\n", stderr
    )
    assert check_health(address) == SERVING


def test_starts_again_after_kill_9_of_the_server(start: Start, data_dir: Path) -> None:
    first = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    address_of(first)
    first.kill()
    second = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    assert check_health(address_of(second)) == SERVING
    assert stop(second)[0] == 0


def test_ends_when_postgresql_is_killed_and_starts_again(start: Start, data_dir: Path) -> None:
    first = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    address_of(first)
    os.kill(postmaster_of(data_dir), signal.SIGKILL)
    _, stderr = first.communicate(timeout=30)
    assert first.returncode == 1
    assert stderr.splitlines()[-1].startswith("ledger-server: PostgreSQL ended under the server")
    # One line each, also what asyncpg logs about the connections it lost.
    assert all(re.match(r"\d{4}-\d\d-\d\d |ledger-server: ", line) for line in stderr.splitlines())
    second = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    assert check_health(address_of(second)) == SERVING
    assert stop(second)[0] == 0


def test_a_signal_while_starting_ends_it_cleanly(start: Start, data_dir: Path) -> None:
    """At any moment: of the imports, of initdb, of the migrations."""
    for delay_s in (0.3, 0.6, 0.9):
        server = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
        time.sleep(delay_s)
        status, _, stderr = stop(server)
        assert status in {0, -signal.SIGTERM}, stderr
        assert "Traceback" not in stderr
    server = start("--data-dir", data_dir, "--listen", "127.0.0.1:0")
    assert check_health(address_of(server)) == SERVING


async def test_a_signal_while_another_server_migrates_ends_it_cleanly(
    start: Start, empty_database_dsn: str
) -> None:
    other = await asyncpg.connect(empty_database_dsn)
    await other.execute(
        f"SELECT pg_advisory_lock({migrations.LOCK_CLASS}, {migrations.LOCK_OBJECT})"
    )
    server = start("--dsn", empty_database_dsn, "--listen", "127.0.0.1:0")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ledger-migrations'"
    while not await other.fetchval(waiting):  # noqa: ASYNC110  # another process's state
        await asyncio.sleep(0.05)
    assert stop(server) == (0, "", "")
    await other.close()


def test_a_taken_port_is_one_clear_line(start: Start, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start(
            "--data-dir", data_dir, "--listen", f"127.0.0.1:{port}", "--log-level", "ERROR"
        )
        stdout, stderr = server.communicate(timeout=30)
    assert (server.returncode, stdout) == (1, "")
    assert re.fullmatch(rf"ledger-server: cannot listen on 127.0.0.1:{port}: .*\n", stderr)
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_two_servers_do_not_share_a_port(start: Start, postgres_dsn: str) -> None:
    first = start(postgres_dsn, script=(str(SLOW_SERVER),))
    address = address_of(first)
    second = start("--dsn", postgres_dsn, "--migrate", "off", "--listen", address)
    _, stderr = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "cannot listen on" in stderr


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:7070", "[2001:db8::1]:7070"])
def test_refuses_to_be_reached_from_outside(start: Start, data_dir: Path, listen: str) -> None:
    server = start("--data-dir", data_dir, "--listen", listen)
    stdout, stderr = server.communicate(timeout=30)
    assert (server.returncode, stdout) == (2, "")
    assert re.fullmatch(
        r"ledger-server: refusing to listen on .* TLS and authentication.*\n", stderr
    )
    assert not data_dir.exists()


def test_refuses_a_name_that_stands_for_the_outside_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        assert host == "books.example"
        return [(2, 1, 6, "", ("127.0.0.1", port)), (2, 1, 6, "", ("192.0.2.7", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(lifecycle.ListenAddressError, match=r"192\.0\.2\.7 can be reached"):
        lifecycle.resolve_listen("books.example:7070")


def test_ipv6_loopback(start: Start, database_dsn: str) -> None:
    if not socket.has_ipv6 or not _has_ipv6_loopback():
        pytest.skip("the machine has no IPv6 loopback")
    server = start("--dsn", database_dsn, "--migrate", "off", "--listen", "[::1]:0")
    address = address_of(server)
    assert address.startswith("[::1]:")
    assert check_health(address) == SERVING


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--listen", "7070"), "not HOST:PORT"),
        (("--listen", "::1:7070"), "written [::1]:7070"),
        (("--listen", "127.0.0.1:70000"), "not HOST:PORT"),
        (("--log-level", "LOUD"), "--log-level"),
        (("--migrate", "perhaps"), "invalid choice"),
        (("--nonsense",), "unrecognized arguments"),
        (("--data-dir", "x", "--dsn", "y"), "not allowed with"),
    ],
)
def test_a_wrong_option_is_exit_status_2(
    start: Start, arguments: tuple[str, ...], message: str
) -> None:
    server = start(*arguments)
    stdout, stderr = server.communicate(timeout=30)
    assert (server.returncode, stdout) == (2, "")
    assert message in stderr
    assert "Traceback" not in stderr


def test_migrate_check_refuses_an_empty_database(start: Start, empty_database_dsn: str) -> None:
    server = start(
        "--dsn",
        empty_database_dsn,
        "--migrate",
        "check",
        "--listen",
        "127.0.0.1:0",
    )
    stdout, stderr = server.communicate(timeout=30)
    assert (server.returncode, stdout) == (1, "")
    assert "lacks the migrations" in stderr
    assert len(stderr.splitlines()) == 1


def test_calls_in_flight_finish_and_health_says_no_first(start: Start, postgres_dsn: str) -> None:
    server = start(postgres_dsn, script=(str(SLOW_SERVER),))
    address = address_of(server)
    with grpc.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="test.Slow"), timeout=20)
        assert next(watch).status == SERVING
        wait: Any = channel.unary_unary("/test.Slow/Wait")
        in_flight = wait.future(b"1.5", timeout=20)
        assert server.stdout is not None
        assert server.stdout.readline() == "called\n"
        server.send_signal(signal.SIGTERM)
        assert next(watch).status == NOT_SERVING
        assert not in_flight.done()
        watch.cancel()
        server.send_signal(signal.SIGTERM)
        # The exact decimal context of the whole process reached the handler.
        assert in_flight.result() == b"76 False"
    stdout, stderr = server.communicate(timeout=30)
    # Streams have no end of their own: waiting for them would take the whole grace.
    assert (server.returncode, stdout) == (0, "streams ended\nclosed\n")
    assert "Traceback" not in stderr


def test_health_of_an_unknown_service_is_not_found(start: Start, postgres_dsn: str) -> None:
    address = address_of(start(postgres_dsn, script=(str(SLOW_SERVER),)))
    with pytest.raises(grpc.RpcError) as refusal:
        check_health(address, "test.Unknown")
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND


def test_the_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_LISTEN", "127.0.0.1:1")
    monkeypatch.setenv("LEDGER_DSN", "")
    assert Settings().listen == "127.0.0.1:1"
    assert Settings().dsn is None
    assert Settings(listen="127.0.0.1:2").listen == "127.0.0.1:2"


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:7070", ("127.0.0.1", 7070)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_split_address(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts


@pytest.mark.parametrize(
    "address", ["", ":1", "host", "host:", "host:-1", "host:\u0661", "[]:1", "a:b:1"]
)
def test_split_address_refuses(address: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        split_address(address)


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
