"""`amqps://` and `tls://`: encrypted, and only to a broker whose certificate is known."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ledger_client.anchor import AnchorError, open_anchor
from ledger_client.consume import MemoryInbox, ReceivedEvent
from ledger_client.consume.nats import NatsConsumer
from ledger_client.consume.rabbitmq import RabbitMQConsumer
from ledger_client.publish.envelopes import CloudEventsEnvelope
from ledger_client.publish.message import Message
from ledger_client.publish.nats import NatsTarget
from ledger_client.publish.rabbitmq import RabbitTarget
from ledger_client.publish.target import Origin, Target, TargetUnavailableError
from ledger_client.publish.topology import Queue, Topology
from ledger_client.publish.topology_declaration import BrokerError, declare
from ledger_client.verify import SignedCheckpoint
from tests.brokers import Nats, RabbitMQ, running
from tests.certificates import Certificates
from tests.tcp_proxy import TcpProxy
from tests.verify.signing import Signer

ORIGIN = Origin("MAIN", "tls")
TOPOLOGY = Topology(exchange="tls.events", queues=(Queue(name="tls", bind=("#",)),))
MESSAGE = Message(
    id=str(uuid.UUID(int=7)),
    type="journal.posted",
    sequence=1,
    body=b'{"specversion":"1.0","id":"7","type":"journal.posted","data":{}}',
    content_type=CloudEventsEnvelope.CONTENT_TYPE,
    headers={},
)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates.make(tmp_path)


@pytest.fixture
def known(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is known, as docs/publishing.md has it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))


@pytest.fixture
def nats_port(certificates: Certificates) -> Iterator[int]:
    class Encrypted(Nats):
        def command(self) -> tuple[list[str], dict[str, str]]:
            command, environment = super().command()
            files = ["--tlscert", str(certificates.certificate), "--tlskey", str(certificates.key)]
            return [*command, "--tls", *files], environment

    if Nats.find() is None:
        pytest.skip("nats-server is not installed")
    with running(Encrypted) as broker:
        yield broker.port


@pytest.fixture
async def rabbitmq_port(
    shared_rabbitmq: RabbitMQ, certificates: Certificates
) -> AsyncIterator[int]:
    """Of what takes the encryption off before a broker, as many have it."""
    proxy = TcpProxy(shared_rabbitmq.port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=certificates.of_server())
    yield server.sockets[0].getsockname()[1]
    server.close()
    proxy.close()


@pytest.fixture
def checkpoint() -> SignedCheckpoint:
    return SignedCheckpoint.parse(Signer().sign(f"ledger/{uuid.UUID(int=1)}", 7, bytes(range(32))))


async def publish(target: Target) -> None:
    try:
        assert await target.open(ORIGIN) is None
        await target.publish([MESSAGE])
    finally:
        await target.close()


async def refused(target: Target) -> str:
    with pytest.raises(TargetUnavailableError) as caught:
        await publish(target)
    return str(caught.value)


@pytest.mark.usefixtures("known")
async def test_rabbitmq(rabbitmq_port: int, checkpoint: SignedCheckpoint) -> None:
    url = f"amqps://guest:guest@127.0.0.1:{rabbitmq_port}/"
    await declare(TOPOLOGY, url)
    await publish(RabbitTarget(url, "tls.events"))
    seen: list[str] = []

    async def handle(event: ReceivedEvent, _: str) -> None:
        seen.append(event.id)
        consumer.stop()

    consumer = RabbitMQConsumer(url, TOPOLOGY, "tls", MemoryInbox(), handle)
    async with asyncio.timeout(60):
        await consumer.run()
    assert seen == ["7"]
    await open_anchor(f"{url}?routing_key=tls").submit(checkpoint)


async def test_rabbitmq_of_an_unknown_authority(
    rabbitmq_port: int, checkpoint: SignedCheckpoint
) -> None:
    url = f"amqps://guest:guest@127.0.0.1:{rabbitmq_port}/"
    assert "CERTIFICATE_VERIFY_FAILED" in await refused(RabbitTarget(url, "tls.events"))
    with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED"):
        await declare(TOPOLOGY, url)
    with pytest.raises(AnchorError, match="CERTIFICATE_VERIFY_FAILED"):
        await open_anchor(f"{url}?routing_key=tls").submit(checkpoint)


@pytest.mark.usefixtures("known")
async def test_nats(nats_port: int, checkpoint: SignedCheckpoint) -> None:
    url = f"tls://127.0.0.1:{nats_port}"
    await publish(NatsTarget(url, "TLS", create_stream=True))
    seen: list[str] = []

    async def handle(event: ReceivedEvent, _: str) -> None:
        seen.append(event.id)
        consumer.stop()

    consumer = NatsConsumer(url, "TLS", "tls", MemoryInbox(), handle)
    async with asyncio.timeout(60):
        await consumer.run()
    assert seen == ["7"]
    anchor = open_anchor(f"{url}/ledger.MAIN.checkpoint")
    await anchor.submit(checkpoint)
    await anchor.close()


async def test_nats_of_an_unknown_authority(nats_port: int, checkpoint: SignedCheckpoint) -> None:
    url = f"tls://127.0.0.1:{nats_port}"
    assert "CERTIFICATE_VERIFY_FAILED" in await refused(NatsTarget(url, "TLS"))
    with pytest.raises(AnchorError, match="CERTIFICATE_VERIFY_FAILED"):
        await open_anchor(url).submit(checkpoint)
