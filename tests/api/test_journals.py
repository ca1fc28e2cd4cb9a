"""JournalService: journals and their currencies."""

import asyncio
import uuid

import grpc

from ledger_proto.v1 import journals_pb2 as pb
from ledger_server.domain.iso4217 import BUILT_IN_CURRENCIES
from tests.api.calls import Ledger, reason, refused


def create(**fields: str) -> pb.CreateJournalRequest:
    return pb.CreateJournalRequest(**fields)


def register(code: str, exponent: int, **fields: str) -> pb.RegisterCurrencyRequest:
    currency = pb.Currency(code=code, exponent=exponent)
    return pb.RegisterCurrencyRequest(**{"journal": "main"} | fields, currency=currency)


async def test_a_journal_is_as_it_was_asked_for(empty_ledger: Ledger) -> None:
    made = await empty_ledger.journals.CreateJournal(
        create(code="books-2026", name="Bücher", time_zone="Europe/Zurich")
    )
    journal = made.journal
    assert (journal.code, journal.name, journal.time_zone) == (
        "books-2026",
        "Bücher",
        "Europe/Zurich",
    )
    assert uuid.UUID(journal.id).version == 7
    assert journal.create_time.seconds > 0
    assert journal.head_sequence == 1, "its creation is its first event"
    for reference in (journal.code, journal.id, journal.id.upper()):
        answer = await empty_ledger.journals.GetJournal(pb.GetJournalRequest(journal=reference))
        assert answer.journal == journal


async def test_name_and_time_zone_have_defaults(empty_ledger: Ledger) -> None:
    journal = await empty_ledger.create_journal("j")
    assert (journal.name, journal.time_zone) == ("j", "UTC")


CODES = ["a", "0", "A.b_c-9", "x" * 64]
NO_CODES = ["", "-a", ".a", "_a", "a b", "a/b", "ä", "a\n", "a\0", "x" * 65, str(uuid.UUID(int=7))]
NO_TIME_ZONES = [
    "Mars/Olympus",
    "europe/zurich",
    "../UTC",
    "/etc/passwd",
    "localtime",
    " UTC",
    "\0",
]


async def test_codes(empty_ledger: Ledger) -> None:
    for code in CODES:
        assert (await empty_ledger.create_journal(code)).code == code
    for code in NO_CODES:
        refusal = await refused(empty_ledger.journals.CreateJournal(create(code=code)))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["code"]), code


async def test_time_zones(empty_ledger: Ledger) -> None:
    for zone in NO_TIME_ZONES:
        call = empty_ledger.journals.CreateJournal(create(code="a", time_zone=zone))
        refusal = await refused(call)
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["time_zone"]), zone


async def test_refuses_a_code_that_is_taken(ledger: Ledger) -> None:
    refusal = await refused(ledger.journals.CreateJournal(create(code="main")))
    assert (refusal.reason, refusal.facts) == ("JOURNAL_EXISTS", {"code": "main"})
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS


async def test_the_same_request_id_creates_one_journal(empty_ledger: Ledger) -> None:
    request = create(code="main", request_id="r1")
    answers = await asyncio.gather(
        *(empty_ledger.journals.CreateJournal(request) for _ in range(20))
    )
    assert all(answer == answers[0] for answer in answers)
    listed = await empty_ledger.journals.ListJournals(pb.ListJournalsRequest())
    assert [journal.id for journal in listed.journals] == [answers[0].journal.id]

    refusal = await refused(
        empty_ledger.journals.CreateJournal(create(code="other", request_id="r1"))
    )
    assert (refusal.reason, refusal.facts) == ("REQUEST_ID_REUSED", {"request_id": "r1"})


async def test_one_of_many_creates_a_code(empty_ledger: Ledger) -> None:
    answers = await asyncio.gather(
        *(empty_ledger.journals.CreateJournal(create(code="main")) for _ in range(20)),
        return_exceptions=True,
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


async def test_an_unknown_journal(ledger: Ledger) -> None:
    for reference in ("nowhere", str(uuid.UUID(int=1)), "ü" * 255):
        call = ledger.journals.GetJournal(pb.GetJournalRequest(journal=reference))
        refusal = await refused(call)
        assert (refusal.reason, refusal.facts) == ("JOURNAL_NOT_FOUND", {"journal": reference})
        assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_what_can_name_no_journal(ledger: Ledger) -> None:
    for reference in ("", "\0", "x" * 256):
        call = ledger.journals.GetJournal(pb.GetJournalRequest(journal=reference))
        assert await reason(call) == "FIELD_INVALID", reference


async def test_a_journal_has_the_built_in_currencies(ledger: Ledger) -> None:
    answer = await ledger.journals.ListCurrencies(pb.ListCurrenciesRequest(journal="main"))
    exponents = {currency.code: currency.exponent for currency in answer.currencies}
    assert exponents == {currency.code: currency.exponent for currency in BUILT_IN_CURRENCIES}
    assert answer.next_page_token == ""
    some = {"USD": 2, "BTC": 8, "JPY": 0, "KWD": 3, "CLF": 4, "UYW": 4, "CHF": 2, "EUR": 2}
    assert some.items() <= exponents.items()
    assert not {"XXX", "XTS", "XAU"} & exponents.keys()


CURRENCIES = [("GOLD_OZ", 3), ("A", 0), ("USDT.ERC-20", 6), ("X" * 16, 18)]


async def test_registers_currencies(ledger: Ledger) -> None:
    for code, exponent in CURRENCIES:
        answer = await ledger.journals.RegisterCurrency(register(code, exponent))
        assert (answer.currency.code, answer.currency.exponent) == (code, exponent)
    assert await ledger.head() == 1 + len(CURRENCIES)


NO_CURRENCIES = [
    ("", 2, "currency.code"),
    ("usd", 2, "currency.code"),
    ("9A", 2, "currency.code"),
    ("A B", 2, "currency.code"),
    ("Ü", 2, "currency.code"),
    ("A\n", 2, "currency.code"),
    ("X" * 17, 2, "currency.code"),
    ("X", -1, "currency.exponent"),
    ("X", 19, "currency.exponent"),
]


async def test_refuses_currencies(ledger: Ledger) -> None:
    for code, exponent, field in NO_CURRENCIES:
        refusal = await refused(ledger.journals.RegisterCurrency(register(code, exponent)))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", [field]), code


async def test_a_registered_currency_stays(ledger: Ledger) -> None:
    await ledger.journals.RegisterCurrency(register("USD", 2))
    assert await ledger.head() == 1, "nothing changed, so there is no event"
    refusal = await refused(ledger.journals.RegisterCurrency(register("USD", 3)))
    assert refusal.reason == "CURRENCY_CONFLICT"
    assert refusal.facts == {"currency": "USD", "exponent": "3", "registered_exponent": "2"}


async def test_one_of_many_registers_a_currency(ledger: Ledger) -> None:
    await asyncio.gather(
        *(ledger.journals.RegisterCurrency(register("POINTS", 0)) for _ in range(20))
    )
    assert await ledger.head() == 2


async def test_request_ids_are_kept_for_each_journal(ledger: Ledger) -> None:
    await ledger.create_journal("other")
    request = register("POINTS", 0, request_id="r1")
    first = await ledger.journals.RegisterCurrency(request)
    assert await ledger.journals.RegisterCurrency(request) == first
    await ledger.journals.RegisterCurrency(register("MILES", 0, request_id="r1", journal="other"))
    call = ledger.journals.RegisterCurrency(register("POINTS", 1, request_id="r1"))
    assert await reason(call) == "REQUEST_ID_REUSED"
    call = ledger.journals.RegisterCurrency(register("P", 1, request_id="r" * 65))
    assert await reason(call) == "FIELD_INVALID"


async def test_what_is_remembered_of_a_journal(empty_ledger: Ledger) -> None:
    """Neither that there was none, nor where it stood."""
    asked = pb.GetJournalRequest(journal="main")
    for _ in range(2):
        refusal = await refused(empty_ledger.journals.GetJournal(asked))
        assert refusal.reason == "JOURNAL_NOT_FOUND"
    made = await empty_ledger.create_journal("main")
    for head in (1, 2, 3):
        for reference in (made.code, made.id, made.id.upper()):
            asked.journal = reference
            found = (await empty_ledger.journals.GetJournal(asked)).journal
            assert found.head_sequence == head
            found.head_sequence = made.head_sequence
            assert found == made
        await empty_ledger.create_account(f"account-{head}")
