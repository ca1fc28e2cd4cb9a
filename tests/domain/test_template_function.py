"""The function of a template gives what the evaluation step by step gives, or nothing."""

import uuid
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.account import AccountFacts, AccountStatus
from ledger_server.domain.errors import LedgerError, ParamInvalidError
from ledger_server.domain.params import Binder, bind_params, parse_param
from ledger_server.domain.primitives import Direction
from ledger_server.domain.template import EntryDefinition, Json, Param, ParamType, TransactionFields
from ledger_server.domain.template_compiler import compile_template
from ledger_server.domain.transaction import BalanceKey, DraftEntry
from ledger_server.domain.tx_template import CompiledTemplate, evaluate_entries
from tests.domain.samples import entry, param, template
from tests.domain.strategies import CURRENCIES, json_values

FACTS: Final = [
    AccountFacts(uuid.UUID(int=number), code, Direction.DEBIT, status, holds_may_end=False)
    for number, (code, status) in enumerate(
        [
            ("cash", AccountStatus.ACTIVE),
            ("till", AccountStatus.ACTIVE),
            ("shut", AccountStatus.LOCKED),
        ],
        1,
    )
]
ACCOUNTS: Final = {facts.code: facts for facts in FACTS} | {facts.id: facts for facts in FACTS}

X = param("x", ParamType.JSON, default=None)

#: What params and expressions may give: names, ids, amounts, sides, and what none of them is.
words = st.sampled_from(
    ["cash", "till", "shut", "none", str(uuid.UUID(int=1)), str(uuid.UUID(int=9)), "USD", "JPY"]
) | st.sampled_from(["1", "1.5", "0", "-1", "1" * 39, "CREDIT", "PENDING", "", "\n"])
values = words | st.booleans() | st.integers(-1, 2) | st.none() | json_values
sources = st.sampled_from(["params.x", "'cash'", "'till'", str.__repr__(str(uuid.UUID(int=2)))])
written = st.builds(
    entry,
    account=sources,
    direction=st.sampled_from(["DEBIT", "CREDIT", "params.x"]),
    layer=st.sampled_from(["", "PENDING", "params.x"]),
    units=st.sampled_from(["decimal('1.50')", "decimal('2')", "decimal(params.x)", "params.x"]),
    currency=st.sampled_from(["'USD'", "'JPY'", "params.x"]),
    when=st.sampled_from(["", "true", "params.x == 'cash'", "params.x"]),
)


def compiled_of(definitions: list[EntryDefinition]) -> CompiledTemplate:
    seen = TransactionFields(description="has(params.x) ? 'x' : ''")
    return compile_template(template(*definitions, params=[X], transaction=seen))


def step_by_step(compiled: CompiledTemplate, params: dict[str, object]) -> list[DraftEntry] | None:
    """Return the entries if all goes well and every account is known and active."""
    try:
        found = evaluate_entries(compiled, params, CURRENCIES)
    except LedgerError:
        return None
    facts = [ACCOUNTS.get(one.account) for one in found]
    if any(one is None or one.status is not AccountStatus.ACTIVE for one in facts):
        return None
    return [
        DraftEntry(
            BalanceKey(account.id, one.currency),
            account.code,
            one.direction,
            one.layer,
            one.units,
        )
        for one, account in zip(found, facts, strict=True)
        if account is not None
    ]


@given(st.lists(written, min_size=1, max_size=3), values)
def test_same_entries_or_none(definitions: list[EntryDefinition], x: Json) -> None:
    compiled = compiled_of(definitions)
    params: dict[str, object] = {"x": x}
    assert compiled.draft_entries is not None
    expected = step_by_step(compiled, params)
    if expected is None:
        with pytest.raises(Exception):  # noqa: B017, PT011  # of any kind: nobody looks at it
            compiled.draft_entries(params, CURRENCIES, ACCOUNTS)
    else:
        found = compiled.draft_entries(params, CURRENCIES, ACCOUNTS)
        assert found == expected
        assert [str(one.units) for one in found] == [str(one.units) for one in expected]


def test_what_is_under_a_condition_is_evaluated_again_outside_it() -> None:
    compiled = compiled_of([entry(when="params.x == 'a'"), entry(direction="CREDIT")])
    assert compiled.draft_entries is not None
    for x, sides in (("a", [Direction.DEBIT, Direction.CREDIT]), ("b", [Direction.CREDIT])):
        found = compiled.draft_entries({"x": x}, CURRENCIES, ACCOUNTS)
        assert [one.direction for one in found] == sides


def test_there_is_none_for_lists() -> None:
    assert compiled_of([entry(for_each="[1, 2]", units="decimal(item)")]).draft_entries is None


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c", "d"]),
        st.tuples(st.sampled_from(ParamType), st.none() | values, st.booleans()),
    ),
    st.dictionaries(st.sampled_from(["a", "b", "c", "e"]), values),
)
def test_binder_does_what_bind_params_does(
    declarations: dict[str, tuple[ParamType, Json, bool]], given: dict[str, Json]
) -> None:
    declared = {}
    for name, (kind, default, has_default) in declarations.items():
        try:
            usable = default if default is None or parse_param(kind, default) else None
        except ValueError:
            usable = None
        declared[name] = Param(name=name, type=kind, has_default=has_default, default=usable)
    assert outcome(Binder(declared), given) == outcome(
        lambda params: bind_params(declared, params), given
    )


def outcome(bind: Callable[[dict[str, Json]], dict[str, object]], given: dict[str, Json]) -> object:
    try:
        return bind(given)
    except ParamInvalidError as refusal:
        return refusal.param, refusal.problem
