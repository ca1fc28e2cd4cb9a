"""The rows of a trial balance put together as bytes are the contract's messages."""

import uuid
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from ledger_proto.v1 import reports_pb2 as pb
from ledger_server.api.trial_balance_bytes import trial_balance_rows
from ledger_server.domain.primitives import EXACT, EXPONENT_MAX, ZERO
from ledger_server.domain.report.chart import Named
from ledger_server.domain.report.trial_balance import Columns, Row

texts = st.text(st.characters(codec="utf-8"), max_size=150)
#: A currency for each number of decimals, and an account that never had any.
EXPONENTS = {f"C{exponent}": exponent for exponent in range(EXPONENT_MAX + 1)}
FIELDS = tuple(pb.TrialBalanceColumns.DESCRIPTOR.fields_by_name)


@st.composite
def amounts(draw: st.DrawFn, exponent: int) -> Decimal:
    """Draw an amount that has no more decimals than its currency, and of any size."""
    units = draw(st.integers(0, 10**4) | st.integers(0, 10**60 - 1))
    return Decimal(units).scaleb(-draw(st.integers(0, exponent)), EXACT)


@st.composite
def rows(draw: st.DrawFn, periods: int) -> Row:
    currency = draw(st.sampled_from(["", *EXPONENTS]))
    one = amounts(EXPONENTS.get(currency, 0))
    columns = st.builds(Columns, one, one, one, one, one, one)
    return Row(
        Named(draw(st.uuids()), "a" + draw(texts), draw(texts)),
        draw(st.booleans()),
        draw(st.integers(0, 1_000)),
        currency,
        tuple([draw(columns) for _ in range(periods)]),
    )


def message(row: Row) -> pb.TrialBalanceRow:
    """Build the message the long way."""
    exponent = EXPONENTS.get(row.currency, 0)
    columns, *earlier = [
        pb.TrialBalanceColumns(
            **{
                name: format(value or ZERO, f".{exponent}f")
                for name, value in zip(FIELDS, each, strict=True)
            }
        )
        for each in row.periods
    ]
    return pb.TrialBalanceRow(
        kind=pb.TRIAL_BALANCE_ROW_KIND_ACCOUNT_SET
        if row.is_set
        else pb.TRIAL_BALANCE_ROW_KIND_ACCOUNT,
        id=str(row.named.id),
        code=row.named.code,
        name=row.named.name,
        depth=row.depth,
        currency=row.currency,
        columns=columns,
        earlier=earlier,
    )


def _alone(*six: str, currency: str) -> list[Row]:
    """Return one row of the amounts given."""
    named = Named(uuid.UUID(int=1), "a", "")
    return [Row(named, False, 0, currency, (Columns(*map(Decimal, six)),))]


@given(st.integers(1, 3).flatmap(lambda periods: st.lists(rows(periods), max_size=3)))
@example(_alone("1.0E-7", "1E-18", "1.5E-12", "0E-18", "-0", "3", currency="C18"))
@example(_alone("1E-8", "1.0E-7", "0.00000010", "0E-8", "-0.00", "1.5", currency="C8"))
def test_the_bytes_are_those_of_the_messages(drawn: list[Row]) -> None:
    whole = pb.GetTrialBalanceResponse(rows=map(message, drawn))
    assert trial_balance_rows(drawn, EXPONENTS) == whole.SerializeToString()


def test_rows_are_in_their_order_however_many() -> None:
    many = [
        Row(Named(uuid.UUID(int=number), f"account {number}", ""), False, 0, "C2", (Columns(),))
        for number in range(2_001)
    ]
    whole = pb.GetTrialBalanceResponse(rows=map(message, many))
    assert trial_balance_rows(many, EXPONENTS) == whole.SerializeToString()
