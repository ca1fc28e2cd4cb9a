"""Where the content of documents is stored: a directory, or storage that speaks as S3 does."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import hashlib
import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from ledger_client.banking.customer.document_rules import Document
from ledger_client.banking.foundation.errors import UnavailableError

_log: Final = logging.getLogger(__name__)

S3_CONNECT_SECONDS: Final = 3
S3_READ_SECONDS: Final = 10
S3_ATTEMPTS: Final = 2

#: Begins the name of a file that is being written.
_UNFINISHED: Final = ".unfinished-"

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class StoredObject:
    """Content under a name."""

    key: str
    #: Since it was written, by the machine's clock: it is about work under way, not the bank's day.
    age: dt.timedelta


class DocumentStorage(Protocol):
    """Keeps content under names of the form `<folder>/<name>`, written once and never changed.

    Each raises `UnavailableError` if the storage does not answer or refuses.
    """

    async def put(self, key: str, content: bytes) -> None:
        """Store content for good before this returns; the same again changes nothing."""

    async def delete(self, key: str) -> None:
        """Delete content; what is not there is no error."""

    async def page(self, folder: str, after: str, limit: int) -> Sequence[StoredObject]:
        """Return what is stored in a folder, in the order of names.

        Args:
            folder: ends with `/`.
            after: only names after this one; empty for all.
            limit: how many at most.
        """

    async def link(self, document: Document, expires_at: dt.datetime, ttl: dt.timedelta) -> str:
        """Return a URL from which a document can be downloaded until it expires."""


def storage_of(options: Mapping[str, str], secret: bytes) -> DocumentStorage:
    """Return the storage that the options ask for.

    Raises:
        ValueError: an option is missing.
    """
    if bucket := options.get("s3_bucket", ""):
        return S3Storage(
            bucket=bucket,
            endpoint=options.get("s3_endpoint", ""),
            access_key=options.get("s3_access_key", ""),
            secret_key=options.get("s3_secret_key", ""),
            region=options.get("s3_region", "us-east-1"),
        )
    directory = Path(options.get("documents_dir", "bank-documents"))
    return DirectoryStorage(directory, LinkSigner(secret), options.get("public_url", ""))


class LinkSigner:
    """Signs links to documents in a directory with a key made from the bank's secret."""

    def __init__(self, secret: bytes) -> None:
        """Make the key, which is for links only."""
        self._key = hmac.digest(secret, b"links to documents of customers", hashlib.sha256)

    def sign(self, tenant: str, document_id: UUID, expires: int) -> str:
        """Return the signature of a link; `expires` is in seconds since 1970."""
        text = f"{document_id}\n{expires}\n{tenant}".encode()
        return hmac.digest(self._key, text, hashlib.sha256).hex()

    def is_signed(self, tenant: str, document_id: UUID, expires: int, signature: str) -> bool:
        """Tell whether a link is one of ours."""
        expected = self.sign(tenant, document_id, expires)
        return hmac.compare_digest(expected.encode(), signature.encode())


class DirectoryStorage:
    """Keeps content in files below a directory."""

    def __init__(self, directory: Path, signer: LinkSigner, public_url: str) -> None:
        """Use a directory, which is made when it is first written to.

        Args:
            directory: of this bank alone; instances on several machines need a shared one.
            signer: of links.
            public_url: what links begin with, such as `https://bank.example`; empty makes links
                that are relative to the bank's HTTP address.
        """
        self._directory = directory
        self.signer = signer
        self._public_url = public_url.rstrip("/")

    async def put(self, key: str, content: bytes) -> None:
        """Write a file and wait until it is on the disk."""
        await _in_thread(lambda: self._put(self._directory / key, content))

    async def get(self, key: str) -> bytes | None:
        """Return content; None if it is not there."""
        return await _in_thread(lambda: self._get(self._directory / key))

    async def delete(self, key: str) -> None:
        """Delete a file."""
        await _in_thread(lambda: (self._directory / key).unlink(missing_ok=True))

    async def page(self, folder: str, after: str, limit: int) -> Sequence[StoredObject]:
        """Return files in the order of names, those that are being written among them."""
        return await _in_thread(lambda: self._page(folder, after, limit))

    async def link(self, document: Document, expires_at: dt.datetime, ttl: dt.timedelta) -> str:
        """Return a signed URL of the module's own, see `downloads`."""
        del ttl
        expires = int(expires_at.timestamp())
        query = {
            "tenant": document.tenant,
            "expires": str(expires),
            "signature": self.signer.sign(document.tenant, document.id, expires),
        }
        return f"{self._public_url}/customer/documents/{document.id}?{urlencode(query)}"

    @staticmethod
    def _put(path: Path, content: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        # The name is on the disk only once the directory is.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @staticmethod
    def _get(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def _page(self, folder: str, after: str, limit: int) -> list[StoredObject]:
        try:
            names = sorted(entry.name for entry in os.scandir(self._directory / folder))
        except FileNotFoundError:
            return []
        now = time.time()
        found: list[StoredObject] = []
        for key in (folder + name for name in names):
            if key > after and len(found) < limit:
                # Whoever deletes or finishes a file meanwhile is not in the way.
                with contextlib.suppress(FileNotFoundError):
                    written = (self._directory / key).stat().st_mtime
                    found.append(StoredObject(key, dt.timedelta(seconds=now - written)))
        return found


class S3Storage:
    """Keeps content in a bucket."""

    def __init__(
        self, *, bucket: str, endpoint: str, access_key: str, secret_key: str, region: str
    ) -> None:
        """Use a bucket that exists.

        Args:
            bucket: its name.
            endpoint: URL of the storage; empty takes that of AWS.
            access_key: empty takes what the machine has, as boto3 finds it.
            secret_key: goes with it.
            region: that signatures name.
        """
        import boto3  # noqa: PLC0415  # only who stores in S3 has it
        from botocore.config import Config  # noqa: PLC0415  # comes with boto3
        from botocore.exceptions import (  # noqa: PLC0415  # comes with boto3
            BotoCoreError,
            ClientError,
        )

        self._bucket = bucket
        self._errors = (BotoCoreError, ClientError)
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint or None,
            aws_access_key_id=access_key or None,
            aws_secret_access_key=secret_key or None,
            region_name=region,
            config=Config(
                signature_version="s3v4",
                connect_timeout=S3_CONNECT_SECONDS,
                read_timeout=S3_READ_SECONDS,
                retries={"total_max_attempts": S3_ATTEMPTS},
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )

    async def put(self, key: str, content: bytes) -> None:
        """Write an object; the answer comes when it is stored."""
        await self._ask(lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=content))

    async def delete(self, key: str) -> None:
        """Delete an object."""
        await self._ask(lambda: self._client.delete_object(Bucket=self._bucket, Key=key))

    async def page(self, folder: str, after: str, limit: int) -> Sequence[StoredObject]:
        """Return objects in the order of names."""
        answer = await self._ask(
            lambda: self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=folder, StartAfter=after, MaxKeys=limit
            )
        )
        now = dt.datetime.now(dt.UTC)
        return [
            StoredObject(one["Key"], now - one["LastModified"])
            for one in answer.get("Contents", [])
        ]

    async def link(self, document: Document, expires_at: dt.datetime, ttl: dt.timedelta) -> str:
        """Return a URL that the storage itself checks, by its own clock."""
        del expires_at
        url: str = await self._ask(
            lambda: self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": document.storage_key,
                    "ResponseContentType": document.content_type,
                    "ResponseContentDisposition": attachment(document.filename),
                },
                ExpiresIn=int(ttl.total_seconds()),
            )
        )
        return url

    async def _ask(self, ask: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(ask)
        except self._errors as error:
            _log.warning("document storage: %s: %s", type(error).__name__, error)
            raise UnavailableError("the document storage") from error


def attachment(filename: str) -> str:
    """Return a Content-Disposition that has a browser save what it gets and never show it."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _log.warning("document storage: %s: %s", type(error).__name__, error)
        raise UnavailableError("the document storage") from error


async def _in_thread(work: Callable[[], T]) -> T:
    with _disk():
        return await asyncio.to_thread(work)
