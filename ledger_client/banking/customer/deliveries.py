"""What the provider that verifies identities sends, and what follows from it: pure.

The provider is SumSub or speaks as it does. A message is heeded for what it says happened and
when, never for when it came: of two messages the one made last counts, in whatever order they
arrive.
"""

import dataclasses
import datetime as dt
import enum
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.customer.errors import DeliverySettledError
from ledger_client.banking.customer.rules import (
    Applicant,
    ApplicantLinked,
    Customer,
    CustomerEvent,
    KycLevel,
    KycProgress,
    KycVerification,
    ProgressNoted,
    VerificationDecided,
)
from ledger_client.banking.customer.settings import CustomerSettings
from ledger_client.banking.foundation.entity import Entity, StoredEvent, derived_id

#: Form of an applicant's id.
APPLICANT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
RETRY_SECONDS_FIRST: Final = 10
RETRY_SECONDS_MAX: Final = 3600

_TEXT_CHARACTERS_MAX: Final = 200
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_PROGRESS: Final = {
    "applicantPending": KycProgress.IN_REVIEW,
    "applicantOnHold": KycProgress.ON_HOLD,
}
_KNOWN: Final = {
    "applicantCreated",
    "applicantReviewed",
    "applicantPersonalInfoChanged",
    *_PROGRESS,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMessage:
    """What is read of a message; texts that are missing or no texts are empty."""

    type: str = ""
    applicant_id: str = ""
    #: That the bank gave the applicant: the customer's id.
    external_user_id: str = ""
    sent_at: dt.datetime | None = None
    #: `GREEN` or `RED`.
    answer: str = ""
    level_name: str = ""
    is_sandbox: bool = False
    #: Why it can never be understood; empty if it can.
    problem: str = ""

    @property
    def customer_id(self) -> UUID | None:
        """The customer that it names; None if it names none by id."""
        try:
            return UUID(self.external_user_id)
        except ValueError:
            return None


def parse(body: bytes) -> ProviderMessage:
    """Return what a message says; never fails, for its sender is known to be the provider."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ProviderMessage(problem="it is not JSON")
    if not isinstance(content, dict):
        return ProviderMessage(problem="it is not a JSON object")
    kind = _text(content, "type")
    applicant_id = _text(content, "applicantId")
    review = content.get("reviewResult")
    problem = ""
    if not kind:
        problem = "it has no type"
    elif kind in _KNOWN and not APPLICANT_ID.fullmatch(applicant_id):
        problem = "it has no applicantId"
    return ProviderMessage(
        type=kind,
        applicant_id=applicant_id,
        external_user_id=_text(content, "externalUserId"),
        sent_at=_time(content.get("createdAtMs")),
        answer=_text(review, "reviewAnswer") if isinstance(review, dict) else "",
        level_name=_text(content, "levelName"),
        is_sandbox=content.get("sandboxMode") in (True, "true"),
        problem=problem,
    )


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    is_text = isinstance(value, str) and value.isprintable() and len(value) <= _TEXT_CHARACTERS_MAX
    return str(value) if is_text else ""


def _time(value: Any) -> dt.datetime | None:
    """Read `2020-02-21 13:23:19.002`, which is in UTC, or whole milliseconds since 1970."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return _EPOCH + dt.timedelta(milliseconds=value)
        if isinstance(value, str):
            time = dt.datetime.fromisoformat(value)
            return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Apply:
    """It changes what is known of a customer."""

    events: Sequence[CustomerEvent]


@dataclasses.dataclass(frozen=True, slots=True)
class Ignore:
    """It needs nothing."""

    note: str


@dataclasses.dataclass(frozen=True, slots=True)
class Fail:
    """It cannot be heeded, at least not now."""

    note: str
    #: Whether it never can.
    is_final: bool = False


Verdict: TypeAlias = Apply | Ignore | Fail


def judge(
    message: ProviderMessage,
    applicant: Applicant | None,
    customer: Customer | None,
    settings: CustomerSettings,
) -> Verdict:
    """Return what follows from a message.

    Args:
        message: what it says.
        applicant: what is known of its applicant; None if nothing.
        customer: who has the applicant; if nobody, whom the message names; None if there is nobody.
        settings: the tenant's.
    """
    if message.problem:
        return Fail(message.problem, is_final=True)
    if message.type not in _KNOWN:
        return Ignore(f"type {message.type!r} is not known here")
    if message.is_sandbox and not settings.allow_sandbox:
        return Ignore("it comes from the provider's sandbox")
    if message.type == "applicantPersonalInfoChanged":
        return Ignore("nothing personal of an applicant is kept here")
    if applicant is not None and applicant.customer_id is None:
        return Ignore(f"applicant {message.applicant_id} was given up")
    if customer is None:
        return Fail(f"no customer is applicant {message.applicant_id}")
    if customer.applicant_id not in {"", message.applicant_id}:
        return Fail(f"customer {customer.id} is another applicant")
    linking = [] if customer.applicant_id else [ApplicantLinked(applicant_id=message.applicant_id)]
    if message.type == "applicantCreated":
        return Apply(linking) if linking else Ignore("the applicant is linked already")
    told = _told(message, customer, settings)
    return Apply([*linking, told]) if isinstance(told, StoredEvent) else told


def _told(
    message: ProviderMessage, customer: Customer, settings: CustomerSettings
) -> ProgressNoted | VerificationDecided | Verdict:
    if message.sent_at is None:
        return Fail("it has no time createdAtMs", is_final=True)
    as_of_ms = (message.sent_at - _EPOCH) // dt.timedelta(milliseconds=1)
    if as_of_ms < customer.kyc_as_of_ms:
        return Ignore("it is late: a later word on the customer was heeded")
    if message.type in _PROGRESS:
        return ProgressNoted(progress=_PROGRESS[message.type], as_of_ms=as_of_ms)
    if message.answer == "GREEN":
        level = _level(message.level_name, settings)
        if level is None:
            return Fail(f"level {message.level_name!r} is neither basic nor advanced by settings")
        verification = KycVerification.VERIFIED
    elif message.answer == "RED":
        level, verification = KycLevel.NOT_KYCED, KycVerification.REJECTED
    else:
        return Fail(f"reviewAnswer {message.answer!r} is neither GREEN nor RED", is_final=True)
    return VerificationDecided(
        verification=verification, level=level, as_of_ms=as_of_ms, is_by_hand=False
    )


def _level(name: str, settings: CustomerSettings) -> KycLevel | None:
    if name in settings.basic_level_names:
        return KycLevel.BASIC
    if name in settings.advanced_level_names:
        return KycLevel.ADVANCED
    return None


class DeliveryStatus(enum.StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"
    APPLIED = "applied"
    IGNORED = "ignored"
    DEAD = "dead"


class Received(StoredEvent):
    """It came, with a valid signature; its bytes are in the inbox."""

    type: Literal["received"] = "received"
    message_type: str
    applicant_id: str
    sent_at: dt.datetime | None
    sha256: str
    at: dt.datetime


class Applied(StoredEvent):
    """It changed what is known of a customer."""

    type: Literal["applied"] = "applied"
    customer_id: UUID


class Ignored(StoredEvent):
    """It needed nothing."""

    type: Literal["ignored"] = "ignored"
    note: str


class AttemptFailed(StoredEvent):
    """It could not be heeded."""

    type: Literal["attempt_failed"] = "attempt_failed"
    note: str
    is_last: bool


class Retried(StoredEvent):
    """A person has it tried again."""

    type: Literal["retried"] = "retried"


DeliveryEvent: TypeAlias = Received | Applied | Ignored | AttemptFailed | Retried


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery(Entity[DeliveryEvent]):
    """One message of the provider, however often it came."""

    KIND: ClassVar[str] = "webhook_delivery"
    EVENTS: ClassVar[TypeAdapter[DeliveryEvent]] = TypeAdapter(
        Annotated[DeliveryEvent, Field(discriminator="type")]
    )

    message_type: str = ""
    applicant_id: str = ""
    customer_id: UUID | None = None
    status: DeliveryStatus = DeliveryStatus.PENDING
    failed_attempts: int = 0
    note: str = ""
    sent_at: dt.datetime | None = None
    received_at: dt.datetime = _EPOCH
    sha256: str = ""

    @property
    def state(self) -> str:
        """Its status."""
        return self.status.value

    def apply(self, event: DeliveryEvent) -> Self:
        """Return the delivery after an event."""
        match event:
            case Received():
                return dataclasses.replace(
                    self,
                    message_type=event.message_type,
                    applicant_id=event.applicant_id,
                    sent_at=event.sent_at,
                    received_at=event.at,
                    sha256=event.sha256,
                )
            case Applied():
                return dataclasses.replace(
                    self, status=DeliveryStatus.APPLIED, customer_id=event.customer_id, note=""
                )
            case Ignored():
                return dataclasses.replace(self, status=DeliveryStatus.IGNORED, note=event.note)
            case AttemptFailed():
                status = DeliveryStatus.DEAD if event.is_last else DeliveryStatus.PENDING
                return dataclasses.replace(
                    self,
                    status=status,
                    failed_attempts=self.failed_attempts + 1,
                    note=event.note,
                )
            case Retried():
                return dataclasses.replace(
                    self, status=DeliveryStatus.PENDING, failed_attempts=0, note=""
                )
            case _:
                assert_never(event)


def id_of_delivery(tenant: str, sha256: str) -> UUID:
    """Return the id of a delivery: the same bytes are the same delivery."""
    return derived_id(tenant, WebhookDelivery.KIND, sha256)


def receive(body: bytes, sha256: str, now: dt.datetime) -> Received:
    """Return what is noted of a message when it comes."""
    message = parse(body)
    return Received(
        message_type=message.type,
        applicant_id=message.applicant_id,
        sent_at=message.sent_at,
        sha256=sha256,
        at=now,
    )


def fail(delivery: WebhookDelivery, failure: Fail, settings: CustomerSettings) -> AttemptFailed:
    """Return what is noted of a failed attempt."""
    attempts = delivery.failed_attempts + 1
    is_last = failure.is_final or attempts >= settings.webhook_attempts_max
    return AttemptFailed(note=failure.note, is_last=is_last)


def next_attempt(delivery: WebhookDelivery, now: dt.datetime) -> dt.datetime:
    """Return when to try again after a failed attempt: twice as long after each."""
    seconds = RETRY_SECONDS_FIRST * 2 ** (delivery.failed_attempts - 1)
    return now + dt.timedelta(seconds=min(seconds, RETRY_SECONDS_MAX))


def retry(delivery: WebhookDelivery) -> Sequence[DeliveryEvent]:
    """Return what a retry by hand leads to: nothing if it waits for its next attempt.

    Raises:
        DeliverySettledError: it was applied or ignored.
    """
    if delivery.status in {DeliveryStatus.APPLIED, DeliveryStatus.IGNORED}:
        raise DeliverySettledError(delivery.id, delivery.status.value)
    return [Retried()] if delivery.status is DeliveryStatus.DEAD else []
