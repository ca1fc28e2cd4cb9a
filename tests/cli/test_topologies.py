"""`ledgerctl topology`."""

from pathlib import Path

from tests.brokers import RabbitMQ
from tests.cli.conftest import Ledgerctl

FILE = Path(__file__).resolve().parents[2] / "docs" / "topologies" / "ledger.yaml"


def test_shows_what_it_would_declare(ledgerctl: Ledgerctl) -> None:
    run = ledgerctl("topology", "declare", FILE, "--dry-run", "-o", "json")
    assert run.exit_code == 0
    assert {"kind": "binding", "name": "#", "detail": "ledger.events -> statements"} in run.json
    assert "nothing was declared" in ledgerctl("topology", "declare", FILE, "--dry-run").stdout


def test_declares(
    ledgerctl: Ledgerctl,
    shared_rabbitmq: RabbitMQ,  # the fixture
    tmp_path: Path,
) -> None:
    run = ledgerctl("topology", "declare", FILE, "--to", shared_rabbitmq.url)
    assert (run.exit_code, run.stderr) == (0, "")
    assert run.stdout.endswith("declared\n")
    changed = tmp_path / "changed.yaml"
    changed.write_text(FILE.read_text() + "message_ttl_ms: 5\n")
    run = ledgerctl("topology", "declare", changed, "--to", shared_rabbitmq.url)
    assert run.exit_code == 5
    assert "queue statements: PRECONDITION_FAILED" in run.stderr


def test_says_what_is_wrong(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("exchange: e\nqueues:\n- {name: q, binds: [a]}\n")
    run = ledgerctl("topology", "declare", path, "--to", "amqp://127.0.0.1:1/")
    assert run.exit_code == 3
    assert "line 3: queues[0].binds: Extra inputs are not permitted" in run.stderr
    assert ledgerctl("topology", "declare", tmp_path / "none", "--dry-run").exit_code == 3
    assert ledgerctl("topology", "declare", FILE).exit_code == 2
    run = ledgerctl("topology", "declare", FILE, "--to", "amqp://u:secret@127.0.0.1:1/")
    assert run.exit_code == 7
    assert "secret" not in run.stderr
    for wrong in ("somewhere", "nats://u:secret@h", "amqp://u:secret@h:port/"):
        run = ledgerctl("topology", "declare", FILE, "--to", wrong)
        assert run.exit_code == 2
        assert "--to" in run.stderr
        assert "secret" not in run.stderr
