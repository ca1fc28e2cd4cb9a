"""Documents as folds of stored events, and what may happen to them: pure."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.customer.errors import DocumentDeletedError
from ledger_client.banking.customer.rules import BEFORE_ANYTHING
from ledger_client.banking.foundation.entity import Entity, StoredEvent

#: Whose a document is before anything.
NOBODY: Final = UUID(int=0)


class DocumentStatus(enum.StrEnum):
    """Whether a document is in use."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DELETED = "deleted"


class Uploaded(StoredEvent):
    """There is a new document; its content is stored already."""

    type: Literal["uploaded"] = "uploaded"
    customer_id: UUID
    filename: str
    content_type: str
    size_bytes: int
    #: 64 hexadecimal digits.
    sha256: str
    #: The name under which the content is stored.
    storage_key: str
    at: dt.datetime


class Archived(StoredEvent):
    """It was put away."""

    type: Literal["archived"] = "archived"


class Deleted(StoredEvent):
    """It is no longer to be had."""

    type: Literal["deleted"] = "deleted"


class Erased(StoredEvent):
    """Its content is no longer stored."""

    type: Literal["erased"] = "erased"


DocumentEvent: TypeAlias = Uploaded | Archived | Deleted | Erased


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Document(Entity[DocumentEvent]):
    """A document of a customer, without its content."""

    KIND: ClassVar[str] = "document"
    EVENTS: ClassVar[TypeAdapter[DocumentEvent]] = TypeAdapter(
        Annotated[DocumentEvent, Field(discriminator="type")]
    )

    customer_id: UUID = NOBODY
    filename: str = ""
    content_type: str = ""
    size_bytes: int = 0
    sha256: str = ""
    storage_key: str = ""
    status: DocumentStatus = DocumentStatus.ACTIVE
    #: Whether the content of a deleted document is gone.
    is_erased: bool = False
    created_at: dt.datetime = BEFORE_ANYTHING

    @property
    def parent_id(self) -> UUID:
        """The customer."""
        return self.customer_id

    @property
    def state(self) -> str:
        """Its status."""
        return self.status.value

    def apply(self, event: DocumentEvent) -> Self:
        """Return the document after an event."""
        match event:
            case Uploaded():
                return dataclasses.replace(
                    self,
                    customer_id=event.customer_id,
                    filename=event.filename,
                    content_type=event.content_type,
                    size_bytes=event.size_bytes,
                    sha256=event.sha256,
                    storage_key=event.storage_key,
                    created_at=event.at,
                )
            case Archived():
                return dataclasses.replace(self, status=DocumentStatus.ARCHIVED)
            case Deleted():
                return dataclasses.replace(self, status=DocumentStatus.DELETED)
            case Erased():
                return dataclasses.replace(self, is_erased=True)
            case _:
                assert_never(event)


def storage_key(folder: str, document_id: UUID, sha256: str) -> str:
    """Return the name under which to store a document's content.

    The content's digest is in it: two requests that use one id at once with different contents
    cannot overwrite each other's.
    """
    return f"{folder}{document_id}-{sha256}"


def archive(document: Document) -> Sequence[DocumentEvent]:
    """Return what putting away leads to: nothing if it was.

    Raises:
        DocumentDeletedError: there is nothing to put away.
    """
    check_is_there(document)
    return [] if document.status is DocumentStatus.ARCHIVED else [Archived()]


def delete(document: Document) -> Sequence[DocumentEvent]:
    """Return what deletion leads to: nothing if it was deleted."""
    return [] if document.status is DocumentStatus.DELETED else [Deleted()]


def erase(document: Document) -> Sequence[DocumentEvent]:
    """Return what follows from the content being gone: nothing if that is known."""
    return [] if document.is_erased else [Erased()]


def check_is_there(document: Document) -> None:
    """Refuse a document that was deleted.

    Raises:
        DocumentDeletedError: it was.
    """
    if document.status is DocumentStatus.DELETED:
        raise DocumentDeletedError(document.id)
