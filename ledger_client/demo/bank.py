"""A day in the life of a bank: `python -m ledger_client.demo.bank`."""

import argparse
import contextlib
import hashlib
import hmac
import io
import json
import os
import re
import secrets
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ledger_client.cli.failures import ExitCode
from ledger_client.demo.server_process import running_bank, running_server
from ledger_client.demo.tour import Tour, UnexpectedError, ledgerctl, run_demo

TENANT: Final = "BANK"
MORNING: Final = "2026-03-31T09:00:00Z"
EVENING: Final = "2026-04-01T00:00:30Z"
#: What follows from a command in another module is there within this.
SECONDS_MAX: Final = 30.0


class Day:
    """Commands of one day, each as one of the people who work at the bank."""

    def __init__(self, tour: Tour, ledger: str, bank: str, http: str) -> None:
        """Speak to a ledger and a bank."""
        self.tour = tour
        self.ledger = ledger
        self.http = http
        os.environ.update(
            LEDGER_SERVER=ledger,
            LEDGER_JOURNAL=TENANT,
            LEDGER_BANK_ADDRESS=bank,
            LEDGER_BANK_TENANT=TENANT,
        )

    def be(self, name: str, token: str) -> None:
        """Go on as another person."""
        os.environ["LEDGER_BANK_TOKEN"] = token
        self.tour.say(f"As {name}:")

    def do(self, *arguments: str, expected: ExitCode = ExitCode.OK) -> str:
        """Show a command, run it, show what it prints; return the id in it."""
        self.tour.show("ledgerctl", "bank", *arguments)
        text = self._captured(*arguments, expected=expected)
        self.tour.print(text)
        found = re.search(r"^(?:\w+\.)?id +(\S+)$", text, re.MULTILINE)
        return found[1] if found else ""

    def ask(self, *arguments: str) -> dict[str, object]:
        """Run a command without showing it; return its answer."""
        answer: dict[str, object] = json.loads(self._captured(*arguments, "--json"))
        return answer

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what follows by itself.

        Raises:
            UnexpectedError: it does not.
        """
        deadline = time.monotonic() + SECONDS_MAX
        while not is_so():
            if time.monotonic() > deadline:
                raise UnexpectedError("what should have followed did not")
            time.sleep(0.1)

    def _captured(self, *arguments: str, expected: ExitCode = ExitCode.OK) -> str:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            ledgerctl("bank", *arguments, expected=expected)
        return output.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Show a bank at work.

    Returns:
        The exit status: 0 if everything went as it should.
    """
    parser = argparse.ArgumentParser(prog="bank-demo", description=__doc__)
    parser.parse_args(arguments)
    return run_demo(Tour(), _show)


def _show(tour: Tour, folder: Path) -> None:
    tour.title("A bank's day on a ledger")
    tour.say("A ledger starts, and beside it a bank, each with a PostgreSQL of its own.")
    admin, provider = f"bank_{secrets.token_urlsafe(32)}", secrets.token_hex(16)
    os.environ.update(LEDGER_BANK_ADMIN_TOKEN=admin, LEDGER_BANK_SUMSUB_SECRET=provider)
    with (
        running_server(folder / "ledger", folder / "ledger.log") as ledger,
        running_bank(
            ledger, folder / "bank", folder / "bank.log", "--tenant", TENANT, "--clock", MORNING
        ) as (bank, http),
    ):
        tour.print(f"ledger-server ready on {ledger}\nledger-bank ready on {bank}\n")
        day = Day(tour, ledger, bank, http)
        day.be("the administrator, whose token the bank was started with", admin)
        tokens = _staff(day)
        account = _customer(day, provider)
        _money(day, account, *tokens)
        os.environ["LEDGER_BANK_TOKEN"] = admin
        _evening(day, account)


def _staff(day: Day) -> list[str]:
    """Return the tokens of three people who work at the bank."""
    day.tour.say("Three people join. Roles say what each may do; theirs is all but access itself.")
    roles = day.ask("access", "list-roles")["roles"]
    assert isinstance(roles, list), "a list of roles"
    manager = next(role["id"] for role in roles if role["name"] == "Bank Manager")
    users, tokens = [], []
    for name in ("eva", "otto", "mia"):
        email = f"{name}@bank.example"
        users.append(day.do("access", "create-user", "--email", email, "--role-ids", manager))
        token = day.ask("access", "create-token", "--user-id", users[-1], "--name", "demo")
        tokens.append(str(token["secret"]))
    day.tour.say("A withdrawal needs two of them, and never the one who asks for it.")
    committee = day.do("governance", "create-committee", "--name", "Withdrawals")
    for user in users:
        day.ask("governance", "add-member", "--committee-id", committee, "--user-id", user)
    day.do(
        *("governance", "set-policy", "--process-type", "withdraw"),
        *("--rules-kind", "committee", "--rules-committee-id", committee),
        *("--rules-threshold", "2", "--rules-exclude-initiator"),
    )
    return tokens


def _customer(day: Day, provider: str) -> str:
    """Return the account of a customer who was verified."""
    day.tour.say("A customer comes. Nobody knows yet who she is, so she gets no account.")
    customer = day.do(
        *("customer", "create-customer", "--email", "ada@example.org"),
        *("--customer-type", "individual"),
    )
    account = ("deposit", "create-account", "--customer-id", customer)
    day.do(*account, expected=ExitCode.REFUSED)
    day.tour.say("The provider that verifies identities reports by webhook, signed: she is Ada.")
    for kind, more in (
        ("applicantCreated", {}),
        ("applicantReviewed", {"reviewResult": {"reviewAnswer": "GREEN"}}),
    ):
        _webhook(day, provider, customer, kind, more)

    def verified() -> bool:
        found = day.ask("customer", "get-customer", "--customer-id", customer)["customer"]
        assert isinstance(found, dict), "the customer"
        return str(found["kyc_verification"]).lower().endswith("verified")

    day.until(verified)
    day.tour.say("Now the account opens: on the ledger, under the chart's node for individuals.")
    return day.do(*account)


def _webhook(day: Day, provider: str, customer: str, kind: str, more: Mapping[str, object]) -> None:
    message = {
        "type": kind,
        "applicantId": "5cb56e8e0a975a35f333cb83",
        "externalUserId": customer,
        "levelName": "basic-kyc-level",
        "createdAtMs": f"2026-03-31 09:0{len(more)}:00.000",
        **more,
    }
    body = json.dumps(message).encode()
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{day.http}/customer/webhooks/sumsub/{TENANT}",
        data=body,
        headers={
            "Content-Type": "application/json",
            "X-Payload-Digest-Alg": "HMAC_SHA256_HEX",
            "X-Payload-Digest": hmac.new(provider.encode(), body, hashlib.sha256).hexdigest(),
        },
    )
    with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:  # noqa: S310
        day.tour.print(f"{kind}: HTTP {answer.status}\n")


def _money(day: Day, account: str, eva: str, otto: str, mia: str) -> None:
    """Money comes in, and goes out or does not."""
    day.be("Eva", eva)
    day.do(
        *("deposit", "record-deposit", "--account-id", account, "--amount", "1500.00"),
        *("--reference", "wire 4711"),
    )
    day.tour.say("What is not there cannot be withdrawn: the ledger itself says so.")
    withdraw = ("deposit", "initiate-withdrawal", "--account-id", account, "--amount")
    day.do(*withdraw, "2000.00", expected=ExitCode.REFUSED)
    day.tour.say("This can. It is held at once, and waits for two votes; Eva may not give one.")
    first = day.do(*withdraw, "400.00")
    day.until(lambda: _is_started(day, first))
    approve = ("governance", "approve", "--process-id")
    day.do(*approve, first, expected=ExitCode.REFUSED)
    day.be("Otto", otto)
    day.do(*approve, first)
    day.be("Mia", mia)
    day.do(*approve, first)
    day.until(lambda: _status(day, first) == "confirmed")
    day.tour.say("The second vote let it go. Another one, which Mia asks for and Otto denies:")
    second = day.do(*withdraw, "250.00")
    day.until(lambda: _is_started(day, second))
    os.environ["LEDGER_BANK_TOKEN"] = otto
    day.do("governance", "deny", "--process-id", second, "--reason", "no invoice")
    day.until(lambda: _status(day, second) == "denied")
    day.tour.say("Its money is free again.")
    day.do("deposit", "get-account", "--account-id", account)


def _status(day: Day, withdrawal: str) -> str:
    found = day.ask("deposit", "get-withdrawal", "--withdrawal-id", withdrawal)["withdrawal"]
    assert isinstance(found, dict), "the withdrawal"
    return str(found["status"]).lower().removeprefix("withdrawal_status_")


def _is_started(day: Day, process: str) -> bool:
    found = day.ask("governance", "list-processes")["processes"]
    assert isinstance(found, list), "a list of processes"
    return any(each["id"] == process for each in found)


def _evening(day: Day, account: str) -> None:
    """The day ends."""
    day.tour.say("The day ends in the bank's time zone, whether anybody is there or not.")
    day.do("time", "set-clock", "--now", EVENING)
    day.until(lambda: "2026-03-31" in json.dumps(day.ask("events", "--module", "time")))
    day.do("events", "--module", "time")
    day.tour.say("What the account went through, from the ledger.")
    day.do("deposit", "get-account-history", "--account-id", account)
    day.tour.say("What the bank told the world.")
    day.do("events", "--module", "deposit")
    day.tour.say("And the books.")
    day.tour.run("report", "trial-balance")
    day.tour.run("report", "balance-sheet")


if __name__ == "__main__":
    sys.exit(main())
