"""PostgreSQL, a ledger and two instances of a bank as processes, to be killed and started again.

This process uses no gRPC, as it starts PostgreSQL (see `ledger_server.embedded.start`).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from ledger_server import embedded
from tests.brokers import Nats
from tests.databases import create_database
from tests.ports import free_ports

READY_SECONDS = 60.0
TENANT = "BANK"
STREAM = "BANK"
VICTIMS = ("postgres", "ledger", "bank1", "bank2", "bank1", "bank2", "publisher")
ADMIN_TOKEN = "bank_campaign_0123456789abcdefghijklmnopqrstuvwxyzABC"


class Program:
    """A process that prints `... ready on ...`, restarted on the same port."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", *arguments]
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready, through any number of failed starts."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with self._log.open("a") as errors:
                self._process = subprocess.Popen(
                    self._command, stdout=subprocess.PIPE, stderr=errors, text=True
                )
            assert self._process.stdout is not None
            if "ready on" in self._process.stdout.readline():
                return
            self.kill()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} does not start: see {self._log}")
            time.sleep(0.3)

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Have it end in good order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class Publisher:
    """Brings the events of deposit to NATS; a process that is never ready, and only works."""

    name = "publisher"

    def __init__(self, bank: str, broker: str, log: Path) -> None:
        self._command = [
            *(sys.executable, "-m", "ledger_client.cli.__main__", "bank", "publish"),
            *("--module", "deposit", "--to", broker, "--name", "campaign"),
            *("--stream", STREAM, "--create-stream"),
        ]
        self._environment = os.environ | {
            "LEDGER_BANK_ADDRESS": bank,
            "LEDGER_BANK_TENANT": TENANT,
            "LEDGER_BANK_TOKEN": ADMIN_TOKEN,
        }
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, text=True, env=self._environment
            )

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    stop = kill


class Cluster:
    """Everything that a campaign kills."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ledger_port, *bank_ports = free_ports(3)
        self.banks = [f"127.0.0.1:{port}" for port in bank_ports]
        self.ledger = f"127.0.0.1:{self.ledger_port}"
        self.kills: dict[str, int] = {}
        self.programs: list[Program | Publisher] = []
        place = folder / "nats"
        place.mkdir()
        self.broker = Nats(place)

    def __enter__(self) -> Self:
        self._postgres = embedded.start(self._folder / "data")
        self.bank_dsn = create_database(self._postgres.dsn, "bank")
        secret = self._folder / "secret"
        secret.write_text("0123456789" * 4)
        arguments = ["ledger_server", "--dsn", self._postgres.dsn, "--listen", self.ledger]
        self.programs.append(Program("ledger", arguments, self._folder / "ledger.log"))
        self.programs[0].start()
        for number, address in enumerate(self.banks, 1):
            arguments = [
                *("ledger_client.banking", "--dsn", self.bank_dsn, "--ledger", self.ledger),
                *("--listen", address, "--http-listen", "127.0.0.1:0", "--tenant", TENANT),
                *("--secret-file", str(secret), "--data-dir", str(self._folder / f"bank{number}")),
                *("--option", f"admin_token={ADMIN_TOKEN}"),
            ]
            log = self._folder / f"bank{number}.log"
            self.programs.append(Program(f"bank{number}", arguments, log))
            self.programs[-1].start()
        self.broker.start()
        log = self._folder / "publisher.log"
        self.programs.append(Publisher(self.banks[0], self.broker.url, log))
        self.programs[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        for program in reversed(self.programs):
            program.stop()
        self.broker.kill()
        self._postgres.stop()

    @property
    def ledger_dsn(self) -> str:
        """Of the ledger's database."""
        return self._postgres.dsn

    def kill_one(self, randomness: random.Random) -> str:
        """Kill one of them at random, start it again a moment later, return its name."""
        victim = randomness.choice(VICTIMS)
        self.kills[victim] = self.kills.get(victim, 0) + 1
        if victim == "postgres":
            os.kill(self._postgres.pid, signal.SIGKILL)
            time.sleep(randomness.uniform(0.1, 1.0))
            self._postgres.stop()
            self._postgres = embedded.start(self._folder / "data")
            return victim
        program = next(each for each in self.programs if each.name == victim)
        program.kill()
        time.sleep(randomness.uniform(0.0, 1.0))
        program.start()
        return victim

    def restart_what_ended(self) -> None:
        """Start again what ended by itself, as a supervisor does."""
        for program in self.programs:
            process = program._process
            if process is not None and process.poll() is not None:
                program.start()


def kill_until(
    cluster: Cluster, seed: int, every: tuple[float, float], is_over: Callable[[], bool]
) -> None:
    """Kill one process after the other; all of them run again at the end.

    Runs in the main thread, as PostgreSQL is started from nowhere else.
    """
    randomness = random.Random(seed)
    while not is_over():
        pause = time.monotonic() + randomness.uniform(*every)
        while time.monotonic() < pause and not is_over():
            time.sleep(0.05)
        cluster.kill_one(randomness)
        cluster.restart_what_ended()
