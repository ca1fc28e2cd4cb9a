"""Settings are in force at once and on record; every decision is in the audit log."""

import asyncio
import uuid
from typing import Any

import asyncpg
import grpc
import pytest

from bank_proto.events.v1 import cursors_pb2, domain_events_pb2
from bank_proto.events.v1.cursors_pb2_grpc import DomainEventCursorServiceStub
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from bank_proto.operations.v1 import operations_pb2 as pb
from bank_proto.operations.v1.operations_pb2_grpc import OperationsServiceStub
from bank_proto.time.v1 import time_pb2
from bank_proto.time.v1.time_pb2_grpc import TimeServiceStub
from ledger_client.banking.foundation.calls import Call, Outcome, OutcomeKind
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.gate import Decision
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.unit import Unit
from tests.banking.bank import TENANT, OpenGate, TestBank, bank_in_process
from tests.banking.foundation.probe import Thing, Told, an_event


class ClosedGate(OpenGate):
    """Lets nobody write."""

    async def check(self, token: str, permission: Permission, tenant: str) -> Decision:
        decision = await super().check(token, permission, tenant)
        is_allowed = not permission.permission_set.endswith("_writer")
        return Decision(subject=decision.subject, tenant=tenant, is_allowed=is_allowed)


class ShutGate(OpenGate):
    """Lets nobody do anything."""

    async def check(self, token: str, permission: Permission, tenant: str) -> Decision:
        decision = await super().check(token, permission, tenant)
        return Decision(subject=decision.subject, tenant=tenant, is_allowed=False)


async def _status(bank: TestBank, method: Any, request: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await bank.call(method, request)
    return refusal.value.code().name


async def test_settings(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "governance") as bank:
        stub = OperationsServiceStub(bank.channel)
        answer = await bank.call(stub.GetSettings, pb.GetSettingsRequest(module="governance"))
        assert [(one.name, one.value) for one in answer.settings.settings] == [
            ("allow_auto_approval", "true")
        ]
        request = pb.UpdateSettingRequest(
            module="governance",
            name="allow_auto_approval",
            value="false",
            request_id=str(uuid.uuid4()),
        )
        changed = await bank.call(stub.UpdateSetting, request)
        assert changed.settings.settings[0].value == "false"
        assert await bank.call(stub.UpdateSetting, request) == changed, "a repetition"
        answer = await bank.call(stub.GetSettings, pb.GetSettingsRequest(module="governance"))
        assert answer.settings == changed.settings

        for name, value in [("allow_auto_approval", '"maybe"'), ("other", "1"), ("", "{")]:
            wrong = pb.UpdateSettingRequest(module="governance", name=name, value=value)
            assert await _status(bank, stub.UpdateSetting, wrong) == "INVALID_ARGUMENT"
        unknown = pb.GetSettingsRequest(module="credit")
        assert await _status(bank, stub.GetSettings, unknown) == "NOT_FOUND"


async def test_what_a_rule_refused_was_decided_all_the_same(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
        closing = time_pb2.SetClosingRequest(closing_time="25:00", timezone="UTC")
        time = TimeServiceStub(bank.channel)
        assert await _status(bank, time.SetClosing, closing) == "INVALID_ARGUMENT"
        asked = pb.ListAuditEntriesRequest(module="time", subject=f"user:{bank.user}")
        log = await bank.call(OperationsServiceStub(bank.channel).ListAuditEntries, asked)
        assert [(one.action, one.authorized) for one in log.entries] == [
            ("time:calendar:set-closing", True),
            ("bank:audit:list", True),
        ]


async def test_each_decision_is_on_record(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time", gate=ClosedGate()) as bank:
        time = TimeServiceStub(bank.channel)
        await bank.call(time.GetBusinessDay, time_pb2.GetBusinessDayRequest())
        closing = time_pb2.SetClosingRequest(closing_time="10:00", timezone="UTC")
        assert await _status(bank, time.SetClosing, closing) == "PERMISSION_DENIED"

        stub = OperationsServiceStub(bank.channel)
        me = f"user:{bank.user}"
        asked = pb.ListAuditEntriesRequest(module="time", subject=me)
        log = (await bank.call(stub.ListAuditEntries, asked)).entries
        assert [(one.action, one.authorized) for one in log] == [
            ("time:calendar:read", True),
            ("time:calendar:set-closing", False),
            ("bank:audit:list", True),
        ]
        asked.only_denied = True
        denied = (await bank.call(stub.ListAuditEntries, asked)).entries
        assert [one.action for one in denied] == ["time:calendar:set-closing"]
        asked.only_denied, asked.page_size = False, 1
        page = await bank.call(stub.ListAuditEntries, asked)
        asked.page_token = page.next_page_token
        second = await bank.call(stub.ListAuditEntries, asked)
        assert [page.entries[0].id, second.entries[0].id] == [log[0].id, log[1].id]


async def test_who_may_not_learns_nothing_of_his_request(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time", gate=ShutGate()) as bank:
        operations = OperationsServiceStub(bank.channel)
        cursors = DomainEventCursorServiceStub(bank.channel)
        events = DomainEventServiceStub(bank.channel)
        asked: list[tuple[Any, Any]] = [
            (operations.ListAuditEntries, pb.ListAuditEntriesRequest(page_size=-1)),
            (operations.ListAuditEntries, pb.ListAuditEntriesRequest(page_token="x")),
            (operations.UpdateSetting, pb.UpdateSettingRequest(name="none")),
            (cursors.ListCursors, cursors_pb2.ListCursorsRequest(page_size=501)),
            (cursors.AcquireCursor, cursors_pb2.AcquireCursorRequest(lease_seconds=-1)),
            (cursors.AdvanceCursor, cursors_pb2.AdvanceCursorRequest(name="n", position=-1)),
            (events.ListEvents, domain_events_pb2.ListEventsRequest(page_size=-1)),
            (events.ListEvents, domain_events_pb2.ListEventsRequest(after_sequence=9)),
        ]
        for method, request in asked:
            request.module = "time"
            assert await _status(bank, method, request) == "PERMISSION_DENIED"
        stream = events.StreamEvents(
            domain_events_pb2.StreamEventsRequest(
                tenant=TENANT, module="time", heartbeat_seconds=-1
            ),
            metadata=bank.metadata,
        )
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await stream.read()
        assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_text_that_cannot_be_stored(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "governance") as bank:
        stub = OperationsServiceStub(bank.channel)
        nul, name = "a\0b", "allow_auto_approval"
        for method, request in [
            (stub.GetSettings, pb.GetSettingsRequest(module="governance", tenant=nul)),
            (stub.GetSettings, pb.GetSettingsRequest(module="governance", tenant="x" * 256)),
            (stub.ListAuditEntries, pb.ListAuditEntriesRequest(module="governance", subject=nul)),
            (
                stub.RetryDeadLetter,
                pb.RetryDeadLetterRequest(module="governance", from_module=nul, sequence=1),
            ),
            (
                stub.UpdateSetting,
                pb.UpdateSettingRequest(module="governance", name=name, value="[" * 50_000),
            ),
        ]:
            assert await _status(bank, method, request) == "INVALID_ARGUMENT"


async def test_calls_of_a_dead_letter_are_made_at_once(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "governance") as bank:
        runner = bank.bank.runners["governance"]
        made = asyncio.Event()

        async def on_event(unit: Unit, _event: Envelope) -> None:
            thing = unit.change(Thing(id=uuid.uuid4(), tenant=TENANT), Told(what="made"))
            unit.call(
                Call(
                    id=uuid.uuid4(),
                    kind="test.make",
                    body={},
                    entity_kind=Thing.KIND,
                    entity_id=thing.id,
                )
            )

        async def make(_tenant: str, _call: Call) -> Outcome:
            made.set()
            return Outcome(kind=OutcomeKind.DONE)

        module: Any = runner.module
        module.on_event = on_event
        module.callers = {"test.make": make}
        async with runner.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO dead_letters VALUES ('access', $1, 1, $2, '', 5, now())",
                TENANT,
                an_event(1).model_dump_json(),
            )
        stub = OperationsServiceStub(bank.channel)
        request = pb.RetryDeadLetterRequest(module="governance", from_module="access", sequence=1)
        await bank.call(stub.RetryDeadLetter, request)
        async with asyncio.timeout(5):
            await made.wait()


async def test_deadlocks_without_end_are_contention(
    ledger_dsn: str, bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "governance") as bank:

        async def attempt(*_arguments: Any) -> None:
            raise asyncpg.DeadlockDetectedError

        monkeypatch.setattr(bank.bank.runners["governance"].serving, "_attempt", attempt)
        request = pb.UpdateSettingRequest(module="governance", name="x", value="1")
        stub = OperationsServiceStub(bank.channel)
        assert await _status(bank, stub.UpdateSetting, request) == "ABORTED"
