"""What all modules read alike: ids, numbers, pages and times."""

import contextlib
import datetime as dt
import uuid

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.fields import (
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    module_of,
    number_of,
    page_size_of,
    page_start_of,
    uuid_of,
    whole_page_size_of,
)
from ledger_client.banking.foundation.request_errors import ModuleUnknownError
from ledger_client.banking.foundation.timestamps import time_of, timestamp_of


class TestIds:
    @given(st.uuids())
    def test_in_any_case(self, known: uuid.UUID) -> None:
        assert uuid_of("id", str(known)) == uuid_of("id", str(known).upper()) == known

    @pytest.mark.parametrize("text", ["", "1", "{%s}", "urn:uuid:%s", " %s", "%s\n"])
    def test_no_uuid(self, text: str) -> None:
        with pytest.raises(FieldInvalidError, match="customer_id: must be a UUID"):
            uuid_of("customer_id", text.replace("%s", str(uuid.uuid4())))

    def test_not_without_its_hyphens(self) -> None:
        with pytest.raises(FieldInvalidError):
            uuid_of("id", uuid.uuid4().hex)


class TestNumbers:
    @pytest.mark.parametrize(("number", "found"), [(0, 15), (1, 1), (300, 300)])
    def test_zero_takes_the_default(self, number: int, found: int) -> None:
        assert number_of("seconds", number, default=15, number_max=300) == found

    @pytest.mark.parametrize("number", [-1, 301])
    def test_too_many(self, number: int) -> None:
        with pytest.raises(FieldInvalidError, match="seconds: must be 0 to 300"):
            number_of("seconds", number, default=15, number_max=300)


class TestPages:
    @pytest.mark.parametrize(
        ("number", "found"),
        [(0, PAGE_SIZE_DEFAULT), (1, 1), (PAGE_SIZE_MAX, 500), (2**31 - 1, PAGE_SIZE_MAX)],
    )
    def test_a_size_is_lowered(self, number: int, found: int) -> None:
        assert page_size_of(number) == found

    def test_a_negative_size_is_none(self) -> None:
        with pytest.raises(FieldInvalidError, match="page_size"):
            page_size_of(-1)

    @pytest.mark.parametrize("number", [-1, PAGE_SIZE_MAX + 1])
    def test_a_whole_size_is_not_lowered(self, number: int) -> None:
        assert whole_page_size_of(0) == PAGE_SIZE_DEFAULT
        with pytest.raises(FieldInvalidError, match="page_size"):
            whole_page_size_of(number)

    def test_a_token_is_the_number_to_go_on_after(self) -> None:
        assert page_start_of("") == 0
        assert page_start_of("9" * 18) == 10**18 - 1

    @given(st.text(min_size=1) | st.from_regex(r"[0-9]+", fullmatch=True))
    def test_a_token_fits_the_database(self, token: str) -> None:
        start = 0
        with contextlib.suppress(FieldInvalidError):
            start = page_start_of(token)
        assert 0 <= start < 2**63

    @pytest.mark.parametrize("token", ["-1", "x", " 1", "1_0", "٣", "9" * 19])
    def test_no_token(self, token: str) -> None:
        with pytest.raises(FieldInvalidError, match="page_token"):
            page_start_of(token)


class TestTimes:
    @given(st.datetimes(timezones=st.just(dt.UTC)))
    def test_there_and_back(self, time: dt.datetime) -> None:
        message = timestamp_of(time)
        assert message is not None
        assert time_of("now", message) == time

    def test_none_stays_unset(self) -> None:
        assert timestamp_of(None) is None

    @pytest.mark.parametrize("seconds", [2**62, -(2**62), 253_402_300_800])
    def test_no_time(self, seconds: int) -> None:
        with pytest.raises(FieldInvalidError, match="now: must be a time"):
            time_of("now", Timestamp(seconds=seconds))


def test_only_modules_that_run_are_found() -> None:
    assert module_of({"time": 1}, "time") == 1
    with pytest.raises(ModuleUnknownError, match="'credit' does not run here"):
        module_of({"time": 1}, "credit")
