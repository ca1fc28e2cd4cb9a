"""What the code says and what the contract, the chart and the documented events say are one."""

import enum
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_proto.deposit.v1 import deposit_pb2 as pb
from ledger_client.banking.deposit import account_rules, chart, events, fields
from ledger_client.banking.deposit.account_rules import CustomerType
from ledger_client.banking.deposit.deposit_rules import DepositStatus
from ledger_client.banking.deposit.permissions import PERMISSIONS
from ledger_client.banking.deposit.settings import DepositSettings
from ledger_client.banking.deposit.withdrawal import WithdrawalStatus
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.models import AccountCategory

SERVICE = pb.DESCRIPTOR.services_by_name["DepositService"]


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        (account_rules.AccountStatus, "AccountStatus"),
        (account_rules.FreezeReason, "FreezeReason"),
        (CustomerType, "CustomerType"),
        (DepositStatus, "DepositStatus"),
        (WithdrawalStatus, "WithdrawalStatus"),
    ],
)
def test_values_stand_in_the_contract_in_the_same_order(
    ours: type[enum.StrEnum], name: str
) -> None:
    values = pb.DESCRIPTOR.enum_types_by_name[name].values
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    assert [value.name.removeprefix(prefix) for value in values[1:]] == [one.name for one in ours]
    assert [value.number for value in values] == list(range(len(ours) + 1))


def test_every_rpc_has_a_permission_of_its_own() -> None:
    names = {f"{SERVICE.full_name}/{method.name}" for method in SERVICE.methods}
    assert set(PERMISSIONS) == names
    assert {one.permission_set for one in PERMISSIONS.values()} == {
        "deposit_viewer",
        "deposit_writer",
        "deposit_freeze",
        "deposit_unfreeze",
    }
    assert len({one.action for one in PERMISSIONS.values()}) == len(names)
    for method in SERVICE.methods:
        is_command = "request_id" in method.input_type.fields_by_name
        is_read = PERMISSIONS[f"{SERVICE.full_name}/{method.name}"].permission_set.endswith(
            "viewer"
        )
        assert is_command != is_read


def test_the_documented_events_have_the_documented_fields() -> None:
    of_account = {"account_holder_id", "id"}
    of_money = {"amount", "deposit_account_id", "id"}
    documented = {
        "core.deposit.deposit-account-created": of_account,
        "core.deposit.deposit-account-frozen": of_account,
        "core.deposit.deposit-initialized": of_money,
        "core.deposit.deposit-reverted": of_money,
        "core.deposit.withdrawal-confirmed": of_money,
    }
    ours = {event.TYPE: set(event.model_fields) for event in events.EVENTS}
    assert documented.items() <= ours.items()
    assert len(ours) == len(events.EVENTS)


def test_each_type_of_customer_has_a_leaf_of_the_liabilities() -> None:
    nodes = {node.code: node for node in chart.default_chart()}
    parents = {node.parent for node in nodes.values()}
    settings = DepositSettings()
    places = [chart.deposit_node(settings, one) for one in CustomerType]
    assert len(set(places)) == len(CustomerType)

    def category(code: str) -> AccountCategory | None:
        node = nodes[code]
        return category(node.parent) if node.parent else node.category

    assert {category(code) for code in places} == {AccountCategory.LIABILITY}
    assert category(settings.omnibus_node) is AccountCategory.ASSET
    assert not parents & {*places, settings.omnibus_node}


@given(st.integers(1, fields.MINOR_UNITS_MAX), st.integers(0, 18))
def test_amounts_and_minor_units_are_the_same(minor_units: int, decimals: int) -> None:
    text = format(Decimal(minor_units).scaleb(-decimals), "f")
    amount = fields.an_amount("amount", text, decimals)
    assert fields.minor_units_of(amount, decimals) == minor_units
    assert fields.an_amount("amount", amount, decimals) == amount
    assert len(amount.partition(".")[2]) == decimals


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0.00", "-1", "+1", "1e3", "NaN", "Infinity", "1.001", "1,000", " 1", "01"),
        *(".5", "\u0663", "9" * 50, "90071992547409.92", "1\x00", "1_0", "0x1"),
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(FieldInvalidError) as refusal:
        fields.an_amount("amount", text, 2)
    assert refusal.value.field == "amount"


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\u2028b", "\ud800", "x" * 256])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(FieldInvalidError):
        fields.a_text("reference", text, fields.REFERENCE_LENGTH_MAX)


@given(st.text(max_size=255))
def test_a_text_is_taken_as_it_is_or_refused(text: str) -> None:
    try:
        assert fields.a_text("reference", text, 255) == text
    except FieldInvalidError:
        assert not text.isprintable()
    else:
        assert "\x00" not in text
        json.dumps(text).encode()
