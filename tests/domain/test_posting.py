"""The decision over drafts, held against a model that folds everything anew each time."""

import copy
import dataclasses
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ledger_server.domain.account import AccountFacts, AccountStatus
from ledger_server.domain.books import SUM_BOUND, BalanceState, Books, Posting
from ledger_server.domain.errors import (
    ExternalIdReusedError,
    LedgerError,
    NoEntriesError,
    ParamInvalidError,
    TransactionIdReusedError,
    Violation,
)
from ledger_server.domain.period import ALL_OPEN
from ledger_server.domain.posting import (
    BatchRefusedError,
    Outcome,
    Repeat,
    Replay,
    decide_group,
)
from ledger_server.domain.primitives import EXACT, ZERO, Direction, Layer
from ledger_server.domain.replay import Recorded
from ledger_server.domain.transaction import BalanceAfter, BalanceKey, Draft, DraftEntry
from tests.domain.samples import draft
from tests.domain.strategies import ACCOUNTS, CURRENCIES, balanced_entries, days, leg

IDS = tuple(uuid.UUID(int=number) for number in range(100, 106))
RECORDED_ID = IDS[0]
ONE, TWO = Decimal(1), Decimal(2)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACTIVE = AccountStatus.ACTIVE
FACTS = {one: AccountFacts(one, str(one), Direction.DEBIT, ACTIVE, True) for one in ACCOUNTS}
KEYS = [BalanceKey(account, currency) for account in ACCOUNTS for currency in CURRENCIES]

transfers = st.builds(
    draft,
    balanced_entries(),
    st.sampled_from(IDS),
    description=st.sampled_from([None, "", "rent"]),
    external_id=st.sampled_from(["", "", "", "invoice 1", "invoice 2"]),
    day=days,
)


@st.composite
def groups(draw: st.DrawFn) -> list[tuple[bool, list[Draft | LedgerError]]]:
    """Groups, atomic or not, of drafts: new ones, repeated ones, and refusals in their places."""
    made: list[Draft] = []
    result = []
    for _ in range(draw(st.integers(1, 4))):
        group: list[Draft | LedgerError] = []
        for _ in range(draw(st.integers(0, 4))):
            kind = draw(st.sampled_from(["new"] * 6 + ["again"] * 2 + ["refused"]))
            one: Draft | LedgerError = NoEntriesError("SAMPLE")
            if kind != "refused":
                one = draw(st.sampled_from(made) if made and kind == "again" else transfers)
            group.append(one)
            if isinstance(one, Draft):
                made.append(one)
        result.append((draw(st.booleans()), group))
    return result


@st.composite
def books(draw: st.DrawFn) -> Books:
    """Books with something in them: balances, some near their bound, a closed account, ids."""
    start = st.lists(st.sampled_from([ZERO, Decimal(7)]), min_size=6, max_size=6).map(
        lambda sums: [*sums, ZERO, ZERO]
    )
    balances = {key: BalanceState(draw(start), draw(st.integers(0, 3))) for key in KEYS}
    for key in KEYS[: draw(st.sampled_from([0, 0, 0, len(KEYS) // 2]))]:
        if key.currency != "WEI":  # no such sum can come about: 1e60 with 18 decimals
            balances[key].sums[:6] = [EXACT.subtract(SUM_BOUND, Decimal(2))] * 6
    last = FACTS[ACCOUNTS[-1]]._replace(status=draw(st.sampled_from([ACTIVE, *AccountStatus])))
    recorded = Recorded.of(draft([], RECORDED_ID, description="rent"))
    return fresh(
        balances=balances,
        accounts=FACTS | {last.id: last},
        by_id={RECORDED_ID: recorded} if draw(st.booleans()) else {},
        by_external_id={"invoice 2": RECORDED_ID} if draw(st.booleans()) else {},
    )


class Model:
    """What the books should say, told from the start and the list of what was accepted."""

    def __init__(self, start: Books) -> None:
        self.start = copy.deepcopy(start)
        self.accepted: list[Draft] = []

    def decide(self, one: Draft | LedgerError) -> str:
        """Return the reason of the refusal, or `posted`, `replay` or `repeat`."""
        if isinstance(one, LedgerError):
            return one.reason
        asked = (one.command.description, one.command.external_id)
        for earlier in self.accepted:
            if earlier.command.transaction_id == one.command.transaction_id:
                same = asked == (earlier.command.description, earlier.command.external_id)
                return "repeat" if same else "TRANSACTION_ID_REUSED"
        if one.command.transaction_id in self.start.by_id:
            return "replay" if asked == ("rent", None) else "TRANSACTION_ID_REUSED"
        owned = {*self.start.by_external_id, *(each.external_id for each in self.accepted)}
        if one.external_id and one.external_id in owned:
            return "EXTERNAL_ID_REUSED"
        touched = {entry.key.account_id for entry in one.entries or ()}
        if any(self.start.accounts[account].status is not ACTIVE for account in touched):
            return "ACCOUNT_NOT_ACTIVE"
        self.accepted.append(one)
        if any(total >= SUM_BOUND for _, total in self.sums()):
            self.accepted.pop()
            return "BALANCE_OVERFLOW"
        return "posted"

    def entries(self) -> list[DraftEntry]:
        return [entry for one in self.accepted for entry in one.entries or ()]

    def sum(self, key: BalanceKey, layer: Layer, side: Direction, entries: list[DraftEntry]) -> Any:
        place = (layer - 1) * 2 + (side - 1)
        return Fraction(self.start.balances[key].sums[place]) + sum(
            Fraction(entry.units)
            for entry in entries
            if (entry.key, entry.layer, entry.direction) == (key, layer, side)
        )

    def sums(self) -> list[tuple[tuple[BalanceKey, Layer, Direction], Fraction]]:
        entries = self.entries()
        return [
            ((key, layer, side), self.sum(key, layer, side, entries))
            for key in KEYS
            for layer in Layer
            for side in Direction
        ]

    def version(self, key: BalanceKey, entries: list[DraftEntry]) -> int:
        return self.start.balances[key].version + sum(entry.key == key for entry in entries)


def word(outcome: Outcome) -> str:
    match outcome:
        case LedgerError():
            return outcome.reason
        case Posting():
            return "posted"
        case Replay():
            return "replay"
        case Repeat():
            return "repeat"


def picture(one: Books) -> object:
    """Return all that books hold, to compare."""
    return (
        {key: (list(state.sums), state.version) for key, state in one.balances.items()},
        dict(one.by_id),
        dict(one.by_external_id),
        set(one.accepted),
    )


@settings(max_examples=300)
@given(books(), groups())
def test_groups_are_decided_as_the_model_does(
    against: Books, given_groups: Sequence[tuple[bool, list[Draft | LedgerError]]]
) -> None:
    model = Model(against)
    for atomic, group in given_groups:
        before, accepted_before = picture(against), list(model.accepted)
        outcomes = decide_group(group, against, atomic=atomic)
        expected: list[str] = []
        for one in group:
            expected.append(model.decide(one))
            event(expected[-1])
            if atomic and expected[-1].isupper():
                event("an atomic group was taken back")
                model.accepted = accepted_before
                break
        if atomic and expected and expected[-1].isupper():
            assert isinstance(outcomes, BatchRefusedError)
            assert (outcomes.index, outcomes.reason) == (len(expected) - 1, expected[-1])
            assert picture(against) == before
        else:
            assert isinstance(outcomes, list)
            assert [word(outcome) for outcome in outcomes] == expected
    assert [posting.draft for posting in against.accepted.values()] == model.accepted
    agree(against, model)


def agree(against: Books, model: Model) -> None:
    """Compare the balances, and those after each entry, with a fold of the model's entries."""
    entries = model.entries()
    for (key, layer, side), total in model.sums():
        assert against.balances[key].sums[(layer - 1) * 2 + side - 1] == total
    for key, state in against.balances.items():
        assert state.version == model.version(key, entries)
    so_far: list[DraftEntry] = []
    for posting in against.accepted.values():
        for entry, after in zip(posting.entries, posting.balances_after, strict=True):
            so_far.append(entry)
            layer = entry.layer
            assert after.debit == model.sum(entry.key, layer, Direction.DEBIT, so_far)
            assert after.credit == model.sum(entry.key, layer, Direction.CREDIT, so_far)
            assert after.version == model.version(entry.key, so_far)


@given(books(), groups())
def test_debits_equal_credits_over_all_accounts(
    against: Books, given_groups: Sequence[tuple[bool, list[Draft | LedgerError]]]
) -> None:
    """Conservation: whatever is decided moves both sides of a book by the same."""

    def nets() -> Mapping[tuple[str, Layer], Fraction]:
        totals: Counter[tuple[str, Layer]] = Counter()
        for key, state in against.balances.items():
            for layer in Layer:
                debit, credit = state.sums[2 * layer - 2 : 2 * layer]
                totals[key.currency, layer] += Fraction(debit) - Fraction(credit)  # type: ignore[assignment]
        return totals  # type: ignore[return-value]

    before = nets()
    for atomic, group in given_groups:
        decide_group(group, against, atomic=atomic)
        assert nets() == before


def decided(drafts: Sequence[Draft | LedgerError], against: Books) -> list[Outcome]:
    """Decide each draft by itself."""
    outcomes = decide_group(drafts, against, atomic=False)
    assert isinstance(outcomes, list)
    return outcomes


def fresh(**changes: Any) -> Books:
    empty = Books(
        now=NOW,
        period=ALL_OPEN,
        balances={key: BalanceState([ZERO] * 8, 0) for key in KEYS},
        accounts=FACTS,
        by_id={},
        by_external_id={},
        holds={},
        reversibles={},
    )
    return dataclasses.replace(empty, **changes)


def with_status(account: uuid.UUID, status: AccountStatus) -> dict[uuid.UUID, AccountFacts]:
    changed = FACTS[account]._replace(status=status, holds_may_end=status is ACTIVE)
    return FACTS | {account: changed}


def transfer(number: int = 1, minor: int = 100, currency: str = "USD", **fields: Any) -> Draft:
    return draft(
        [
            leg(ACCOUNTS[0], Direction.DEBIT, Layer.SETTLED, minor, currency),
            leg(ACCOUNTS[1], Direction.CREDIT, Layer.SETTLED, minor, currency),
        ],
        uuid.UUID(int=number),
        **fields,
    )


def test_each_draft_sees_what_those_before_it_left() -> None:
    first, second = decided([transfer(1), transfer(2)], fresh())
    assert isinstance(first, Posting)
    assert isinstance(second, Posting)
    assert first.balances_after == [BalanceAfter(ONE, ZERO, 1), BalanceAfter(ZERO, ONE, 1)]
    assert second.balances_after == [BalanceAfter(TWO, ZERO, 2), BalanceAfter(ZERO, TWO, 2)]


def test_a_repeat_within_a_batch_is_the_first_posting() -> None:
    posting, repeat = decided([transfer(), transfer()], fresh())
    assert isinstance(repeat, Repeat)
    assert repeat.posting is posting


def test_a_replay_names_its_record() -> None:
    recorded = Recorded.of(transfer())
    against = fresh(by_id={uuid.UUID(int=1): recorded})
    assert decided([transfer()], against) == [Replay(recorded)]
    (refusal,) = decided([transfer(description="other")], against)
    assert isinstance(refusal, TransactionIdReusedError)
    assert refusal.facts() == {"transaction_id": str(uuid.UUID(int=1)), "field": "description"}


def test_a_replay_is_one_even_if_the_account_was_closed_since() -> None:
    closed = with_status(ACCOUNTS[0], AccountStatus.CLOSED)
    recorded = Recorded.of(transfer(external_id="i"))
    known = {uuid.UUID(int=1): recorded}
    against = fresh(accounts=closed, by_id=known, by_external_id={"i": uuid.UUID(int=1)})
    outcomes = decided([transfer(external_id="i")], against)
    assert outcomes == [Replay(recorded)]


def test_an_external_id_has_one_owner() -> None:
    against = fresh(by_external_id={"theirs": uuid.UUID(int=77)})
    drafts = [
        transfer(1, external_id="theirs"),
        transfer(2, external_id="ours"),
        transfer(3, external_id="ours"),
        transfer(4),
        transfer(5),
    ]
    outcomes = decided(drafts, against)
    words = ["EXTERNAL_ID_REUSED", "posted", "EXTERNAL_ID_REUSED", "posted", "posted"]
    assert [word(outcome) for outcome in outcomes] == words
    owners = [one.transaction_id for one in outcomes if isinstance(one, ExternalIdReusedError)]
    assert owners == [str(uuid.UUID(int=77)), str(uuid.UUID(int=2))]


def test_an_external_id_is_free_again_when_its_group_is_taken_back() -> None:
    against = fresh()
    refused: list[Draft | LedgerError] = [transfer(1, external_id="x"), NoEntriesError("SAMPLE")]
    decide_group(refused, against, atomic=True)
    (outcome,) = decided([transfer(2, external_id="x")], against)
    assert isinstance(outcome, Posting)


def test_an_atomic_group_with_a_refusal_is_that_refusal() -> None:
    against = fresh()
    refusal = ParamInvalidError("amount", "missing")
    drafts: list[Draft | LedgerError] = [transfer(1), refusal, transfer(2), NoEntriesError("X")]
    refused = decide_group(drafts, against, atomic=True)
    assert isinstance(refused, BatchRefusedError)
    assert (refused.reason, refused.kind) == (refusal.reason, refusal.kind)
    assert refused.facts() == {"param": "amount", "problem": "missing", "index": "1"}
    assert str(refused) == "transactions[1]: param 'amount': missing"
    assert refused.violations_found() == (Violation("transactions[1].params.amount", "missing"),)
    assert picture(against) == picture(fresh())


def test_a_replay_stands_in_an_atomic_group() -> None:
    against = fresh(by_id={uuid.UUID(int=1): Recorded.of(transfer(1))})
    outcomes = decide_group([transfer(1), transfer(2), transfer(2)], against, atomic=True)
    assert isinstance(outcomes, list)
    assert [word(one) for one in outcomes] == ["replay", "posted", "repeat"]


def test_an_independent_group_goes_on() -> None:
    drafts: list[Draft | LedgerError] = [transfer(1), NoEntriesError("SAMPLE"), transfer(2)]
    outcomes = decided(drafts, fresh())
    assert [word(one) for one in outcomes] == ["posted", "NO_ENTRIES", "posted"]


def test_a_group_of_none() -> None:
    assert decide_group([], fresh(), atomic=True) == []
