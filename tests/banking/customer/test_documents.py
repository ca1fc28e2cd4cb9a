"""Documents in a directory and in storage that speaks as S3 does, over real HTTP."""

import contextlib
import datetime as dt
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx2
import pytest
from moto.server import ThreadedMotoServer

from bank_proto.customer.v1 import documents_pb2 as pb
from ledger_client.banking.customer.documents import storage_of
from ledger_client.banking.foundation.errors import UnavailableError
from tests.banking.bank import eventually
from tests.banking.customer.clerk import PDF, Clerk, customers_in_process, files


async def test_in_a_directory(ledger_dsn: str, bank_dsn: str, tmp_path: Path) -> None:
    async with customers_in_process(ledger_dsn, bank_dsn, documents_dir=str(tmp_path)) as clerk:
        document = await kept(clerk, tmp_path)
        await downloaded(clerk, document)
        await put_away_and_deleted(clerk, document, tmp_path)
        await swept(clerk, tmp_path)


async def kept(clerk: Clerk, directory: Path) -> pb.Document:
    customer = await clerk.customer()
    given: dict[str, Any] = {"request_id": str(uuid.uuid4()), "filename": "Päss 1.pdf"}
    document: pb.Document = await clerk.document(customer, **given)
    assert await clerk.document(customer, **given) == document, "a repetition"
    assert (document.size_bytes, document.sha256) == (len(PDF), hashlib.sha256(PDF).hexdigest())
    [stored] = files(directory)
    assert stored.read_bytes() == PDF
    assert stored.stat().st_mode & 0o077 == 0, "for the bank's eyes only"
    reused = {**given, "customer_id": customer.id, "content_type": "application/pdf"}
    assert await clerk.refused("UploadDocument", content=b"other", **reused) == "REQUEST_ID_REUSED"
    assert files(directory) == [stored]
    page = {"customer_id": customer.id, "filename": "a.html", "content": b"<html>"}
    assert await clerk.refused("UploadDocument", content_type="text/html", **page) == (
        "FIELD_INVALID content_type"
    )
    nobody = {**page, "customer_id": str(uuid.uuid4()), "content_type": "application/pdf"}
    assert await clerk.refused("UploadDocument", **nobody) == "NOT_FOUND"
    assert files(directory) == [stored]
    second = await clerk.document(customer)
    listed = await clerk.ask("ListDocuments", customer_id=customer.id)
    assert list(listed.documents) == [document, second]
    return document


async def downloaded(clerk: Clerk, document: pb.Document) -> None:
    made = await clerk.ask("CreateDownloadLink", document_id=document.id, ttl={"seconds": 60})
    until = made.expire_time.ToDatetime(tzinfo=dt.UTC)
    assert until == clerk.bank.clock.now() + dt.timedelta(seconds=60)
    answer = await clerk.http.get(made.url)
    assert (answer.status_code, answer.content) == (200, PDF)
    headers = answer.headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''P%C3%A4ss%201.pdf"
    assert headers["x-content-type-options"] == "nosniff"
    assert "no-store" in headers["cache-control"]
    expires = str(int(until.timestamp()))
    forged = [
        made.url.replace(expires, str(int(expires) + 1)),
        made.url.replace(document.id, str(uuid.uuid4())),
        made.url.replace("tenant=BANK", "tenant=OTHER"),
        made.url[:-1] + ("0" if made.url[-1] != "0" else "1"),
        made.url.replace(expires, "9" * 40),
        urlsplit(made.url).path,
        "/customer/documents/..%2F..%2Fetc%2Fpasswd" + "?" + urlsplit(made.url).query,
    ]
    statuses = [(await clerk.http.get(url)).status_code for url in forged]
    assert statuses == [403] * 6 + [404], "the last is the path of nothing"
    clerk.bank.clock.set(until)
    assert (await clerk.http.get(made.url)).status_code == 410


async def put_away_and_deleted(clerk: Clerk, document: pb.Document, directory: Path) -> None:
    which = {"document_id": document.id}
    for _ in range(2):
        archived = await clerk.ask("ArchiveDocument", **which)
        assert archived.document.status == pb.DOCUMENT_STATUS_ARCHIVED
    link = (await clerk.ask("CreateDownloadLink", **which)).url
    assert (await clerk.http.get(link)).content == PDF
    before = files(directory)
    for _ in range(2):
        deleted = await clerk.ask("DeleteDocument", **which)
        assert deleted.document.status == pb.DOCUMENT_STATUS_DELETED
    assert [path for path in before if document.id in path.name]
    assert files(directory) == [path for path in before if document.id not in path.name]
    assert (await clerk.http.get(link)).status_code == 404
    assert await clerk.refused("CreateDownloadLink", **which) == "DOCUMENT_DELETED"
    assert await clerk.refused("ArchiveDocument", **which) == "DOCUMENT_DELETED"
    assert [name for name, _ in await clerk.events(document.id)] == [
        "customer-document-uploaded",
        "customer-document-archived",
        "customer-document-deleted",
    ]


async def swept(clerk: Clerk, directory: Path) -> None:
    """What belongs to no document goes at the end of a day, once no upload can be under way."""
    customer = await clerk.customer()
    document = await clerk.document(customer)
    [stored] = [path for path in files(directory) if document.id in path.name]
    orphan = stored.with_name(stored.name.replace(document.id, str(uuid.uuid4())))
    unfinished = stored.with_name(".unfinished-0123456789abcdef")
    young = stored.with_name(stored.name.replace(document.id, str(uuid.uuid4())))
    other_bytes = stored.with_name(f"{document.id}-{'0' * 64}")
    for path in (orphan, unfinished, young, other_bytes):
        path.write_bytes(b"x")
    old = dt.datetime.now(dt.UTC).timestamp() - 2 * 86400
    for path in (orphan, unfinished, other_bytes, *files(directory)):
        if path != young:
            os.utime(path, (old, old))
    clerk.bank.clock.set(clerk.bank.clock.now() + dt.timedelta(days=1))

    async def gone() -> bool:
        return not (orphan.exists() or unfinished.exists() or other_bytes.exists())

    await eventually(gone)
    assert stored.read_bytes() == PDF
    assert young.exists()


async def test_a_disk_that_fails_keeps_no_document(
    ledger_dsn: str, bank_dsn: str, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory")
    async with customers_in_process(ledger_dsn, bank_dsn, documents_dir=str(in_the_way)) as clerk:
        customer = await clerk.customer()
        given = {
            "customer_id": customer.id,
            "filename": "a.pdf",
            "content_type": "application/pdf",
            "content": PDF,
        }
        assert await clerk.refused("UploadDocument", **given) == "UNAVAILABLE"
        listed = await clerk.ask("ListDocuments", customer_id=customer.id)
        assert not listed.documents


@contextlib.contextmanager
def s3() -> Iterator[dict[str, str]]:
    """Run storage that speaks as S3 does; yield the options of a bank that uses it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "s3_endpoint": f"http://{host}:{port}",
        "s3_bucket": f"documents-{uuid.uuid4()}",
        "s3_access_key": "key",
        "s3_secret_key": "secret",
        "s3_region": "eu-central-1",
    }
    client: Any = boto3.client(
        "s3",
        endpoint_url=options["s3_endpoint"],
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="eu-central-1",
    )
    client.create_bucket(
        Bucket=options["s3_bucket"],
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    try:
        yield options
    finally:
        server.stop()


async def test_in_a_bucket(ledger_dsn: str, bank_dsn: str) -> None:
    with s3() as options:
        async with (
            customers_in_process(ledger_dsn, bank_dsn, **options) as clerk,
            httpx2.AsyncClient() as http,
        ):
            document = await clerk.document(await clerk.customer())
            link = (await clerk.ask("CreateDownloadLink", document_id=document.id)).url
            assert link.startswith(options["s3_endpoint"])
            assert "X-Amz-Expires=300" in link
            answer = await http.get(link)
            assert (answer.status_code, answer.content) == (200, PDF)
            assert answer.headers["content-disposition"].startswith("attachment")
            relative = f"/customer/documents/{document.id}"
            assert (await clerk.http.get(relative)).status_code == 404, "not served by the bank"
            await clerk.ask("DeleteDocument", document_id=document.id)
            assert (await http.get(link)).status_code in {403, 404}
            assert await storage_of(options, b"").page("", "", 10) == []


async def test_pages_of_a_bucket_and_its_failures() -> None:
    with s3() as options:
        storage = storage_of(options, b"")
        for number in range(5):
            await storage.put(f"folder/{number}", b"x")
        await storage.put("other/0", b"x")
        first = await storage.page("folder/", "", 3)
        assert [each.key for each in first] == ["folder/0", "folder/1", "folder/2"]
        assert all(each.age < dt.timedelta(minutes=1) for each in first)
        rest = await storage.page("folder/", "folder/2", 3)
        assert [each.key for each in rest] == ["folder/3", "folder/4"]
        await storage.delete("folder/4")
        await storage.delete("folder/4")
        missing = storage_of({**options, "s3_bucket": "nowhere"}, b"")
        with pytest.raises(UnavailableError):
            await missing.put("folder/1", b"x")
