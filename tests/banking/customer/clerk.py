"""A bank with customers and days, a provider who signs, and what the tests ask of them."""

import contextlib
import datetime as dt
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from bank_proto.customer.v1 import customers_pb2, documents_pb2, webhooks_pb2
from bank_proto.customer.v1.customers_pb2_grpc import CustomerServiceStub
from bank_proto.operations.v1 import operations_pb2
from bank_proto.operations.v1.operations_pb2_grpc import OperationsServiceStub
from tests.banking.bank import START, TENANT, TestBank, bank_in_process, eventually

#: Nobody answers there: customers do without the events of deposit.
NOWHERE = "127.0.0.1:9"
PROVIDER_SECRET = "a secret of the provider"
PDF = b"%PDF-1.7 a passport"


class Clerk:
    """Calls in the name of the bank's caller, and messages in that of the provider."""

    def __init__(self, bank: TestBank, http: httpx2.AsyncClient) -> None:
        self.bank = bank
        self.http = http
        self.stub: Any = CustomerServiceStub(bank.channel)

    async def ask(self, rpc: str, **fields: Any) -> Any:
        """Return what an RPC answers."""
        name = f"{rpc}Request"
        files = (customers_pb2, documents_pb2, webhooks_pb2)
        request = next(getattr(file, name) for file in files if hasattr(file, name))(**fields)
        return await self.bank.call(getattr(self.stub, rpc), request)

    async def refused(self, rpc: str, **fields: Any) -> str:
        """Return the reason for which an RPC is refused, with the field if it names one."""
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await self.ask(rpc, **fields)
        error: Any = refusal.value
        status = rpc_status.from_call(error)
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info)
        return " ".join(filter(None, (info.reason, info.metadata.get("field"))))

    async def customer(self, **fields: Any) -> customers_pb2.Customer:
        """Create a customer."""
        given: dict[str, Any] = {
            "email": f"{uuid.uuid4()}@example.com",
            "customer_type": customers_pb2.CUSTOMER_TYPE_INDIVIDUAL,
        }
        answer = await self.ask("CreateCustomer", **(given | fields))
        created: customers_pb2.Customer = answer.customer
        return created

    async def now(self, customer: customers_pb2.Customer) -> customers_pb2.Customer:
        """Return a customer as it is now."""
        answer = await self.ask("GetCustomer", customer_id=customer.id)
        found: customers_pb2.Customer = answer.customer
        return found

    async def document(self, customer: customers_pb2.Customer, **fields: Any) -> Any:
        """Upload a document."""
        given: dict[str, Any] = {
            "customer_id": customer.id,
            "filename": "pass.pdf",
            "content_type": "application/pdf",
            "content": PDF,
        }
        return (await self.ask("UploadDocument", **(given | fields))).document

    async def events(self, about: str) -> list[tuple[str, dict[str, Any]]]:
        """Return name and payload of each event about an entity."""
        return [
            (event.event_type.removeprefix("core.customer."), event.payload)
            for event in await self.bank.events("customer")
            if str(event.aggregate_id) == about
        ]

    async def set(self, name: str, value: Any) -> None:
        """Change a setting of the tenant."""
        request = operations_pb2.UpdateSettingRequest(
            module="customer", name=name, value=json.dumps(value)
        )
        await self.bank.call(OperationsServiceStub(self.bank.channel).UpdateSetting, request)

    async def send(
        self,
        body: bytes,
        *,
        tenant: str = TENANT,
        secret: str = PROVIDER_SECRET,
        algorithm: str = "HMAC_SHA256_HEX",
    ) -> int:
        """Send bytes as the provider does; return the status of the answer."""
        hash_name = algorithm.split("_")[1].lower()
        digest = hmac.new(secret.encode(), body, getattr(hashlib, hash_name)).hexdigest()
        headers = {"X-Payload-Digest": digest, "X-Payload-Digest-Alg": algorithm}
        url = f"/customer/webhooks/sumsub/{tenant}"
        return (await self.http.post(url, content=body, headers=headers)).status_code

    async def tell(self, **fields: Any) -> webhooks_pb2.WebhookDelivery:
        """Send a message of the provider; return its delivery once it was looked at."""
        body = message(**fields)
        assert await self.send(body) == 200
        sha256 = hashlib.sha256(body).hexdigest()

        async def looked_at() -> Any:
            found = await self.delivery(sha256)
            return found if found.status != PENDING or found.failed_attempts else None

        delivery: webhooks_pb2.WebhookDelivery = await eventually(looked_at)
        return delivery

    async def delivery(self, sha256: str) -> webhooks_pb2.WebhookDelivery:
        """Return a delivery as it is now."""
        answer = await self.ask("ListWebhookDeliveries", page_size=500)
        [found] = [each for each in answer.deliveries if each.sha256 == sha256]
        delivery: webhooks_pb2.WebhookDelivery = found
        return delivery


def files(directory: Path) -> list[Path]:
    """Return the files below a directory."""
    return sorted(path for path in directory.rglob("*") if path.is_file())


PENDING = webhooks_pb2.WEBHOOK_DELIVERY_STATUS_PENDING
APPLIED = webhooks_pb2.WEBHOOK_DELIVERY_STATUS_APPLIED
IGNORED = webhooks_pb2.WEBHOOK_DELIVERY_STATUS_IGNORED
DEAD = webhooks_pb2.WEBHOOK_DELIVERY_STATUS_DEAD


def message(
    kind: str = "applicantReviewed",
    applicant: str = "5cb56e8e0a975a35f333cb83",
    at: dt.datetime = START,
    **fields: Any,
) -> bytes:
    """Return a message as SumSub writes it."""
    if answer := fields.pop("answer", ""):
        fields["reviewResult"] = {"reviewAnswer": answer}
    content = {
        "type": kind,
        "applicantId": applicant,
        "inspectionId": "5cb56e8e0a975a35f333cb84",
        "levelName": "basic-kyc-level",
        "createdAtMs": at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        **fields,
    }
    return json.dumps(content).encode()


@contextlib.asynccontextmanager
async def customers_in_process(
    ledger_dsn: str, bank_dsn: str, *modules: str, deposit: str = NOWHERE, **options: str
) -> AsyncIterator[Clerk]:
    """Run a bank with customers and days, or the named modules."""
    given = {"sumsub_secret": PROVIDER_SECRET, **options}
    async with (
        bank_in_process(
            ledger_dsn,
            bank_dsn,
            *(modules or ("time", "customer")),
            options=given,
            addresses={"deposit": deposit, "access": NOWHERE},
        ) as bank,
        httpx2.AsyncClient(base_url=bank.bank.http_address) as http,
    ):
        yield Clerk(bank, http)
