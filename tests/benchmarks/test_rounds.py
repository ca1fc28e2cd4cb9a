"""The arithmetic of the benchmark: ratios are of one round, and the order alternates."""

from benchmarks.rounds import Comparison, Run, alternate, compare
from benchmarks.workload import ACCOUNT_COUNT, HOT_ACCOUNT, Shape, account_code, transfers

COMPARISON = Comparison(name="a", title="a", unit="transfers/s", ours="ours", baseline="theirs")


def test_ratios_are_taken_round_by_round() -> None:
    figure = compare(COMPARISON, {"ours": [10.0, 40.0, 90.0], "theirs": [10.0, 20.0, 30.0]})
    assert figure.ratio is not None
    assert figure.baseline is not None
    assert (figure.ratio.lowest, figure.ratio.median, figure.ratio.highest) == (1.0, 2.0, 3.0)
    assert (figure.value.median, figure.baseline.median, figure.rounds) == (40.0, 20.0, 3)


async def test_every_second_round_runs_in_the_opposite_order() -> None:
    seen: list[tuple[str, int]] = []

    def run(name: str) -> Run:
        async def run_once(number: int) -> float:
            seen.append((name, number))
            return float(number)

        return run_once

    values = await alternate({"a": run("a"), "b": run("b")}, 2, lambda _: None)
    assert seen == [("b", 0), ("a", 0), ("a", 1), ("b", 1), ("b", 2), ("a", 2)]
    assert values == {"a": [1.0, 2.0], "b": [1.0, 2.0]}


def test_hot_transfers_touch_the_hot_account_and_no_account_twice() -> None:
    for shape in Shape:
        made = transfers(shape, 1_000, seed=7)
        pairs = [(one.params["to"], one.params["from"]) for one in made]
        assert all(debit != credit for debit, credit in pairs)
        assert len({one.transaction_id for one in made}) == len(made)
        assert len({one.external_id for one in made}) == len(made)
        if shape is Shape.HOT:
            assert {debit for debit, _ in pairs} == {account_code(HOT_ACCOUNT)}


def test_each_touches_every_account_once() -> None:
    made = transfers(Shape.EACH, ACCOUNT_COUNT // 2, seed=7)
    touched = [one.params[side] for one in made for side in ("to", "from")]
    assert sorted(map(str, touched)) == [
        account_code(number) for number in range(1, ACCOUNT_COUNT + 1)
    ]
