"""A unit of work: what a command reads, decides and has stored, in one transaction."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from ledger_client.banking.foundation import store
from ledger_client.banking.foundation.calls import Call
from ledger_client.banking.foundation.cause import Cause
from ledger_client.banking.foundation.database import Connection
from ledger_client.banking.foundation.entity import Entity, StoredEvent
from ledger_client.banking.foundation.errors import EntityNotFoundError
from ledger_client.banking.foundation.events import DomainEvent
from ledger_client.banking.foundation.fields import (
    PAGE_SIZE_MAX,
    page_size_of,
    page_start_of,
)
from ledger_client.banking.foundation.taken import Taken

T = TypeVar("T", bound=Entity[Any])
S = TypeVar("S", bound=BaseModel)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command returns that answers more than an entity."""

    entity: Entity[Any]
    #: Fields of the response; a repetition of the request leaves them empty.
    extras: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Entities in the order in which they came to be."""

    items: Sequence[Any]
    #: For the next page; empty on the last.
    next_page_token: str


class Work:
    """What the units of one transaction share."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.known: dict[UUID, Entity[Any]] = {}
        #: What a tenant has set, once it was read.
        self.settings: Mapping[str, Any] | None = None
        self.changes = store.Changes()


class Unit:
    """One transaction on the module's database, for one tenant.

    Nothing is stored before the command has decided: events, calls and domain events are kept here
    and written at the end, all or none. If an entity was changed by others meanwhile, nothing is
    written, and the host runs the command again.
    """

    def __init__(
        self,
        connection: Connection,
        cause: Cause,
        now: dt.datetime,
        settings: Mapping[str, Any],
        work: "Work | None" = None,
    ) -> None:
        """Begin; the host has opened the transaction and recorded the decision.

        Args:
            connection: in the transaction; a module with tables of its own uses it.
            cause: who does it.
            now: by the bank's clock, in UTC.
            settings: what the tenant has set.
            work: what other units of the same transaction know and have changed.
        """
        self.connection = connection
        self.cause = cause
        self.now = now
        self._settings = settings
        self._work = work or Work()
        #: What is to be made after the commit, where another than the caller of `keep` makes it.
        self.kept_calls: Sequence[Taken] = ()

    @property
    def tenant(self) -> str:
        """Code of the journal that is the tenant."""
        return self.cause.tenant

    def settings(self, model: type[S]) -> S:
        """Return what the tenant has set, with the defaults of the module's model.

        What was set under a name that the module no longer knows is left out.
        """
        known = {
            name: value for name, value in self._settings.items() if name in model.model_fields
        }
        return model(**known)

    async def find(self, kind: type[T], entity_id: UUID) -> T | None:
        """Return an entity of this tenant as it is now, changes of this unit included."""
        return (await self.find_many(kind, [entity_id])).get(entity_id)

    async def find_many(self, kind: type[T], entity_ids: Iterable[UUID]) -> dict[UUID, T]:
        """Return those of the entities that there are, by id."""
        wanted = list(dict.fromkeys(entity_ids))
        missing = [entity_id for entity_id in wanted if entity_id not in self._work.known]
        if missing:
            self._work.known |= await store.load(self.connection, kind, self.tenant, missing)
        found = {entity_id: self._work.known.get(entity_id) for entity_id in wanted}
        return {key: entity for key, entity in found.items() if isinstance(entity, kind)}

    async def load(self, kind: type[T], entity_id: UUID) -> T:
        """Return an entity of this tenant.

        Raises:
            EntityNotFoundError: the tenant has none.
        """
        entity = await self.find(kind, entity_id)
        if entity is None:
            raise EntityNotFoundError(kind.KIND, entity_id)
        return entity

    async def find_by_key(self, kind: type[T], key: str) -> T | None:
        """Return the entity with this `key`."""
        for entity in self._work.known.values():
            if isinstance(entity, kind) and entity.key == key:
                return entity
        entity_id = await store.id_by_key(self.connection, kind.KIND, self.tenant, key)
        return await self.find(kind, entity_id) if entity_id else None

    async def list(
        self,
        kind: type[T],
        *,
        parent_id: UUID | None = None,
        state: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Page:
        """Return a page of entities, oldest first; all filters given must hold.

        Raises:
            FieldInvalidError: the page's size or token is not one.
        """
        ids, token = await store.page(
            self.connection,
            kind.KIND,
            self.tenant,
            parent_id=parent_id,
            state=state,
            after=page_start_of(page_token),
            size=page_size_of(page_size),
        )
        found = await self.find_many(kind, ids)
        return Page([found[entity_id] for entity_id in ids], token)

    async def all_of(
        self, kind: type[T], *, parent_id: UUID | None = None, state: str = ""
    ) -> Sequence[T]:
        """Return every entity that the filters leave, oldest first."""
        items: list[T] = []
        token = ""
        while True:
            page = await self.list(
                kind, parent_id=parent_id, state=state, page_size=PAGE_SIZE_MAX, page_token=token
            )
            items.extend(page.items)
            token = page.next_page_token
            if not token:
                return items

    def change(self, entity: T, *events: StoredEvent) -> T:
        """Have events happen to an entity, also the first ones of a new one; return it after them.

        Two units that change the same entity at once cannot both be kept.
        """
        before = entity.version
        for event in events:
            entity = entity.after(event)
        self._work.known[entity.id] = entity
        self._work.changes.add_events(entity, before, events, self.now, self.cause)
        return entity

    def publish(self, event: DomainEvent, *, about: UUID) -> None:
        """Have a domain event published once this unit is kept.

        Args:
            event: its payload.
            about: id of the entity that it is about.
        """
        self._work.changes.domain_events.append((event, about, self.now, self.cause))

    def call(self, call: Call) -> None:
        """Have a call made once this unit is kept; its module is told the outcome."""
        self._work.changes.calls.append((call, self.cause))

    async def keep(self, carried_out: store.CarriedOut | None = None) -> Sequence[Call]:
        """Write all that was decided; return the calls to be made after the commit.

        Args:
            carried_out: the request that this was about, if it was one.

        Raises:
            ConcurrentChangeError: an entity was changed meanwhile; nothing is written.
            KeyTakenError: the tenant has another entity with a new one's key.
        """
        return await store.write(self.connection, self._work.changes, carried_out)
