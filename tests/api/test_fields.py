"""The rules of form, without a server."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_proto.v1 import accounts_pb2
from ledger_server.api import fields
from ledger_server.domain.errors import FieldInvalidError

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def problem(check: Callable[..., Any], *values: Any) -> str:
    with pytest.raises(FieldInvalidError) as refusal:
        check("field", *values)
    assert refusal.value.field.startswith("field")
    return refusal.value.problem


@pytest.mark.parametrize(
    "code",
    [
        "1:2:3",
        "Assets:US:BofA:Checking",
        "Bücher",
        "Bu\u0308cher",
        "日本",
        "حساب",
        "💶",
        "a b",
        "x" * 255,
        "💶" * 255,
        ID[:-1],
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        ID.replace("-", ""),
    ],
)
def test_codes(code: str) -> None:
    assert fields.code_field("field", code) == code


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("", "required"),
        (" ", "blank"),
        (" a", "blank"),
        ("a ", "blank"),
        ("a\n", "blank"),
        ("\u00a0a", "blank"),
        ("a\u3000", "blank"),
        ("a\0b", "printed"),
        ("a\tb", "printed"),
        ("a\nb", "printed"),
        ("a\x7fb", "printed"),
        ("a\x85b", "printed"),
        ("a\u00a0b", "printed"),
        ("a\u200bb", "printed"),
        ("a\u202eb", "printed"),
        ("a\u2028b", "printed"),
        ("\ufeffa", "printed"),
        ("a\ud800b", "printed"),
        ("a\U0010ffff", "printed"),
        ("x" * 256, "255"),
        ("💶" * 256, "255"),
        (ID, "UUID"),
        (ID.upper(), "UUID"),
        (str(uuid.UUID(int=0)), "UUID"),
    ],
)
def test_no_codes(code: str, rule: str) -> None:
    assert rule in problem(fields.code_field, code)


@given(st.text(max_size=300))
def test_whatever_passes_as_a_code_names_itself(text: str) -> None:
    """A code that can be created can be looked up, printed on a line and stored."""
    try:
        code = fields.code_field("field", text)
    except FieldInvalidError:
        return
    assert fields.reference_field("field", code) == code
    assert code.splitlines() == [code]
    assert code.encode("utf-8").decode("utf-8") == code
    assert code < code[:1] + chr(0x10FFFF), "the range that a prefix is looked up in"


def test_free_text() -> None:
    for text in ("", "two\nlines\r\n\tand a tab", "💶", "x" * 9):
        assert fields.text_field("field", text, 9_000) == text
    for text in ("\0", "\x1b[31m", "\x7f", "\x85", "\ud800"):
        assert "control character" in problem(fields.text_field, text, 9)
    assert problem(fields.text_field, "xxx", 2) == "longer than 2 characters"


def test_references() -> None:
    assert fields.reference_field("field", ID) == ID
    for text in ("", "\0", "a\0", "x" * 256):
        problem(fields.reference_field, text)


def test_ids() -> None:
    assert fields.uuid_field("field", ID.upper()) == uuid.UUID(ID)
    assert fields.optional_uuid_field("field", "") is None
    for text in (f"{{{ID}}}", ID.replace("-", ""), ID + "\n", "0_" + ID[2:], "", "x"):
        assert "UUID" in problem(fields.uuid_field, text)


def test_dates() -> None:
    assert fields.date_field("field", "") is None
    assert fields.date_field("field", "2024-02-29") == date(2024, 2, 29)
    for text in ("2026-02-29", "0000-01-01", "2026-13-01"):
        assert "no such date" in problem(fields.date_field, text)
    for text in ("20260101", "2026-W01-1", "2026-1-1", "2026-01-01T00:00", " ", "\uff12026-01-01"):
        assert "not a date" in problem(fields.date_field, text)


def test_currencies() -> None:
    for code in ("A", "USD", "USDT.ERC-20", "A" * 16):
        assert fields.currency_field("field", code) == code
    for code in ("", "a", "1A", ".A", "A" * 17, "A\n", "Ä", "A B"):
        problem(fields.currency_field, code)


def test_metadata_limits() -> None:
    most = {f"{number:064}": "x" * 1_024 for number in range(64)}
    assert fields.metadata_field("field", most) == most
    for metadata in (
        most | {"one": "more"},
        {"": "x"},
        {"k" * 65: "x"},
        {"k": "x" * 1_025},
        {"k\0": "x"},
        {"k": "\0"},
    ):
        problem(fields.metadata_field, metadata)


def test_page_sizes() -> None:
    assert [fields.page_size_field(size) for size in (0, 1, 1_000, 1_001, 2**31 - 1)] == [
        100,
        1,
        1_000,
        1_000,
        1_000,
    ]
    with pytest.raises(FieldInvalidError):
        fields.page_size_field(-1)


def test_a_request_is_the_same_whatever_order_its_map_has() -> None:
    def fingerprint(request: Any) -> bytes:
        return fields.mutation(
            request, request.request_id, accounts_pb2.UpdateAccountResponse
        ).fingerprint()

    forth, back = (
        accounts_pb2.UpdateAccountRequest(account="a", metadata=dict(pairs), request_id="r")
        for pairs in ([("x", "1"), ("y", "2")], [("y", "2"), ("x", "1")])
    )
    assert fingerprint(forth) == fingerprint(back)
    forth.metadata["x"] = "2"
    assert fingerprint(forth) != fingerprint(back)
    lock = accounts_pb2.LockAccountRequest(account="a", request_id="r")
    unlock = accounts_pb2.UnlockAccountRequest(account="a", request_id="r")
    assert fingerprint(lock) != fingerprint(unlock), "another method is another request"
