"""RateService: rates recorded once, and the one in force found."""

import asyncio
import datetime as dt
from typing import Any

import asyncpg
import grpc
import pytest

from ledger_proto.v1 import events_pb2
from ledger_proto.v1 import rates_pb2 as pb
from tests.api.calls import Ledger, reason, refused
from tests.books import Books


def new(
    rate: str, day: int = 1, base: str = "EUR", quote: str = "USD", **fields: Any
) -> pb.NewRate:
    made = pb.NewRate(base=base, quote=quote, rate=rate, **({"source": "ECB"} | fields))
    made.effective_time.FromDatetime(dt.datetime(2026, 1, day, 16, tzinfo=dt.UTC))
    return made


async def record(ledger: Ledger, *rates: pb.NewRate, **fields: Any) -> list[pb.Rate]:
    request = pb.RecordRatesRequest(journal="main", rates=rates, **fields)
    return list((await ledger.rates.RecordRates(request)).rates)


async def get(
    ledger: Ledger, day: int | None, base: str = "EUR", quote: str = "USD", **fields: Any
) -> pb.GetRateResponse:
    request = pb.GetRateRequest(journal="main", base=base, quote=quote, **fields)
    if day is not None:
        request.time.FromDatetime(dt.datetime(2026, 1, day, 23, tzinfo=dt.UTC))
    return await ledger.rates.GetRate(request)


async def test_a_rate_is_a_fact_with_its_event(ledger: Ledger, books: Books) -> None:
    first, second = await record(ledger, new("1.0800"), new("0.00001", base="USD", quote="BTC"))
    assert (first.rate, second.rate) == ("1.08", "0.00001"), "zeros at the end say nothing"
    assert (first.sequence, second.sequence, await ledger.head()) == (2, 3, 3)
    rows = await books.connection.fetch(
        "SELECT sequence, payload FROM events WHERE type = 36 ORDER BY sequence"
    )
    assert [row["sequence"] for row in rows] == [2, 3]
    told = [events_pb2.Event.FromString(row["payload"]).rate_recorded.rate for row in rows]
    assert told == [first, second]
    version = await books.connection.fetchval("SELECT config_version FROM journal_heads")
    assert version == 1, "no posting waits for a rate"
    for change in ("UPDATE rates SET rate = 2", "DELETE FROM rates", "TRUNCATE rates"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await books.connection.execute(change)


async def test_the_latest_at_or_before_is_in_force(ledger: Ledger) -> None:
    await record(ledger, new("1.10", 5), new("1.20", 10), new("1.30", 20))
    found = [(await get(ledger, day)).value for day in (5, 9, 10, 19, 20, 31)]
    assert found == ["1.1", "1.1", "1.2", "1.2", "1.3", "1.3"]
    assert (await get(ledger, None)).value == "1.3", "now"
    early = await refused(get(ledger, 4))
    assert (early.reason, early.code) == ("RATE_NOT_FOUND", grpc.StatusCode.NOT_FOUND)
    assert early.facts["base"] == "EUR"


async def test_a_correction_counts_and_the_past_can_be_reprinted(ledger: Ledger) -> None:
    (wrong,) = await record(ledger, new("1.10"))
    (right,) = await record(ledger, new("1.11"))
    assert (await get(ledger, 31)).rate == right
    assert (await get(ledger, 31, as_known_at=wrong.sequence)).rate == wrong
    assert await reason(get(ledger, 31, as_known_at=wrong.sequence - 1)) == "RATE_NOT_FOUND"
    assert await reason(get(ledger, 31, as_known_at=99)) == "POSITION_UNAVAILABLE"


async def test_a_pair_serves_both_ways(ledger: Ledger) -> None:
    (direct,) = await record(ledger, new("1.25", 5))
    inverse = await get(ledger, 6, "USD", "EUR")
    assert (inverse.rate, inverse.inverse, inverse.value) == (direct, True, "0.8")
    await record(ledger, new("3", 7, "USD", "EUR"))
    later = await get(ledger, 8)
    assert (later.inverse, later.value) == (True, "0." + "3" * 30)
    await record(ledger, new("1.5", 7))
    assert (await get(ledger, 8)).value == "1.5", "of the same time the pair as asked for"


async def test_a_source_of_its_own(ledger: Ledger) -> None:
    await record(ledger, new("1.10", 5), new("1.20", 6, source="Fed"))
    assert (await get(ledger, 9)).value == "1.2"
    assert (await get(ledger, 9, source="ECB")).value == "1.1"
    assert await reason(get(ledger, 9, source="BoE")) == "RATE_NOT_FOUND"


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (new("0"), "AMOUNT_INVALID"),
        (new("-1"), "AMOUNT_INVALID"),
        (new("NaN"), "AMOUNT_INVALID"),
        (new("1e3"), "AMOUNT_INVALID"),
        (new("0." + "0" * 24 + "1"), "AMOUNT_INVALID"),
        (new("1" * 39), "AMOUNT_INVALID"),
        (new("1", quote="EUR"), "FIELD_INVALID"),
        (new("1", base="eur"), "FIELD_INVALID"),
        (new("1", base="NONE"), "CURRENCY_UNKNOWN"),
        (new("1", source=" "), "FIELD_INVALID"),
        (new("1", source="x" * 65), "FIELD_INVALID"),
        (pb.NewRate(base="EUR", quote="USD", rate="1", source="ECB"), "FIELD_INVALID"),
    ],
)
async def test_one_bad_rate_and_none_is_recorded(
    ledger: Ledger, rate: pb.NewRate, expected: str
) -> None:
    assert await reason(record(ledger, new("1.10"), rate)) == expected
    assert await ledger.head() == 1


async def test_how_many(ledger: Ledger) -> None:
    assert await reason(record(ledger)) == "FIELD_INVALID"
    assert await reason(record(ledger, *[new("1")] * 1001)) == "FIELD_INVALID"
    assert len(await record(ledger, *[new("1")] * 1000)) == 1000


async def test_a_request_happens_once(ledger: Ledger) -> None:
    calls = [record(ledger, new("1.10"), request_id="r") for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert all(answer == answers[0] for answer in answers)
    assert await ledger.head() == 2
    assert await reason(record(ledger, new("1.11"), request_id="r")) == "REQUEST_ID_REUSED"


async def test_lists_the_latest_first_page_by_page(ledger: Ledger) -> None:
    await record(ledger, *[new(f"1.{day:02}", day) for day in range(1, 8)])
    await record(ledger, new("5", base="GBP", source="BoE"))
    seen: list[str] = []
    request = pb.ListRatesRequest(journal="main", quote="USD", base="EUR", page_size=3)
    while True:
        page = await ledger.rates.ListRates(request)
        seen += [rate.rate for rate in page.rates]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == [f"1.0{day}" for day in range(7, 0, -1)]
    listed = await ledger.rates.ListRates(pb.ListRatesRequest(journal="main", source="BoE"))
    assert [rate.rate for rate in listed.rates] == ["5"]
