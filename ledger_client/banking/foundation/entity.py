"""Entities: state that is the fold of stored events, and nothing else."""

import dataclasses
from typing import Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, TypeAdapter

from ledger_client.banking.foundation.errors import BankError


class StoredEvent(BaseModel):
    """Something that happened to an entity. Private to its module; stored as JSON for ever.

    A subclass gives `type` a Literal of its own, and never changes what is stored already: a new
    field has a default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


E = TypeVar("E", bound=StoredEvent)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entity(Generic[E]):
    """One thing of a module. Every field but these three has a default: how it is before anything.

    A subclass is a frozen dataclass with `KIND`, `EVENTS` and `apply`.
    """

    #: Names it in the store and in refusals, such as `deposit_account`.
    KIND: ClassVar[str]
    #: Reads its stored events: a TypeAdapter of their union, discriminated by `type`.
    EVENTS: ClassVar[TypeAdapter[Any]]

    id: UUID
    #: Code of the journal that is the tenant.
    tenant: str
    #: How many events it is the fold of; 0 before the first.
    version: int = 0

    def apply(self, event: E) -> Self:
        """Return the entity after an event, without `version`. Pure, and refuses nothing."""
        raise NotImplementedError

    def after(self, event: E) -> Self:
        """Return the entity after an event, one version on."""
        return dataclasses.replace(self.apply(event), version=self.version + 1)

    @property
    def key(self) -> str | None:
        """A name that no other entity of this kind and tenant may have; None for none."""
        return None

    @property
    def parent_id(self) -> UUID | None:
        """What it is listed under, such as a deposit under its account."""
        return None

    @property
    def state(self) -> str:
        """One word that lists can be filtered by, such as `frozen`."""
        return ""

    @property
    def refusal(self) -> BankError | None:
        """What the command that made it is refused with, once the ledger refused its posting."""
        return None

    def refusal_of(self, request_id: UUID) -> BankError | None:  # noqa: ARG002  # for subclasses
        """Return what one command is refused with; of those after the first, each has its own."""
        return self.refusal


def derived_id(*parts: object) -> UUID:
    """Return an id made of parts: the same parts give the same id, on any machine, on any retry."""
    return uuid5(_NAMESPACE, "/".join(str(part) for part in parts))


_NAMESPACE = UUID("6f0d2d6e-5d0c-5e0b-9d55-1c1a0a6f3c77")
