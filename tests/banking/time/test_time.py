"""Days end once each, in the bank's time zone, also those on which the bank did not run."""

import asyncio
import datetime as dt
import uuid

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from bank_proto.time.v1 import time_pb2 as pb
from bank_proto.time.v1.time_pb2_grpc import TimeServiceStub
from ledger_client.banking.time import rules
from tests.banking.bank import START, TENANT, bank_in_process, eventually

ZONES = st.sampled_from(
    ["UTC", "Europe/Vienna", "America/New_York", "Pacific/Apia", "Asia/Kolkata"]
)
MOMENTS = st.dates(dt.date(2000, 1, 1), dt.date(2040, 1, 1)).flatmap(
    lambda day: st.times().map(lambda time: dt.datetime.combine(day, time, dt.UTC))
)
TIMES = st.times().map(lambda time: time.replace(second=0, microsecond=0, fold=0))


class TestRules:
    @given(MOMENTS, TIMES, ZONES)
    def test_the_open_day_is_the_first_that_has_not_ended(
        self, now: dt.datetime, closing: dt.time, zone: str
    ) -> None:
        day = rules.day_at(now, closing, zone)
        assert rules.closing_of(day - rules.ONE_DAY, closing, zone) <= now
        assert now < rules.closing_of(day, closing, zone)

    @given(st.dates(dt.date(2000, 1, 1), dt.date(2040, 1, 1)), TIMES, ZONES)
    def test_days_end_one_after_the_other(self, day: dt.date, closing: dt.time, zone: str) -> None:
        first = rules.closing_of(day, closing, zone)
        assert first < rules.closing_of(day + rules.ONE_DAY, closing, zone)


async def test_every_day_ends_once(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
        stub = TimeServiceStub(bank.channel)
        request = pb.SetClosingRequest(
            tenant=TENANT,
            request_id=str(uuid.uuid4()),
            closing_time="18:00",
            timezone="Europe/Vienna",
        )
        first = await bank.call(stub.SetClosing, request)
        assert first.calendar.business_day == "2026-01-31"
        assert await bank.call(stub.SetClosing, request) == first, "a repetition"
        assert await bank.events("time") == []
        bank.clock.set(START + dt.timedelta(hours=9))

        async def ended() -> list[str]:
            events = await bank.events("time")
            return [event.payload["day"] for event in events]

        await eventually(ended)
        assert await ended() == ["2026-01-31"]

    # A week later, after it did not run.
    later = START + dt.timedelta(days=7, hours=8, minutes=1)
    async with bank_in_process(ledger_dsn, bank_dsn, "time", start=later) as bank:

        async def caught_up() -> bool:
            return len(await bank.events("time")) >= 8

        await eventually(caught_up)
        events = await bank.events("time")
        assert [event.payload["day"] for event in events] == [
            "2026-01-31",
            *(f"2026-02-0{day}" for day in range(1, 8)),
        ]
        assert [event.sequence for event in events] == list(range(1, 9))
        assert {event.event_type for event in events} == {"core.time.end-of-day"}


async def test_what_is_wrong_is_refused(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
        stub = TimeServiceStub(bank.channel)

        async def status(request: pb.SetClosingRequest, token: str | None = None) -> str:
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await bank.call(stub.SetClosing, request, token=token)
            return refusal.value.code().name

        wrong = pb.SetClosingRequest(closing_time="25:00", timezone="UTC")
        assert await status(wrong) == "INVALID_ARGUMENT"
        assert await status(pb.SetClosingRequest(closing_time="10:00", timezone="Mars")) == (
            "INVALID_ARGUMENT"
        )
        assert await status(pb.SetClosingRequest(request_id="1")) == "INVALID_ARGUMENT"
        beyond = pb.SetClockRequest(tenant=TENANT, now=Timestamp(seconds=2**62))
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await bank.call(stub.SetClock, beyond)
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert await status(pb.SetClosingRequest(), token="") == "UNAUTHENTICATED"
        assert await status(pb.SetClosingRequest(tenant="OTHER")) == "PERMISSION_DENIED"
        used = pb.SetClosingRequest(
            request_id=str(uuid.uuid4()), closing_time="10:00", timezone="UTC"
        )
        results = await asyncio.gather(*(bank.call(stub.SetClosing, used) for _ in range(8)))
        assert all(result == results[0] for result in results)
        used.closing_time = "11:00"
        assert await status(used) == "ALREADY_EXISTS"
