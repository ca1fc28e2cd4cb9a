"""Rules of customers, documents and deliveries: properties, without a database."""

import datetime as dt
import itertools
import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger_client.banking.customer import deliveries, document_rules, rules
from ledger_client.banking.customer.deliveries import (
    Apply,
    DeliveryStatus,
    Fail,
    Ignore,
    ProviderMessage,
    Verdict,
    WebhookDelivery,
)
from ledger_client.banking.customer.document_rules import Document, DocumentStatus
from ledger_client.banking.customer.errors import (
    CustomerVerifiedError,
    DeliverySettledError,
    DocumentDeletedError,
)
from ledger_client.banking.customer.rules import (
    Activity,
    Applicant,
    Bar,
    Customer,
    KycLevel,
    KycProgress,
    KycVerification,
    Purpose,
)
from ledger_client.banking.customer.settings import CustomerSettings
from ledger_client.banking.foundation.errors import KeyTakenError

NOW = dt.datetime(2026, 1, 31, 9, 0, tzinfo=dt.UTC)
ANA = Customer(id=uuid.UUID(int=7), tenant="BANK", version=1, email="ana@example.com")
SETTINGS = CustomerSettings()
BY_HAND = CustomerSettings(allow_manual_kyc=True)

MESSAGES = st.lists(
    st.builds(
        ProviderMessage,
        type=st.sampled_from(["applicantReviewed", "applicantPending", "applicantOnHold"]),
        applicant_id=st.just("a1"),
        external_user_id=st.just(str(ANA.id)),
        answer=st.sampled_from(["GREEN", "RED"]),
        level_name=st.sampled_from(["basic-kyc-level", "advanced-kyc-level"]),
    ),
    min_size=1,
    max_size=4,
).map(
    lambda messages: [
        # Made one after the other, each at a time of its own.
        ProviderMessage(
            type=one.type,
            applicant_id=one.applicant_id,
            external_user_id=one.external_user_id,
            sent_at=NOW + dt.timedelta(milliseconds=number),
            answer=one.answer,
            level_name=one.level_name,
        )
        for number, one in enumerate(messages)
    ]
)


def after(customer: Customer, events: Any) -> Customer:
    for event in events:
        customer = customer.after(event)
    return customer


def heed(customer: Customer, message: ProviderMessage) -> tuple[Customer, Verdict]:
    applicant = None
    if customer.applicant_id:
        applicant = Applicant(id=uuid.uuid4(), tenant="BANK", customer_id=customer.id)
    verdict = deliveries.judge(message, applicant, customer, SETTINGS)
    return (after(customer, verdict.events) if isinstance(verdict, Apply) else customer), verdict


class TestProvider:
    @settings(max_examples=40)
    @given(MESSAGES)
    def test_the_last_made_counts_in_whatever_order_they_come(
        self, messages: list[ProviderMessage]
    ) -> None:
        last = messages[-1]
        for order in itertools.permutations(messages):
            customer = ANA
            for message in order:
                customer, _ = heed(customer, message)
            assert customer.applicant_id == "a1"
            if last.type == "applicantReviewed":
                expected = {
                    "GREEN": KycVerification.VERIFIED,
                    "RED": KycVerification.REJECTED,
                }[last.answer]
                assert customer.kyc_verification is expected
                assert customer.kyc_progress is KycProgress.DECIDED
            assert (customer.kyc_level is KycLevel.NOT_KYCED) == (
                customer.kyc_verification is not KycVerification.VERIFIED
            )

    @settings(max_examples=40)
    @given(MESSAGES)
    def test_a_repetition_changes_nothing(self, messages: list[ProviderMessage]) -> None:
        customer = ANA
        for message in messages:
            customer, _ = heed(customer, message)
            again, _ = heed(customer, message)
            assert after(again, []).kyc_verification is customer.kyc_verification
            assert again.kyc_as_of_ms == customer.kyc_as_of_ms

    @settings(max_examples=40)
    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_any_bytes_are_read(self, body: bytes) -> None:
        deliveries.receive(body, "0" * 64, NOW)

    @settings(max_examples=40)
    @given(
        st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "applicantId",
                    "externalUserId",
                    "createdAtMs",
                    "reviewResult",
                    "levelName",
                    "sandboxMode",
                ]
            ),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=5,
            )
            | st.sampled_from(["applicantReviewed", "applicantCreated"]),
        )
    )
    def test_any_json_is_judged_and_what_is_noted_can_be_stored(
        self, content: dict[str, Any]
    ) -> None:
        message = deliveries.parse(json.dumps(content).encode())
        assert isinstance(deliveries.judge(message, None, None, SETTINGS), Fail | Ignore)
        noted = deliveries.receive(json.dumps(content).encode(), "0" * 64, NOW)
        assert "\\u0000" not in noted.model_dump_json()

    def test_deep_nesting_is_no_json_to_us(self) -> None:
        assert deliveries.parse(b"[" * 60_000).problem

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-01-31 09:00:00.000", NOW),
            ("2026-01-31T09:00:00Z", NOW),
            ("2026-01-31 10:00:00.000+01:00", NOW),
            (int(NOW.timestamp() * 1000), NOW),
            ("yesterday", None),
            (10**30, None),
            ("0001-01-01 00:00:00+23:00", None),
            (True, None),
        ],
    )
    def test_times(self, text: Any, expected: dt.datetime | None) -> None:
        body = json.dumps({"type": "x", "createdAtMs": text}).encode()
        assert deliveries.parse(body).sent_at == expected

    def test_whom_it_is_about_must_be_clear(self) -> None:
        message = ProviderMessage(
            type="applicantReviewed", applicant_id="a1", sent_at=NOW, answer="RED"
        )
        other = after(ANA, [rules.ApplicantLinked(applicant_id="a2")])
        assert isinstance(deliveries.judge(message, None, other, SETTINGS), Fail)
        given_up = Applicant(id=uuid.uuid4(), tenant="BANK", version=2)
        assert isinstance(deliveries.judge(message, given_up, None, SETTINGS), Ignore)

    def test_an_unknown_level_waits_for_its_setting(self) -> None:
        message = ProviderMessage(
            type="applicantReviewed",
            applicant_id="a1",
            sent_at=NOW,
            answer="GREEN",
            level_name="gold",
        )
        verdict = deliveries.judge(message, None, ANA, SETTINGS)
        assert isinstance(verdict, Fail)
        assert not verdict.is_final
        gold = CustomerSettings(advanced_level_names=("gold",))
        applied = deliveries.judge(message, None, ANA, gold)
        assert isinstance(applied, Apply)
        assert after(ANA, applied.events).kyc_level is KycLevel.ADVANCED


class TestDelivery:
    @given(st.integers(1, 50))
    def test_dies_after_its_attempts_each_later_than_the_one_before(self, attempts: int) -> None:
        few = CustomerSettings(webhook_attempts_max=attempts)
        delivery = WebhookDelivery(id=uuid.uuid4(), tenant="BANK", version=1)
        waits = []
        while delivery.status is DeliveryStatus.PENDING:
            delivery = delivery.after(deliveries.fail(delivery, Fail("no"), few))
            waits.append(deliveries.next_attempt(delivery, NOW) - NOW)
        assert delivery.status is DeliveryStatus.DEAD
        assert delivery.failed_attempts == attempts
        assert waits == sorted(waits)
        assert waits[-1] <= dt.timedelta(hours=1)
        [retried] = deliveries.retry(delivery)
        assert deliveries.retry(delivery.after(retried)) == []

    def test_what_can_never_be_understood_dies_at_once(self) -> None:
        delivery = WebhookDelivery(id=uuid.uuid4(), tenant="BANK", version=1)
        assert deliveries.fail(delivery, Fail("no", is_final=True), SETTINGS).is_last

    def test_a_settled_one_is_not_retried(self) -> None:
        delivery = WebhookDelivery(id=uuid.uuid4(), tenant="BANK", version=1)
        with pytest.raises(DeliverySettledError):
            deliveries.retry(delivery.after(deliveries.Ignored(note="late")))


class TestCustomer:
    @given(st.integers(0, 5000 * 24), st.integers(1, 500), st.integers(501, 4000))
    def test_classes_follow_each_other(self, hours: int, inactive: int, suspended: int) -> None:
        bounds = CustomerSettings(inactive_after_days=inactive, suspended_after_days=suspended)
        days = hours / 24
        expected = Activity.ACTIVE
        if days >= inactive:
            expected = Activity.INACTIVE
        if days > suspended:
            expected = Activity.SUSPENDED
        last = NOW - dt.timedelta(hours=hours)
        assert rules.classify(last, NOW, bounds) is expected

    @pytest.mark.parametrize("verification", KycVerification)
    @pytest.mark.parametrize("purpose", Purpose)
    @pytest.mark.parametrize("is_required", [True, False])
    def test_eligibility(
        self, verification: KycVerification, purpose: Purpose, is_required: bool
    ) -> None:
        required = CustomerSettings(
            require_verified_for_accounts=is_required == (purpose is Purpose.DEPOSIT_ACCOUNT),
            require_verified_for_facilities=is_required == (purpose is Purpose.CREDIT_FACILITY),
        )
        decided = rules.VerificationDecided(
            verification=verification, level=KycLevel.NOT_KYCED, as_of_ms=1, is_by_hand=False
        )
        expected = {
            KycVerification.VERIFIED: None,
            KycVerification.REJECTED: Bar.REJECTED,
            KycVerification.PENDING_VERIFICATION: Bar.NOT_VERIFIED if is_required else None,
        }[verification]
        assert rules.bar_to(purpose, ANA.after(decided), required) is expected

    def test_a_decision_by_hand_stands_against_earlier_words(self) -> None:
        happened = rules.set_verification(
            ANA, KycVerification.REJECTED, KycLevel.NOT_KYCED, BY_HAND, NOW
        )
        rejected = after(ANA, happened)
        message = ProviderMessage(
            type="applicantReviewed",
            applicant_id="a1",
            external_user_id=str(ANA.id),
            sent_at=NOW - dt.timedelta(milliseconds=1),
            answer="GREEN",
            level_name="basic-kyc-level",
        )
        _, verdict = heed(rejected, message)
        assert isinstance(verdict, Ignore)

    def test_an_applicant_is_one_customer_and_a_verified_customer_one_applicant(self) -> None:
        taken = Applicant(id=uuid.uuid4(), tenant="BANK", customer_id=uuid.uuid4())
        with pytest.raises(KeyTakenError):
            rules.start_kyc(ANA, taken, "a1")
        verified = after(
            ANA,
            [
                rules.ApplicantLinked(applicant_id="a1"),
                rules.VerificationDecided(
                    verification=KycVerification.VERIFIED,
                    level=KycLevel.BASIC,
                    as_of_ms=1,
                    is_by_hand=False,
                ),
            ],
        )
        assert rules.start_kyc(verified, None, "a1") == []
        with pytest.raises(CustomerVerifiedError):
            rules.start_kyc(verified, None, "a2")

    def test_settings_that_contradict_each_other(self) -> None:
        with pytest.raises(ValidationError, match="greater"):
            CustomerSettings(inactive_after_days=10, suspended_after_days=10)
        with pytest.raises(ValidationError, match="both levels"):
            CustomerSettings(basic_level_names=("x",), advanced_level_names=("x",))


class TestDocument:
    DOCUMENT = Document(id=uuid.uuid4(), tenant="BANK", version=1, sha256="0" * 64)

    def test_is_archived_then_deleted(self) -> None:
        [archived] = document_rules.archive(self.DOCUMENT)
        document = self.DOCUMENT.after(archived)
        assert document_rules.archive(document) == []
        [deleted] = document_rules.delete(document)
        document = document.after(deleted)
        assert document.status is DocumentStatus.DELETED
        assert document_rules.delete(document) == []
        with pytest.raises(DocumentDeletedError):
            document_rules.archive(document)
