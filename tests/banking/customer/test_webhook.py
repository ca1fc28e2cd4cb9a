"""What the provider sends: once, late, repeated, forged, about nobody; on a real database."""

import asyncio
import datetime as dt
import hashlib
import logging
import uuid
from typing import Any

import asyncpg
import httpx2
import pytest

from bank_proto.customer.v1 import customers_pb2 as pb
from tests.banking.bank import START, eventually
from tests.banking.customer.clerk import (
    APPLIED,
    DEAD,
    IGNORED,
    PENDING,
    Clerk,
    customers_in_process,
    message,
)

MINUTE = dt.timedelta(minutes=1)
UPDATED = "customer-account-kyc-verification-updated"


async def test_the_provider_decides(ledger_dsn: str, bank_dsn: str) -> None:
    async with customers_in_process(ledger_dsn, bank_dsn) as clerk:
        await linked_and_reviewed(clerk)
        await late_and_repeated(clerk)
        await not_heeded(clerk)


async def linked_and_reviewed(clerk: Clerk) -> None:
    customer, applicant = await clerk.customer(), uuid.uuid4().hex
    created = await clerk.tell(
        kind="applicantCreated", applicant=applicant, externalUserId=customer.id
    )
    assert (created.status, created.customer_id) == (APPLIED, customer.id)
    assert (await clerk.now(customer)).applicant_id == applicant
    await clerk.tell(kind="applicantPending", applicant=applicant, at=START + MINUTE)
    assert (await clerk.now(customer)).kyc_progress == pb.KYC_PROGRESS_IN_REVIEW
    await clerk.tell(kind="applicantOnHold", applicant=applicant, at=START + MINUTE * 2)
    assert (await clerk.now(customer)).kyc_progress == pb.KYC_PROGRESS_ON_HOLD
    await clerk.tell(applicant=applicant, answer="GREEN", at=START + MINUTE * 3)
    verified = await clerk.now(customer)
    assert verified.kyc_verification == pb.KYC_VERIFICATION_VERIFIED
    assert verified.kyc_level == pb.KYC_LEVEL_BASIC
    await clerk.tell(
        applicant=applicant,
        answer="GREEN",
        levelName="advanced-kyc-level",
        at=START + MINUTE * 4,
    )
    assert (await clerk.now(customer)).kyc_level == pb.KYC_LEVEL_ADVANCED
    await clerk.tell(applicant=applicant, answer="RED", at=START + MINUTE * 5)
    rejected = await clerk.now(customer)
    assert rejected.kyc_verification == pb.KYC_VERIFICATION_REJECTED
    assert rejected.kyc_level == pb.KYC_LEVEL_NOT_KYCED
    common = {"id": customer.id, "customer_type": "individual"}
    assert [event for event in await clerk.events(customer.id) if event[0] == UPDATED] == [
        (UPDATED, {**common, "kyc_verification": "verified"}),
        (UPDATED, {**common, "kyc_verification": "rejected"}),
    ]


async def late_and_repeated(clerk: Clerk) -> None:
    customer, applicant = await clerk.customer(), uuid.uuid4().hex
    await clerk.ask("StartKyc", customer_id=customer.id, applicant_id=applicant)
    red: dict[str, Any] = {"applicant": applicant, "answer": "RED", "at": START + MINUTE}
    # The same bytes ten times at once, then again, are one delivery.
    assert set(await asyncio.gather(*(clerk.send(message(**red)) for _ in range(10)))) == {200}
    heeded = await clerk.tell(**red)
    late = await clerk.tell(applicant=applicant, answer="GREEN", at=START)
    assert (late.status, "late" in late.note) == (IGNORED, True)
    assert (await clerk.now(customer)).kyc_verification == pb.KYC_VERIFICATION_REJECTED
    assert await clerk.tell(**red) == heeded, "a repetition"
    told = [event for event in await clerk.events(customer.id) if event[0] == UPDATED]
    assert len(told) == 1
    everything = await clerk.ask("ListWebhookDeliveries", page_size=500)
    of_applicant = [one for one in everything.deliveries if one.applicant_id == applicant]
    assert len(of_applicant) == 2
    by_sha512 = message(applicant=applicant, answer="GREEN", at=START + MINUTE * 9)
    assert await clerk.send(by_sha512, algorithm="HMAC_SHA512_HEX") == 200

    async def verified() -> bool:
        return (await clerk.now(customer)).kyc_verification == pb.KYC_VERIFICATION_VERIFIED

    await eventually(verified)


async def not_heeded(clerk: Clerk) -> None:
    customer, applicant = await clerk.customer(), uuid.uuid4().hex
    known: dict[str, Any] = {"applicant": applicant, "externalUserId": customer.id}
    assert (await clerk.tell(kind="applicantLevelled", **known)).status == IGNORED
    assert (await clerk.tell(kind="applicantPersonalInfoChanged", **known)).status == IGNORED
    sandbox = await clerk.tell(answer="GREEN", sandboxMode=True, **known)
    assert (sandbox.status, "sandbox" in sandbox.note) == (IGNORED, True)
    assert (await clerk.tell(answer="YELLOW", **known)).status == DEAD
    assert (await clerk.tell(answer="GREEN", createdAtMs=None, **known)).status == DEAD
    no_json = b"\x00 this is no JSON"
    assert await clerk.send(no_json) == 200

    async def dead() -> bool:
        return (await clerk.delivery(hashlib.sha256(no_json).hexdigest())).status == DEAD

    await eventually(dead)
    assert (await clerk.now(customer)).kyc_verification == (
        pb.KYC_VERIFICATION_PENDING_VERIFICATION
    )


async def test_about_nobody_is_tried_again_then_waits_for_a_person(
    ledger_dsn: str, bank_dsn: str
) -> None:
    async with customers_in_process(ledger_dsn, bank_dsn) as clerk:
        await clerk.set("webhook_attempts_max", 2)
        applicant = uuid.uuid4().hex
        failed = await clerk.tell(applicant=applicant, answer="GREEN")
        assert (failed.status, failed.failed_attempts) == (PENDING, 1)
        clerk.bank.clock.set(clerk.bank.clock.now() + dt.timedelta(seconds=10))

        async def status(wanted: int) -> bool:
            return (await clerk.delivery(failed.sha256)).status == wanted

        await eventually(lambda: status(DEAD))
        customer = await clerk.customer()
        await clerk.ask("StartKyc", customer_id=customer.id, applicant_id=applicant)
        assert (await clerk.delivery(failed.sha256)).status == DEAD
        retried = await clerk.ask("RetryWebhookDelivery", delivery_id=failed.id)
        assert (retried.delivery.status, retried.delivery.failed_attempts) == (PENDING, 0)
        await eventually(lambda: status(APPLIED))
        assert (await clerk.now(customer)).kyc_verification == pb.KYC_VERIFICATION_VERIFIED
        assert await clerk.refused("RetryWebhookDelivery", delivery_id=failed.id) == (
            "DELIVERY_SETTLED"
        )
        await forgotten(clerk, bank_dsn, applicant, failed.id)


async def forgotten(clerk: Clerk, bank_dsn: str, applicant: str, delivery_id: str) -> None:
    """The bytes of a settled delivery go after some days; a repetition is known all the same."""
    connection = await asyncpg.connect(bank_dsn)
    kept = "SELECT true FROM bank_customer.webhook_inbox WHERE delivery_id = $1"
    assert await connection.fetchval(kept, uuid.UUID(delivery_id))
    await clerk.set("webhook_body_days", 2)
    clerk.bank.clock.set(clerk.bank.clock.now() + dt.timedelta(days=4))

    async def gone() -> bool:
        return not await connection.fetchval(kept, uuid.UUID(delivery_id))

    await eventually(gone)
    await connection.close()
    repeated = await clerk.tell(applicant=applicant, answer="GREEN")
    assert (repeated.id, repeated.status) == (delivery_id, APPLIED)


async def test_what_is_forged_leaves_nothing_but_a_line_in_the_log(
    ledger_dsn: str, bank_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with customers_in_process(ledger_dsn, bank_dsn) as clerk:
        customer, applicant = await clerk.customer(), uuid.uuid4().hex
        await clerk.ask("StartKyc", customer_id=customer.id, applicant_id=applicant)
        green = message(applicant=applicant, answer="GREEN")
        connection = await asyncpg.connect(bank_dsn)
        rows = """
            SELECT (SELECT count(*) FROM bank_customer.webhook_inbox),
                   (SELECT count(*) FROM bank_customer.stored_events),
                   (SELECT count(*) FROM bank_customer.audit_entries)"""
        before = await connection.fetchrow(rows)
        with caplog.at_level(logging.WARNING):
            assert await clerk.send(green, secret="another secret of somebody") == 401
            assert await clerk.send(green, tenant="OTHER") == 401
            assert await clerk.send(green, algorithm="HMAC_SHA1_HEX") == 401
            unsigned = await clerk.http.post("/customer/webhooks/sumsub/BANK", content=green)
            assert unsigned.status_code == 401
            assert await clerk.send(b"x" * 65_537) == 413
            strange = {"X-Payload-Digest": "é", "X-Payload-Digest-Alg": "HMAC_SHA256_HEX"}
            odd = httpx2.Headers(strange, encoding="latin-1")
            answer = await clerk.http.post(
                "/customer/webhooks/sumsub/BANK", content=green, headers=odd
            )
            assert answer.status_code == 401
        assert await connection.fetchrow(rows) == before
        await connection.close()
        refused = [record for record in caplog.records if "signature" in record.message]
        assert len(refused) == 5
        assert (await clerk.now(customer)).kyc_verification == (
            pb.KYC_VERIFICATION_PENDING_VERIFICATION
        )
