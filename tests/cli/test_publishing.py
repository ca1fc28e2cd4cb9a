"""`ledgerctl publish` and `ledgerctl cursor`, as typed."""

import asyncio

import pytest

from tests.brokers import Nats, RabbitMQ
from tests.cli.conftest import Ledgerctl
from tests.client.publish.publishing import RabbitReader, read_stream


@pytest.fixture
def head(ledgerctl: Ledgerctl, journal: str) -> int:
    """The head of a journal with a few postings."""
    for code in ("bank", "cash"):
        assert ledgerctl("account", "create", code, "--normal-side", "debit").exit_code == 0
    for _ in range(3):
        ledgerctl("post", "TRANSFER", "from=bank", "to=cash", "amount=5", "currency=USD")
    return int(ledgerctl("journal", "show", journal, "-o", "json").json["head_sequence"])


def test_to_nats_and_again(
    ledgerctl: Ledgerctl, journal: str, head: int, shared_nats: Nats
) -> None:
    once = ("publish", "--to", shared_nats.url, "--stream", journal, "--once", "-o", "json")
    first = ledgerctl(*once, "--create-stream")
    assert first.exit_code == 0, first.stderr
    assert first.json["published"] == first.json["position"] == head
    assert ledgerctl(*once).json["published"] == 0
    (cursor,) = ledgerctl("cursor", "list", "-o", "json").json
    assert (cursor["name"], cursor["position"], cursor["holder"]) == (f"nats/{journal}", head, "")
    assert ledgerctl("cursor", "reset", f"nats/{journal}", "1").exit_code == 0
    again = ledgerctl(*once)
    assert again.json["skipped"] == head - 1, "the stream has them"
    assert len(asyncio.run(read_stream(shared_nats.url, journal))) == head


def test_to_rabbitmq_in_another_envelope(
    ledgerctl: Ledgerctl,
    journal: str,
    head: int,
    shared_rabbitmq: RabbitMQ,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = RabbitReader(shared_rabbitmq.url, journal, journal)
    asyncio.run(reader.bind())
    monkeypatch.setenv("LEDGER_BROKER_URL", f"amqp://guest@127.0.0.1:{shared_rabbitmq.port}/")
    monkeypatch.setenv("LEDGER_BROKER_PASSWORD", "guest")
    run = ledgerctl(
        *("publish", "--exchange", journal, "--once", "--types", "journal.posted", "--balances"),
        *("--envelope", "imagy", "--envelope-option", "type_prefix=bank."),
    )
    assert run.exit_code == 0, run.stderr
    types = [message.type for message in asyncio.run(reader.messages())]
    assert types == ["bank.journal.posted", "bank.balance.updated", "bank.balance.updated"] * 3
    assert str(head) in run.stdout


def test_gives_up_with_once(ledgerctl: Ledgerctl, head: int, shared_rabbitmq: RabbitMQ) -> None:
    del head  # there is something to publish
    run = ledgerctl(
        *("publish", "--to", f"amqp://guest:ver1secret@127.0.0.1:{shared_rabbitmq.port}/"),
        *("--exchange", "e", "--once", "--patience", "0.5"),
    )
    assert run.exit_code == 7
    assert "gave up" in run.stderr
    assert "ver1secret" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "http://u:ver1secret@h", "--stream", "S"), "not the URL of a broker"),
        (("--to", "nats://h"), "NATS takes --stream"),
        (("--to", "nats://h", "--exchange", "E"), "NATS takes --stream"),
        (("--to", "amqp://h", "--stream", "S"), "RabbitMQ takes --exchange"),
        (("--to", "nats://h", "--stream", "S", "--types", "journal.postd"), "'journal.postd'"),
        (("--to", "nats://h", "--stream", "S", "--types", "balance.updated"), "--balances"),
        (("--to", "nats://h", "--stream", "S", "--envelope-option", "x"), "not NAME=VALUE"),
        (("--to", "nats://h", "--stream", "S", "--envelope-option", "x=1"), "no option 'x'"),
    ],
)
def test_mistakes_are_named(
    ledgerctl: Ledgerctl, journal: str, options: tuple[str, ...], said: str
) -> None:
    del journal
    run = ledgerctl("publish", *options)
    assert run.exit_code == 2
    assert said in run.stderr
    assert "ver1secret" not in run.stderr


def test_a_cursor_that_is_not_there(ledgerctl: Ledgerctl, journal: str) -> None:
    del journal
    assert "nobody has followed" in ledgerctl("cursor", "list").stdout
    run = ledgerctl("cursor", "reset", "none", "0")
    assert run.exit_code == 4
    assert "CURSOR_NOT_FOUND" in run.stderr
