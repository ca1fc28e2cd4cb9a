"""Customers and their applicants as folds of stored events, and what may happen to them: pure."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.customer.errors import CustomerVerifiedError, ManualKycDisabledError
from ledger_client.banking.customer.settings import CustomerSettings
from ledger_client.banking.foundation.entity import Entity, StoredEvent, derived_id
from ledger_client.banking.foundation.errors import FieldInvalidError, KeyTakenError

#: When what is not there yet was created.
BEFORE_ANYTHING: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class CustomerType(enum.StrEnum):
    """What a customer is."""

    INDIVIDUAL = "individual"
    GOVERNMENT_ENTITY = "government_entity"
    PRIVATE_COMPANY = "private_company"
    BANK = "bank"
    FINANCIAL_INSTITUTION = "financial_institution"
    FOREIGN_AGENCY_OR_SUBSIDIARY = "foreign_agency_or_subsidiary"
    NON_DOMICILED_COMPANY = "non_domiciled_company"


class KycVerification(enum.StrEnum):
    """Whether a customer's identity was verified."""

    PENDING_VERIFICATION = "pending-verification"
    VERIFIED = "verified"
    REJECTED = "rejected"


class KycLevel(enum.StrEnum):
    """How thoroughly a customer was verified."""

    NOT_KYCED = "not-kyced"
    BASIC = "basic"
    ADVANCED = "advanced"


class KycProgress(enum.StrEnum):
    """Where the provider's work on a customer stands."""

    NOT_STARTED = "not-started"
    STARTED = "started"
    IN_REVIEW = "in-review"
    ON_HOLD = "on-hold"
    DECIDED = "decided"


class Activity(enum.StrEnum):
    """How long ago a customer was last active."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    SUSPENDED = "suspended"


class Purpose(enum.Enum):
    """What a customer may be given."""

    DEPOSIT_ACCOUNT = enum.auto()
    CREDIT_FACILITY = enum.auto()


class Bar(enum.Enum):
    """Why a customer may not be given something; the value says it to people."""

    NOT_VERIFIED = "the customer's identity was not verified yet"
    REJECTED = "the verification of the customer's identity failed"


class Created(StoredEvent):
    """There is a new customer."""

    type: Literal["created"] = "created"
    email: str
    telegram_id: str
    customer_type: CustomerType
    at: dt.datetime


class EmailUpdated(StoredEvent):
    """The customer has another address."""

    type: Literal["email_updated"] = "email_updated"
    email: str


class ApplicantLinked(StoredEvent):
    """The customer is an applicant of the provider."""

    type: Literal["applicant_linked"] = "applicant_linked"
    applicant_id: str


class ProgressNoted(StoredEvent):
    """The provider told where its work stands."""

    type: Literal["progress_noted"] = "progress_noted"
    progress: KycProgress
    as_of_ms: int


class VerificationDecided(StoredEvent):
    """The provider or a person decided, perhaps the same as before."""

    type: Literal["verification_decided"] = "verification_decided"
    verification: KycVerification
    level: KycLevel
    as_of_ms: int
    is_by_hand: bool


class ActivityRecorded(StoredEvent):
    """A person noted that the customer was active."""

    type: Literal["activity_recorded"] = "activity_recorded"
    note: str
    at: dt.datetime


class ActivityChanged(StoredEvent):
    """The customer falls into another class."""

    type: Literal["activity_changed"] = "activity_changed"
    activity: Activity


CustomerEvent: TypeAlias = (
    Created
    | EmailUpdated
    | ApplicantLinked
    | ProgressNoted
    | VerificationDecided
    | ActivityRecorded
    | ActivityChanged
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Customer(Entity[CustomerEvent]):
    """A customer of the bank."""

    KIND: ClassVar[str] = "customer"
    EVENTS: ClassVar[TypeAdapter[CustomerEvent]] = TypeAdapter(
        Annotated[CustomerEvent, Field(discriminator="type")]
    )

    email: str = ""
    telegram_id: str = ""
    customer_type: CustomerType = CustomerType.INDIVIDUAL
    kyc_verification: KycVerification = KycVerification.PENDING_VERIFICATION
    kyc_level: KycLevel = KycLevel.NOT_KYCED
    kyc_progress: KycProgress = KycProgress.NOT_STARTED
    #: Empty if none is linked.
    applicant_id: str = ""
    #: Time of the latest word on the verification that was heeded, in milliseconds since 1970.
    kyc_as_of_ms: int = 0
    activity: Activity = Activity.ACTIVE
    created_at: dt.datetime = BEFORE_ANYTHING

    @property
    def key(self) -> str:
        """The e-mail address, whatever its case."""
        return key_of_email(self.email)

    def apply(self, event: CustomerEvent) -> Self:
        """Return the customer after an event."""
        match event:
            case Created():
                return dataclasses.replace(
                    self,
                    email=event.email,
                    telegram_id=event.telegram_id,
                    customer_type=event.customer_type,
                    created_at=event.at,
                )
            case EmailUpdated():
                return dataclasses.replace(self, email=event.email)
            case ApplicantLinked():
                return dataclasses.replace(
                    self, applicant_id=event.applicant_id, kyc_progress=KycProgress.STARTED
                )
            case ProgressNoted():
                return dataclasses.replace(
                    self, kyc_progress=event.progress, kyc_as_of_ms=event.as_of_ms
                )
            case VerificationDecided():
                return dataclasses.replace(
                    self,
                    kyc_verification=event.verification,
                    kyc_level=event.level,
                    kyc_progress=KycProgress.DECIDED,
                    kyc_as_of_ms=event.as_of_ms,
                )
            case ActivityRecorded():
                return self
            case ActivityChanged():
                return dataclasses.replace(self, activity=event.activity)
            case _:
                assert_never(event)


class Linked(StoredEvent):
    """The applicant is a customer."""

    type: Literal["linked"] = "linked"
    customer_id: UUID


class GivenUp(StoredEvent):
    """The customer has another applicant now."""

    type: Literal["given_up"] = "given_up"


ApplicantEvent: TypeAlias = Linked | GivenUp


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Applicant(Entity[ApplicantEvent]):
    """An applicant of the provider: sees to it that no two customers have the same."""

    KIND: ClassVar[str] = "applicant"
    EVENTS: ClassVar[TypeAdapter[ApplicantEvent]] = TypeAdapter(
        Annotated[ApplicantEvent, Field(discriminator="type")]
    )

    #: None once it was given up.
    customer_id: UUID | None = None

    def apply(self, event: ApplicantEvent) -> Self:
        """Return the applicant after an event."""
        match event:
            case Linked():
                return dataclasses.replace(self, customer_id=event.customer_id)
            case GivenUp():
                return dataclasses.replace(self, customer_id=None)
            case _:
                assert_never(event)


def id_of_applicant(tenant: str, applicant_id: str) -> UUID:
    """Return the id of the entity of an applicant."""
    return derived_id(tenant, Applicant.KIND, applicant_id)


def key_of_email(email: str) -> str:
    """Return what two addresses have in common if they are the same."""
    return email.casefold()


def update_email(customer: Customer, email: str) -> Sequence[CustomerEvent]:
    """Return what another address leads to: nothing if the customer has it."""
    return [] if customer.email == email else [EmailUpdated(email=email)]


def start_kyc(
    customer: Customer, applicant: Applicant | None, applicant_id: str
) -> Sequence[CustomerEvent]:
    """Return what linking an applicant leads to: nothing if it is linked.

    Args:
        customer: who is to be linked.
        applicant: what is known of the applicant; None if nothing.
        applicant_id: of the provider.

    Raises:
        KeyTakenError: another customer has it.
        CustomerVerifiedError: the customer was verified as another applicant.
    """
    if customer.applicant_id == applicant_id:
        return []
    if applicant is not None and applicant.customer_id is not None:
        raise KeyTakenError(Applicant.KIND, applicant_id)
    if customer.applicant_id and customer.kyc_verification is KycVerification.VERIFIED:
        raise CustomerVerifiedError(customer.id, customer.applicant_id)
    return [ApplicantLinked(applicant_id=applicant_id)]


def set_verification(
    customer: Customer,
    verification: KycVerification,
    level: KycLevel,
    settings: CustomerSettings,
    now: dt.datetime,
) -> Sequence[CustomerEvent]:
    """Return what a decision by hand leads to: nothing if it stands like that.

    Raises:
        ManualKycDisabledError: the tenant leaves it to the provider.
        FieldInvalidError: it is no decision, or the level does not go with it.
    """
    if not settings.allow_manual_kyc:
        raise ManualKycDisabledError
    if verification is KycVerification.PENDING_VERIFICATION:
        raise FieldInvalidError("kyc_verification", "must be verified or rejected")
    if verification is KycVerification.VERIFIED and level is KycLevel.NOT_KYCED:
        raise FieldInvalidError("kyc_level", "must be basic or advanced for one who is verified")
    if verification is KycVerification.REJECTED and level is not KycLevel.NOT_KYCED:
        raise FieldInvalidError("kyc_level", "must not be given for one who is rejected")
    if (customer.kyc_verification, customer.kyc_level) == (verification, level):
        return []
    # Never earlier than what was heeded already, or that would be no longer known to be late.
    as_of_ms = max(int(now.timestamp() * 1000), customer.kyc_as_of_ms)
    return [
        VerificationDecided(
            verification=verification, level=level, as_of_ms=as_of_ms, is_by_hand=True
        )
    ]


def record_activity(customer: Customer, note: str, now: dt.datetime) -> Sequence[CustomerEvent]:
    """Return what a person's note leads to."""
    recorded = ActivityRecorded(note=note, at=now)
    return [recorded, *change_activity(customer, Activity.ACTIVE)]


def change_activity(customer: Customer, activity: Activity) -> Sequence[CustomerEvent]:
    """Return what a classification leads to: nothing if the customer is in the class."""
    return [] if customer.activity is activity else [ActivityChanged(activity=activity)]


def classify(last_activity: dt.datetime, at: dt.datetime, settings: CustomerSettings) -> Activity:
    """Return the class of a customer at a time."""
    silence = at - last_activity
    if silence < dt.timedelta(days=settings.inactive_after_days):
        return Activity.ACTIVE
    if silence <= dt.timedelta(days=settings.suspended_after_days):
        return Activity.INACTIVE
    return Activity.SUSPENDED


def bar_to(purpose: Purpose, customer: Customer, settings: CustomerSettings) -> Bar | None:
    """Return why a customer may not be given something; None for one who may."""
    if customer.kyc_verification is KycVerification.REJECTED:
        return Bar.REJECTED
    is_required = {
        Purpose.DEPOSIT_ACCOUNT: settings.require_verified_for_accounts,
        Purpose.CREDIT_FACILITY: settings.require_verified_for_facilities,
    }[purpose]
    if is_required and customer.kyc_verification is not KycVerification.VERIFIED:
        return Bar.NOT_VERIFIED
    return None
