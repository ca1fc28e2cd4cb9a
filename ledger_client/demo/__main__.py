"""The tour: `python -m ledger_client.demo`."""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ledger_client.cli.failures import ExitCode
from ledger_client.demo.server_process import running_server
from ledger_client.demo.tour import Tour, run_demo
from ledger_client.ids import new_id

JOURNAL: Final = "CAFE"
ALICE: Final = "Liabilities:Tabs:Alice"
BOOKS: Final = Path(__file__).with_name("books.csv")
CURRENCIES: Final = Path(__file__).with_name("currencies.csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Show a ledger at work.

    Returns:
        The exit status: 0 if everything went as it should.
    """
    parser = argparse.ArgumentParser(prog="demo", description="Shows a ledger at work.")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the books in DIR")
    keep: Path | None = parser.parse_args(arguments).keep
    tour = Tour()
    status = run_demo(tour, _show, keep=keep)
    if status == ExitCode.OK:
        _how_to_go_on(tour, keep)
    return status


def _show(tour: Tour, folder: Path) -> None:
    tour.title("A ledger, from nothing to a trial balance")
    tour.say("A server starts, with a PostgreSQL of its own and a fresh database.")
    with running_server(folder / "data", folder / "server.log") as address:
        tour.note(f"$ ledger-server --data-dir {folder / 'data'}")
        tour.print(f"ledger-server ready on {address}\n")
        os.environ.update(LEDGER_SERVER=address, LEDGER_JOURNAL=JOURNAL)
        _import_books(tour)
        _post(tour)
        _hold(tour)
        _limit(tour)
        _report(tour)


def _import_books(tour: Tour) -> None:
    tour.say("A journal for the books of a small café. Templates say what can be posted in it.")
    tour.run("journal", "create", JOURNAL, "--name", "Harbour Café")
    tour.say("Its first three months: dollars, bitcoin, and beans, its loyalty points.")
    books = ("import", "--currencies", _short(CURRENCIES), "--create-accounts", _short(BOOKS))
    tour.run(*books)
    tour.say("Once more: each transaction is there once, however often the file is imported.")
    tour.run(*books)


def _post(tour: Tour) -> None:
    tour.say("Alice pays a deposit on her tab.")
    tour.run(
        "post",
        "DEPOSIT",
        f"account={ALICE}",
        "cash_account=Assets:Bank:Checking",
        "amount=50.00",
        "currency=USD",
        "--date=2026-03-20",
    )
    tour.say("Some of the money is put aside: an account for it, and a transfer.")
    tour.run("account", "create", "Assets:Bank:Savings", "--normal-side", "debit", "-o", "csv")
    tour.run(
        "post",
        "TRANSFER",
        "from=Assets:Bank:Checking",
        "to=Assets:Bank:Savings",
        "amount=2500.00",
        "currency=USD",
        "memo=For a second grinder",
        "--date=2026-03-23",
    )
    tour.say("Dollars for bitcoin: four entries, and each currency balances by itself.")
    tour.run(
        "post",
        "FX_TRADE",
        "sell_account=Assets:Bank:Checking",
        "buy_account=Assets:Bitcoin",
        "trading_account=Equity:Trading",
        "sell_amount=1000.00",
        "sell_currency=USD",
        "buy_amount=0.01538462",
        "buy_currency=BTC",
        "--date=2026-03-24",
    )
    tour.say("A cent is missing here: the ledger refuses it, says why, and writes nothing.")
    tour.run(
        "post",
        "GENERAL_JOURNAL",
        'lines:=[{"account": "Expenses:Pastry", "debit": "84.00", "currency": "USD"},'
        ' {"account": "Liabilities:Credit card", "credit": "83.99", "currency": "USD"}]',
        "memo=Croissants",
        expected=ExitCode.INVALID,
    )


def _hold(tour: Tour) -> None:
    hold = str(new_id())
    tour.say("Alice books the back room: 60 dollars of her tab are held. Nothing moves yet.")
    tour.run(
        "hold",
        "place",
        "CARD_PURCHASE",
        f"account={ALICE}",
        "settlement_account=Income:Sales",
        "amount=60.00",
        "currency=USD",
        "memo=The back room",
        "--date=2026-03-25",
        f"--id={hold}",
    )
    tour.say("It is all still hers, but only the rest is available.")
    tour.run("balance", ALICE)
    tour.say("Fewer came than she thought: 42 are captured, and what is left is released.")
    day = "--date=2026-03-27"
    tour.run("hold", "capture", hold, "amount=42.00", day)
    tour.run("hold", "release", hold, day)
    tour.run("balance", ALICE)


def _limit(tour: Tour) -> None:
    tour.say("Tabs are paid ahead: a limit says so, for each posting and each hold.")
    tour.run("limit", "create", "PAID-AHEAD", "--currency=USD", "--available-min=0", "-o", "csv")
    tour.run("limit", "attach", "PAID-AHEAD", f"--account={ALICE}", "-o", "csv")
    tour.say("A cake for 55 is refused: the bound, what is there, what was asked.")
    tour.run(
        "post",
        "CARD_PURCHASE",
        f"account={ALICE}",
        "settlement_account=Income:Sales",
        "amount=55.00",
        "currency=USD",
        "memo=A birthday cake",
        "--date=2026-03-28",
        expected=ExitCode.REFUSED,
    )
    tour.run("limit", "uses", ALICE)


def _report(tour: Tour) -> None:
    tour.say("What stands on the accounts now.")
    tour.run("balance")
    tour.say("The trial balance of March in dollars: opening, movement, closing.")
    tour.run("report", "trial-balance", "--from=2026-03-01", "--as-of=2026-03-31", "--currency=USD")
    tour.say("And in bitcoin, from the beginning. Unlike currencies are never added up.")
    tour.run("report", "trial-balance", "--as-of=2026-03-31", "--currency=BTC")


def _how_to_go_on(tour: Tour, keep: Path | None) -> None:
    folder = _scripts()
    lines: list[tuple[str, ...]] = [("ledger-server",)]
    if keep:
        lines = [("ledger-server", "--data-dir", _short(keep / "data"))]
    if not keep:
        lines.append(("ledgerctl", "journal", "create", "MAIN"))
        sample = ("--currencies", _short(CURRENCIES), _short(BOOKS))
        lines.append(("ledgerctl", "import", "--create-accounts", *sample))
    lines.append(("ledgerctl", "report", "trial-balance", "--output", "csv"))
    lines.append(("ledgerctl", "--help"))
    tour.say("To go on, in another terminal from the second line on:\n")
    for line in lines:
        tour.suggest(f"{folder}{shlex.join(line)}")
    if not keep:
        tour.note("\nThe books of this demo are gone; with --keep DIR they stay.")


def _short(path: Path) -> str:
    """Write a path from here, if that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)


def _scripts() -> str:
    """Return what to write before the name of a script: nothing if the shell finds it."""
    if shutil.which("ledgerctl"):
        return ""
    folder = Path(sys.executable).parent
    return f"{_short(folder)}/" if (folder / "ledgerctl").exists() else ""


if __name__ == "__main__":
    sys.exit(main())
