"""Where checkpoints are sent: files, HTTP, NATS JetStream, RabbitMQ."""

import asyncio
import contextlib
import http.server
import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aio_pika
import nats
import pytest

from ledger_client.anchor import AnchorError, open_anchor
from ledger_client.anchor.file import FileAnchor
from ledger_client.anchor.http import ATTEMPTS_MAX, HttpAnchor
from ledger_client.anchor.nats import NatsAnchor
from ledger_client.anchor.rabbitmq import RabbitAnchor
from ledger_client.anchor.target import shown
from ledger_client.verify import SignedCheckpoint
from tests.tcp_proxy import tcp_proxy
from tests.verify.signing import Signer

NATS_URL = "nats://127.0.0.1:4222"
AMQP_URL = "amqp://guest:guest@127.0.0.1:5672/"
#: A port that nobody listens on.
NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def checkpoint() -> SignedCheckpoint:
    return SignedCheckpoint.parse(Signer().sign(f"ledger/{uuid.UUID(int=1)}", 7, bytes(range(32))))


async def test_a_file_grows_a_line_a_checkpoint(
    tmp_path: Path, checkpoint: SignedCheckpoint
) -> None:
    path = tmp_path / "with blank.jsonl"
    anchor = open_anchor(f"file://{tmp_path}/with%20blank.jsonl")
    assert isinstance(anchor, FileAnchor)
    for _ in range(2):
        receipt = await anchor.submit(checkpoint)
    lines = path.read_text().splitlines()
    assert [json.loads(line)["note"] for line in lines] == [checkpoint.note] * 2
    assert receipt.detail == f"{path.stat().st_size} bytes"


async def test_a_file_that_cannot_be_written(tmp_path: Path, checkpoint: SignedCheckpoint) -> None:
    with pytest.raises(AnchorError, match="Is a directory"):
        await open_anchor(f"file:{tmp_path}").submit(checkpoint)
    with pytest.raises(AnchorError, match="No such file"):
        await open_anchor(f"file:{tmp_path}/absent/file").submit(checkpoint)


class Archive(http.server.BaseHTTPRequestHandler):
    """Answers with the statuses put down for it, the last for ever, and keeps what was posted."""

    statuses: list[int]
    posted: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.append((self.headers["Idempotency-Key"], body))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"kept as 17")

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@contextlib.contextmanager
def archive(*statuses: int) -> Iterator[tuple[str, type[Archive]]]:
    handler = type("Kept", (Archive,), {"statuses": list(statuses), "posted": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/checkpoints", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_http_says_what_it_was_answered(checkpoint: SignedCheckpoint) -> None:
    with archive(201) as (url, kept):
        anchor = open_anchor(url)
        assert isinstance(anchor, HttpAnchor)
        receipt = await anchor.submit(checkpoint)
    assert (receipt.target, receipt.detail) == (url, "201 kept as 17")
    assert kept.posted == [(f"7-{checkpoint.root.hex()}", checkpoint.note.encode())]


async def test_http_repeats_what_may_pass(checkpoint: SignedCheckpoint) -> None:
    with archive(503, 429, 200) as (url, kept):
        await HttpAnchor(url, wait_seconds=0.01).submit(checkpoint)
    assert len(kept.posted) == 3
    assert len({key for key, _body in kept.posted}) == 1


@pytest.mark.parametrize(("status", "attempts"), [(500, ATTEMPTS_MAX), (400, 1), (302, 1)])
async def test_http_gives_up(checkpoint: SignedCheckpoint, status: int, attempts: int) -> None:
    """What points elsewhere has kept nothing."""
    with archive(status) as (url, kept), pytest.raises(AnchorError, match=str(status)):
        await HttpAnchor(url, wait_seconds=0.01).submit(checkpoint)
    assert len(kept.posted) == attempts


@pytest.mark.parametrize("scheme", ["http", "nats", "amqp"])
async def test_nobody_is_there(checkpoint: SignedCheckpoint, scheme: str) -> None:
    anchor = open_anchor(f"{scheme}://{NOBODY}/")
    if isinstance(anchor, HttpAnchor):
        anchor = HttpAnchor(f"http://{NOBODY}/", wait_seconds=0.01)
    with pytest.raises(AnchorError, match=NOBODY):
        await anchor.submit(checkpoint)


async def test_nats_stores_a_checkpoint_once(checkpoint: SignedCheckpoint) -> None:
    try:
        connection = await nats.connect(NATS_URL, connect_timeout=2, max_reconnect_attempts=0)
    except (nats.errors.Error, OSError):
        pytest.skip("no NATS here")
    stream = f"checkpoints-{uuid.uuid4().hex[:8]}"
    subject = f"test.{stream}"
    jetstream = connection.jetstream()
    anchor = open_anchor(f"{NATS_URL}/{subject}")
    assert isinstance(anchor, NatsAnchor)
    try:
        with pytest.raises(AnchorError, match=f"stream for {subject}"):
            await anchor.submit(checkpoint)
        await jetstream.add_stream(name=stream, subjects=[subject])
        for _ in range(2):
            receipt = await anchor.submit(checkpoint)
            assert receipt.detail == f"stream {stream}, sequence 1"
        stored = await jetstream.get_msg(stream, 1)
        assert stored.data == checkpoint.note.encode()
        assert (await jetstream.stream_info(stream)).state.messages == 1
    finally:
        await anchor.close()
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await jetstream.delete_stream(stream)
        await connection.close()


async def test_rabbitmq_confirms_or_returns(checkpoint: SignedCheckpoint) -> None:
    try:
        connection = await aio_pika.connect(AMQP_URL, timeout=2)
    except (aio_pika.exceptions.AMQPError, OSError, TimeoutError):
        pytest.skip("no RabbitMQ here")
    name = f"checkpoints-{uuid.uuid4().hex[:8]}"
    anchor = open_anchor(f"{AMQP_URL}?exchange={name}&routing_key=signed")
    assert isinstance(anchor, RabbitAnchor)
    try:
        async with connection:
            channel = await connection.channel()
            with pytest.raises(AnchorError, match=name):  # no such exchange
                await anchor.submit(checkpoint)
            exchange = await channel.declare_exchange(name, auto_delete=True)
            with pytest.raises(AnchorError):  # which no queue is bound to
                await anchor.submit(checkpoint)
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, "signed")
            receipt = await anchor.submit(checkpoint)
            assert "***" in receipt.target
            assert "guest:guest" not in receipt.target
            message = await queue.get(timeout=5)
            assert message.body == checkpoint.note.encode()
            await message.ack()
            async with tcp_proxy(5672) as proxy:
                cut_off = open_anchor(
                    f"amqp://guest:guest@127.0.0.1:{proxy.port}/?exchange={name}&routing_key=signed"
                )
                await cut_off.submit(checkpoint)
                # A broker that was restarted between two checkpoints.
                proxy.cut()
                await asyncio.sleep(0.2)
                await cut_off.submit(checkpoint)
                proxy.close()
                await asyncio.sleep(0.2)
                with pytest.raises(AnchorError, match=r"127\.0"):
                    await cut_off.submit(checkpoint)
                await cut_off.close()
    finally:
        await anchor.close()


@pytest.mark.parametrize(
    ("url", "people_see"),
    [
        ("amqp://u:s3cret@h/v?exchange=E", "amqp://u:***@h/v?exchange=E"),
        ("nats://s3cret@h:4222/x", "nats://***@h:4222/x"),
        ("tls://u:s3cret@h/x", "tls://u:***@h/x"),
        ("https://u:s3cret@h/x?key=s3cret", "https://u:***@h/x?***"),
        ("https://h/x", "https://h/x"),
        ("file:/a/b", "file:/a/b"),
    ],
)
def test_no_secret_is_shown(url: str, people_see: str) -> None:
    assert shown(url) == people_see


@pytest.mark.parametrize("url", ["amqp://u:s3cret@/v", "kafka://u:s3cret@h/"])
def test_what_is_no_target_is_named_without_its_secret(url: str) -> None:
    with pytest.raises(ValueError, match=r"u:\*\*\*@"):
        open_anchor(url)


@pytest.mark.parametrize(
    "url",
    [
        "nowhere",
        "ftp://host/x",
        "file:",
        "file://host/path",
        "https:///path",
        "nats:",
        "amqp://",
        "file:a?b",
    ],
)
def test_what_is_no_target(url: str) -> None:
    with pytest.raises(ValueError, match=r"none of|no host|is not file"):
        open_anchor(url)
