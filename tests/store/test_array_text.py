"""Arrays written by hand are read by PostgreSQL as the driver's own are."""

from datetime import date
from decimal import Decimal

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_server.store.array_text import alike, amount_array, date_text, plain_array, text_array
from tests.own_loop import run_sync

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(
    st.lists(st.none() | texts | st.sampled_from(["NULL", "", "{}", '"', "\\", ",", " a "])),
    st.lists(st.dates() | st.sampled_from([date.min, date.max])),
)
def test_arrays_come_back_as_they_went(
    database_dsn: str, given_texts: list[str | None], days: list[date]
) -> None:
    async def check() -> None:
        connection = await asyncpg.connect(database_dsn)
        try:
            assert given_texts == await connection.fetchval(
                "SELECT $1::text::text[]", text_array(given_texts)
            )
            row = await connection.fetchrow(
                "SELECT $1::text::date[], $1::text::date[] = $2::date[]",
                plain_array(map(date_text, days)),
                days,
            )
            assert row is not None
            assert tuple(row) == (days, True)
        finally:
            await connection.close()

    run_sync(check)


@given(
    st.lists(
        st.decimals(-(10**38), 10**38, allow_nan=False, places=18)
        | st.sampled_from([Decimal(0), Decimal("0.00"), Decimal("1E-18"), Decimal("0E-18")])
    )
)
def test_amounts_are_plain_and_keep_their_decimals(amounts: list[Decimal]) -> None:
    written = amount_array(amounts)
    assert "E" not in written
    assert written == "{" + ",".join(format(amount, "f") for amount in amounts) + "}"


def test_one_stands_for_all_that_are_written_alike() -> None:
    assert alike(["USD", "USD", "USD"]) == ["USD"]
    assert alike(["USD", "EUR", "USD"]) == ["USD", "EUR", "USD"]
    assert alike((Decimal("0.00"), Decimal("0.00"))) == (Decimal("0.00"),)
    # Equal, but what is stored keeps its decimals.
    assert alike((Decimal(0), Decimal("0.00"))) == (Decimal(0), Decimal("0.00"))
