"""Customers and their verification over the API, on a real database."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from bank_proto.customer.v1 import customers_pb2 as pb
from tests.banking.customer.clerk import Clerk, customers_in_process, files

NOBODY = str(uuid.UUID(int=1))


async def test_a_customer_from_creation_to_eligibility(
    ledger_dsn: str, bank_dsn: str, tmp_path: Path
) -> None:
    async with customers_in_process(ledger_dsn, bank_dsn, documents_dir=str(tmp_path)) as clerk:
        await created_once(clerk)
        await decided_by_hand(clerk)
        await linked_to_applicants(clerk)
        await listed(clerk)


async def created_once(clerk: Clerk) -> None:
    email = f"Ana.{uuid.uuid4()}@example.com"
    fields: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "email": email,
        "telegram_id": "ana",
        "customer_type": pb.CUSTOMER_TYPE_BANK,
    }
    ana = await clerk.customer(**fields)
    assert await clerk.customer(**fields) == ana, "a repetition"
    assert (ana.email, ana.telegram_id, ana.activity) == (email, "ana", pb.ACTIVITY_ACTIVE)
    assert ana.kyc_verification == pb.KYC_VERIFICATION_PENDING_VERIFICATION
    fields |= {"request_id": str(uuid.uuid4()), "email": email.upper()}
    assert await clerk.refused("CreateCustomer", **fields) == "KEY_TAKEN"
    found = await clerk.ask("FindCustomer", email=email.upper())
    assert found.customer == ana
    assert await clerk.refused("FindCustomer", email="no@example.com") == "NOT_FOUND"

    other = await clerk.customer()
    update: dict[str, Any] = {"customer_id": other.id, "email": email.lower()}
    assert await clerk.refused("UpdateEmail", **update) == "KEY_TAKEN"
    new = f"{uuid.uuid4()}@example.com"
    for _ in range(2):
        changed = await clerk.ask("UpdateEmail", customer_id=ana.id, email=new)
        assert changed.customer.email == new
    assert await clerk.events(ana.id) == [
        ("customer-created", {"id": ana.id, "email": email, "customer_type": "bank"}),
        ("customer-email-updated", {"id": ana.id, "email": new}),
    ]


async def decided_by_hand(clerk: Clerk) -> None:
    customer = await clerk.customer(customer_type=pb.CUSTOMER_TYPE_PRIVATE_COMPANY)
    account = {
        "customer_id": customer.id,
        "purpose": pb.ELIGIBILITY_PURPOSE_DEPOSIT_ACCOUNT,
    }
    answer = await clerk.ask("CheckEligibility", **account)
    assert not answer.eligible
    assert answer.reason == pb.INELIGIBILITY_REASON_NOT_VERIFIED
    assert answer.customer_type == pb.CUSTOMER_TYPE_PRIVATE_COMPANY
    await clerk.set("require_verified_for_accounts", value=False)
    assert (await clerk.ask("CheckEligibility", **account)).eligible
    facility = account | {"purpose": pb.ELIGIBILITY_PURPOSE_CREDIT_FACILITY}
    assert not (await clerk.ask("CheckEligibility", **facility)).eligible

    verified: dict[str, Any] = {
        "customer_id": customer.id,
        "kyc_verification": pb.KYC_VERIFICATION_VERIFIED,
        "kyc_level": pb.KYC_LEVEL_ADVANCED,
    }
    assert await clerk.refused("SetKycVerification", **verified) == "MANUAL_KYC_DISABLED"
    await clerk.set("allow_manual_kyc", value=True)
    without_level = verified | {"kyc_level": pb.KYC_LEVEL_UNSPECIFIED}
    assert await clerk.refused("SetKycVerification", **without_level) == "FIELD_INVALID kyc_level"
    for _ in range(2):
        assert (await clerk.ask("SetKycVerification", **verified)).customer.kyc_level == (
            pb.KYC_LEVEL_ADVANCED
        )
    assert (await clerk.ask("CheckEligibility", **facility)).eligible
    rejected = {"customer_id": customer.id, "kyc_verification": pb.KYC_VERIFICATION_REJECTED}
    await clerk.ask("SetKycVerification", **rejected)
    answer = await clerk.ask("CheckEligibility", **account)
    assert (answer.eligible, answer.reason) == (False, pb.INELIGIBILITY_REASON_REJECTED)
    updated = "customer-account-kyc-verification-updated"
    common = {"id": customer.id, "customer_type": "private_company"}
    told = await clerk.events(customer.id)
    assert [payload for name, payload in told if name == updated] == [
        {**common, "kyc_verification": "verified"},
        {**common, "kyc_verification": "rejected"},
    ]
    unknown = account | {"customer_id": NOBODY}
    assert await clerk.refused("CheckEligibility", **unknown) == "NOT_FOUND"


async def linked_to_applicants(clerk: Clerk) -> None:
    one, other = await clerk.customer(), await clerk.customer()
    applicant = uuid.uuid4().hex
    for _ in range(2):
        linked = await clerk.ask("StartKyc", customer_id=one.id, applicant_id=applicant)
        assert linked.customer.applicant_id == applicant
        assert linked.customer.kyc_progress == pb.KYC_PROGRESS_STARTED
    taken: dict[str, Any] = {"customer_id": other.id, "applicant_id": applicant}
    assert await clerk.refused("StartKyc", **taken) == "KEY_TAKEN"
    await clerk.ask("StartKyc", customer_id=one.id, applicant_id=uuid.uuid4().hex)
    assert (await clerk.ask("StartKyc", **taken)).customer.applicant_id == applicant, "given up"
    await clerk.ask(
        "SetKycVerification",
        customer_id=other.id,
        kyc_verification=pb.KYC_VERIFICATION_VERIFIED,
        kyc_level=pb.KYC_LEVEL_BASIC,
    )
    another = taken | {"applicant_id": uuid.uuid4().hex}
    assert await clerk.refused("StartKyc", **another) == "CUSTOMER_VERIFIED"
    # Of two that ask for one applicant at once, one has it.
    racing = uuid.uuid4().hex
    asked = [
        clerk.ask("StartKyc", customer_id=(await clerk.customer()).id, applicant_id=racing)
        for _ in range(2)
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(isinstance(answer, Exception) for answer in answers) == [False, True]


async def listed(clerk: Clerk) -> None:
    kind = pb.CUSTOMER_TYPE_NON_DOMICILED_COMPANY
    made = [await clerk.customer(customer_type=kind) for _ in range(5)]
    found, token = [], ""
    while True:
        page = await clerk.ask("ListCustomers", customer_type=kind, page_size=2, page_token=token)
        found += page.customers
        token = page.next_page_token
        if not token:
            break
    assert found == made
    assert len(page.customers) == 1
    both = {"customer_type": kind, "kyc_verification": pb.KYC_VERIFICATION_VERIFIED}
    assert not (await clerk.ask("ListCustomers", **both)).customers
    everybody = await clerk.ask("ListCustomers", page_size=500, activity=pb.ACTIVITY_ACTIVE)
    assert len(everybody.customers) > 5


INDIVIDUAL = pb.CUSTOMER_TYPE_INDIVIDUAL
INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("CreateCustomer", {"email": "a@b.c"}, "customer_type"),
    ("CreateCustomer", {"email": "a@b.c", "customer_type": 99}, "customer_type"),
    *(
        ("CreateCustomer", {"email": email, "customer_type": INDIVIDUAL}, "email")
        for email in ("", "a", "a@", "a b@c.d", "a@b@c", "a\0@b.c", "a@.c", f"a@{'b' * 253}")
    ),
    (
        "CreateCustomer",
        {"email": "a@b.c", "customer_type": INDIVIDUAL, "telegram_id": "x\n"},
        "telegram_id",
    ),
    ("CreateCustomer", {"email": "a@b.c", "request_id": "7"}, "request_id"),
    ("UpdateEmail", {"customer_id": "7", "email": "a@b.c"}, "customer_id"),
    ("GetCustomer", {"customer_id": ""}, "customer_id"),
    ("ListCustomers", {"page_token": "x"}, "page_token"),
    ("ListCustomers", {"page_size": -1}, "page_size"),
    ("ListCustomers", {"activity": 9}, "activity"),
    ("CheckEligibility", {"customer_id": NOBODY}, "purpose"),
    ("RecordActivity", {"customer_id": NOBODY, "note": " "}, "note"),
    ("StartKyc", {"customer_id": NOBODY, "applicant_id": "a/b"}, "applicant_id"),
    ("SetKycVerification", {"customer_id": NOBODY}, "kyc_verification"),
    ("UploadDocument", {"customer_id": NOBODY, "filename": "../x", "content": b"x"}, "filename"),
    ("UploadDocument", {"customer_id": NOBODY, "filename": "x"}, "content"),
    (
        "UploadDocument",
        {"customer_id": NOBODY, "filename": "x", "content": bytes(3 * 1024 * 1024 + 1)},
        "content",
    ),
    ("ListDocuments", {"customer_id": NOBODY, "status": 9}, "status"),
    ("CreateDownloadLink", {"document_id": NOBODY, "ttl": {"seconds": 3601}}, "ttl"),
    ("CreateDownloadLink", {"document_id": NOBODY, "ttl": {"nanos": 5}}, "ttl"),
    ("RetryWebhookDelivery", {"delivery_id": "x"}, "delivery_id"),
]


async def test_what_is_not_in_its_form_is_refused_by_its_name(
    ledger_dsn: str, bank_dsn: str, tmp_path: Path
) -> None:
    async with customers_in_process(ledger_dsn, bank_dsn, documents_dir=str(tmp_path)) as clerk:
        refused = [(rpc, given, await clerk.refused(rpc, **given)) for rpc, given, _ in INVALID]
        assert refused == [(rpc, given, f"FIELD_INVALID {field}") for rpc, given, field in INVALID]
        assert files(tmp_path) == []


def test_a_secret_belongs_to_a_tenant(tmp_path: Path) -> None:
    from ledger_client.banking.customer.webhook import secrets_of  # noqa: PLC0415

    secret = "0123456789abcdef"
    assert secrets_of({"sumsub_secret": secret}, frozenset({"A"})) == {"A": [secret]}
    with pytest.raises(ValueError, match="sumsub_secrets_file"):
        secrets_of({"sumsub_secret": secret}, frozenset({"A", "B"}))
    file = tmp_path / "secrets.json"
    file.write_text(f'{{"A": "{secret}", "B": ["{secret}1", "{secret}2"]}}')
    options = {"sumsub_secrets_file": str(file)}
    found = secrets_of(options, frozenset({"A", "B"}))
    assert found == {"A": [secret], "B": [f"{secret}1", f"{secret}2"]}
    file.write_text('{"A": "short"}')
    with pytest.raises(ValueError, match="16 characters"):
        secrets_of(options, frozenset({"A"}))
