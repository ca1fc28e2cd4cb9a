"""Bytes that are no message, and messages that say nothing sensible, to every method."""

import asyncio
import random
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, message_factory
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    balances_pb2,
    journals_pb2,
    reports_pb2,
    tx_templates_pb2,
)
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.domain import errors
from ledger_server.domain.errors import LedgerError
from tests.ledger import (
    PostingLedger,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def ledger(posting: PostingLedger) -> PostingLedger:
    """A journal of the test's own."""
    return posting


REASONS = {
    one.reason
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, LedgerError) and one is not LedgerError
}


# Bytes that are no message, and messages that say nothing sensible.

_FILES = (
    journals_pb2,
    accounts_pb2,
    account_sets_pb2,
    tx_templates_pb2,
    pb,
    balances_pb2,
    reports_pb2,
)
METHODS = [
    (service.full_name, method)
    for file in _FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


async def _raw(ledger: PostingLedger, service: str, method: str, body: bytes) -> str:
    """Call with raw bytes and return the reason of the refusal, empty for an answer."""
    call: Any = ledger.channel.unary_unary(f"/{service}/{method}")
    try:
        await call(body)
    except grpc.aio.AioRpcError as error:
        return _checked_reason(error, f"{method} {body[:200]!r}: {error}")
    return ""


def _checked_reason(error: Any, what: str) -> str:
    """Return the reason of a refusal that is as a refusal should be."""
    status = rpc_status.from_call(error)
    assert status is not None, what
    infos = [one for one in status.details if one.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    assert len(infos) == 1, what
    info = error_details_pb2.ErrorInfo()
    infos[0].Unpack(info)
    reason: str = info.reason
    assert reason in REASONS, what
    assert info.domain == "ledger.v1", what
    assert error.code() not in {
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DATA_LOSS,
    }, what
    text = status.SerializeToString().decode(errors="replace")
    for leak in ("Traceback", "asyncpg", "Exception", "psycopg", "site-packages", "SELECT "):
        assert leak not in text, text
    return reason


async def test_every_method_refuses_bytes_that_are_no_message(ledger: PostingLedger) -> None:
    broken = [
        b"\xff\xff\xff\xff",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x0a\x05ab",
        b"\x00",
        b"\x07",
        b"\x0b" * 200,
        # Invalid UTF-8 in the first field, a string in most of them.
        b"\x0a\x02\xc3\x28",
    ]
    for service, method in METHODS:
        for body in broken:
            await _raw(ledger, service, method.name, body)
        assert await _raw(ledger, service, method.name, b"\xff\xff") == "FIELD_INVALID"


async def test_every_method_survives_random_bytes(ledger: PostingLedger) -> None:
    await _fuzz(ledger, seed=1, rounds=15)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
async def test_every_method_survives_many_random_bytes(ledger: PostingLedger) -> None:
    await _fuzz(ledger, seed=random.randrange(10**9), rounds=1_500)


async def _fuzz(ledger: PostingLedger, seed: int, rounds: int) -> None:
    choose = random.Random(seed)
    answers = 0
    for _ in range(rounds):
        calls = []
        for service, method in METHODS:
            made = _random_message(choose, method.input_type, ledger.journal)
            body = made.SerializeToString()
            bodies = (choose.randbytes(choose.randint(0, 60)), body, _mangled(choose, body))
            calls += [_raw(ledger, service, method.name, one) for one in bodies]
        try:
            reasons = await asyncio.gather(*calls)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
        answers += reasons.count("")
    assert answers, "some of it is even valid"
    # It may have closed our accounts, but not broken the books.
    assert all(total.balanced for total in (await ledger.trial_balance()).totals)


def _mangled(choose: random.Random, body: bytes) -> bytes:
    mangled = bytearray(body)
    for _ in range(choose.randint(1, 4)):
        if mangled:
            mangled[choose.randrange(len(mangled))] = choose.randrange(256)
    return bytes(mangled)


_TEXTS = [
    *("", "a", "cash", "USD", "main", "TRANSFER", "2026-01-31", "9999-12-31", "0000-00-00", "\0"),
    *("00000000-0000-0000-0000-000000000000", "' OR 1=1 --", "é", "\u202e", "😀" * 70, "x" * 300),
    *("\x1b[31m", "UTC", "../../etc/passwd", "Europe/Zürich", "1e9", "%s%n", "\u2028", "\ud7ff"),
]
_NUMBERS = [0, 1, -1, 2, 7, 100, 2**31 - 1, -(2**31)]


def _random_message(choose: random.Random, descriptor: Any, journal: str, depth: int = 0) -> Any:
    """Return a message of any type whose fields hold what is wrong as often as what is right."""
    made: Any = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if field.name == "journal" and choose.random() < 0.8:
            made.journal = journal
        elif choose.random() < 0.3 or depth > 4:
            continue
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            _put_random(choose, made, field)
        else:
            count = choose.randint(1, 3) if field.is_repeated else 1
            values = [_random_value(choose, field, journal, depth) for _ in range(count)]
            if field.is_repeated:
                getattr(made, field.name).extend(values)
            elif field.type == _FIELD.TYPE_MESSAGE:
                getattr(made, field.name).CopyFrom(values[0])
            else:
                setattr(made, field.name, values[0])
    return made


_FIELD = descriptor_pb2.FieldDescriptorProto
_VALUES: dict[int, list[Any]] = {
    _FIELD.TYPE_STRING: _TEXTS,
    _FIELD.TYPE_BYTES: [b"", b"\xff\x00"],
    _FIELD.TYPE_BOOL: [True, False],
    _FIELD.TYPE_DOUBLE: [0.0, 1.5, float("nan"), 1e308],
    _FIELD.TYPE_ENUM: [0, 1, 2, 99, -1],
    _FIELD.TYPE_INT64: [*_NUMBERS, 2**63 - 1, -(2**63)],
    _FIELD.TYPE_INT32: _NUMBERS,
}


def _random_value(choose: random.Random, field: Any, journal: str, depth: int) -> Any:
    if field.type == _FIELD.TYPE_MESSAGE:
        return _random_message(choose, field.message_type, journal, depth + 1)
    return choose.choice(_VALUES[field.type])


def _put_random(choose: random.Random, made: Any, field: Any) -> None:
    if field.message_type.fields_by_name["value"].message_type is None:
        getattr(made, field.name)[choose.choice(_TEXTS)] = choose.choice(_TEXTS)
    else:
        made[choose.choice(["debit", "lines", "x"])] = choose.choice([*_TEXTS, 1, 1.5, True])
