"""Brokers of the tests' own, on free ports: may be killed, stopped and started again.

Each has its own data directory and, for RabbitMQ, its own node name and cookie, so that a broker
that runs on the machine is never touched.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

#: A RabbitMQ on a busy machine takes its time.
START_SECONDS_MAX = 90

#: Debian's real script; the one on the PATH changes the user.
_DEBIAN = Path("/usr/lib/rabbitmq/bin")


class Broker:
    """A process with a port. Started again it finds its data and its port as they were."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Return the command and its environment."""
        raise NotImplementedError

    def start(self) -> None:
        """Start, and return when connections are taken."""
        command, environment = self.command()
        with (self.directory / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._listens():
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it as it is meant to be ended."""
        self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """Let it answer nothing, with its connections open, until `resume`."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)

    def output(self) -> str:
        return (self.directory / "output.log").read_text(errors="replace")[-2000:]

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            self._process.wait()
            # What was in its group and outlived it; it is gone when its port is.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None
            while self._listens():
                time.sleep(0.01)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False


class RabbitMQ(Broker):
    """RabbitMQ with the user guest."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self._node = f"test-{uuid.uuid4().hex[:12]}@localhost"
        self._distribution_port = free_port()
        (directory / "rabbitmq.conf").write_text("heartbeat = 5\n")
        (directory / "enabled_plugins").write_text("[].\n")

    @staticmethod
    def find(name: str) -> str | None:
        """Return the path of one of its scripts."""
        script = _DEBIAN / name
        return str(script) if script.exists() else shutil.which(name)

    def environment(self) -> dict[str, str]:
        here = str(self.directory)
        return os.environ | {
            "HOME": here,
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": f"{here}/log",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            # One scheduler that sleeps when idle: the machine is for the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    def command(self) -> tuple[list[str], dict[str, str]]:
        script = self.find("rabbitmq-server")
        assert script is not None
        return [script], self.environment()

    def control(self, *arguments: str) -> str:
        """Run `rabbitmqctl`, such as `set_vm_memory_high_watermark 0` to block publishers."""
        script = self.find("rabbitmqctl")
        assert script is not None
        done = subprocess.run(
            [script, "--quiet", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS_MAX,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Nats(Broker):
    """NATS with JetStream."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.url = f"nats://127.0.0.1:{self.port}"

    @staticmethod
    def find() -> str | None:
        """Return the server's path: the one that is installed beside Python, else the machine's."""
        beside = Path(sys.executable).parent / "nats-server"
        return str(beside) if beside.exists() else shutil.which("nats-server")

    def command(self) -> tuple[list[str], dict[str, str]]:
        server = self.find()
        assert server is not None
        where = ["-a", "127.0.0.1", "-p", str(self.port)]
        return [server, *where, "-js", "-sd", str(self.directory / "data")], dict(os.environ)


@contextlib.contextmanager
def running(kind: type[Any]) -> Iterator[Any]:
    """Run a broker until the block is left."""
    directory = Path(tempfile.mkdtemp(prefix="ledger-broker-"))
    broker = kind(directory)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_rabbitmq() -> Iterator[RabbitMQ]:
    """One for the whole session; not to be killed."""
    if RabbitMQ.find("rabbitmq-server") is None:
        pytest.skip("rabbitmq-server is not installed")
    with running(RabbitMQ) as broker:
        yield broker


@pytest.fixture(scope="session")
def shared_nats() -> Iterator[Nats]:
    """One for the whole session; not to be killed."""
    if Nats.find() is None:
        pytest.skip("nats-server is not installed")
    with running(Nats) as broker:
        yield broker


@pytest.fixture
def rabbitmq() -> Iterator[RabbitMQ]:
    """One of the test's own, to be killed at will."""
    if RabbitMQ.find("rabbitmq-server") is None:
        pytest.skip("rabbitmq-server is not installed")
    with running(RabbitMQ) as broker:
        yield broker


@pytest.fixture
def nats() -> Iterator[Nats]:
    """One of the test's own, to be killed at will."""
    if Nats.find() is None:
        pytest.skip("nats-server is not installed")
    with running(Nats) as broker:
        yield broker
