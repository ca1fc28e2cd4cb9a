"""A journal with personal data in it, and its erasure."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from ledger_proto.v1 import erasures_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_proto.v1.erasures_pb2_grpc import ErasureServiceStub
from tests.ledger import Serving, serving, transfer
from tests.proof.keys import new_signing

if TYPE_CHECKING:
    from ledger_proto.v1.erasures_pb2_grpc import ErasureServiceAsyncStub

SECRETS = ("Ada Lovelace", "her-metadata", "her-memo", "her-param")


@contextlib.asynccontextmanager
async def erasable(dsn: str, directory: Path) -> AsyncIterator[Serving]:
    """Serve a journal with two accounts; checkpoints are signed when a test asks for one."""
    async with serving(dsn, new_signing(directory)) as made:
        await made.app.checkpointer.close()
        await made.ledger.open("cash", "income")
        yield made


def eraser(running: Serving) -> "ErasureServiceAsyncStub":
    return ErasureServiceStub(running.channel)


async def erase(running: Serving, **fields: Any) -> erasures_pb2.ErasePersonalDataResponse:
    asked: dict[str, Any] = {"journal": "main", "reason": "asked by the person"} | fields
    return await eraser(running).ErasePersonalData(erasures_pb2.ErasePersonalDataRequest(**asked))


def secret_transfer(**fields: Any) -> pb.TransactionRequest:
    asked = transfer(**{"metadata": {"who": SECRETS[1]}, "description": SECRETS[0]} | fields)
    asked.params["memo"] = SECRETS[3]
    return asked


async def everything(dsn: str) -> bytes:
    """All bytes of all tables that hold anything personal, but for dead rows."""
    connection = await asyncpg.connect(dsn)
    try:
        parts: list[bytes] = []
        for query in (
            "SELECT payload || coalesce(personal, '') FROM events",
            "SELECT response || fingerprint || open_fingerprint FROM requests",
            "SELECT convert_to(accounts::text, 'UTF8') FROM accounts",
            "SELECT convert_to(transactions::text, 'UTF8') FROM transactions",
        ):
            parts += [row[0] for row in await connection.fetch(query)]
        return b"".join(parts)
    finally:
        await connection.close()
