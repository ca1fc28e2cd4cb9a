"""`ledgerctl rate`: exchange rates."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

from ledger_client.amounts import parse_decimal
from ledger_client.cli.arguments import parse_moment, parse_sequence
from ledger_client.cli.files import read_bytes, stop_for
from ledger_client.cli.rendering import Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.csv_files.rows import Problem, read_rows, shown
from ledger_client.models import NewRate, Rate

app = typer.Typer(no_args_is_help=True, help="Exchange rates, which reports convert with.")

_COLUMNS = columns("base", "quote", "effective_time", "#rate", "source", "#sequence", "record_time")
_TABLE_COLUMNS = _COLUMNS[:6]
_CSV_COLUMNS: Final = ("base", "quote", "time", "rate", "source")
_RATES_PER_CALL: Final = 1_000

Base = Annotated[str, typer.Argument(help="The currency that is valued.")]
Quote = Annotated[str, typer.Argument(help="The currency that it is valued in.")]
Time = Annotated[
    dt.datetime | None,
    typer.Option(
        "--time", parser=parse_moment, metavar="MOMENT", help="ISO 8601 with an offset; else now."
    ),
]


@command(app, "record")
async def record(
    session: Session,
    base: Base,
    quote: Quote,
    rate: Annotated[str, typer.Argument(help="Units of QUOTE for one of BASE, such as 1.0823.")],
    *,
    source: Annotated[str, typer.Option(help="Who says so, such as ECB.")],
    time: Time = None,
) -> None:
    """Record what one unit of BASE is worth in QUOTE from a moment on.

    A rate is never changed: to correct one, record another with the same --time.
    """
    try:
        value = parse_decimal(rate)
    except ValueError as error:
        raise typer.BadParameter(f"{rate[:60]!r}: {error}") from error
    new = NewRate(
        base=base,
        quote=quote,
        effective_time=time or dt.datetime.now(dt.UTC),
        rate=value,
        source=source,
    )
    (recorded,) = await session.ledger.record_rates(await session.journal(), [new])
    session.show(_record(recorded))


@command(app, "get")
async def get(
    session: Session,
    base: Base,
    quote: Quote,
    *,
    time: Time = None,
    source: Annotated[str, typer.Option(help="Only rates of this one.")] = "",
    as_known_at: Annotated[
        int | None,
        typer.Option(
            parser=parse_sequence, metavar="SEQUENCE", help="Only rates recorded up to then."
        ),
    ] = None,
) -> None:
    """Show the rate in force: the latest at or before the moment, either way round."""
    found = await session.ledger.get_rate(
        await session.journal(), base, quote, time=time, source=source, as_known_at=as_known_at
    )
    session.show(
        {
            "value": found.value,
            "of": f"1 {base} in {quote}",
            "inverse": found.inverse,
            **{f"recorded_{name}": value for name, value in _record(found.rate).items()},
        }
    )


@command(app, "list")
async def list_all(
    session: Session,
    base: Annotated[str, typer.Option(help="Only rates of this currency.")] = "",
    quote: Annotated[str, typer.Option(help="Only rates in this currency.")] = "",
    source: Annotated[str, typer.Option(help="Only rates of this source.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
) -> None:
    """List rates, the latest recorded first."""
    found = session.ledger.list_rates(
        await session.journal(), base=base, quote=quote, source=source
    )
    records: list[Record] = []
    async for rate in found:
        records.append(_record(rate))
        if len(records) == limit:
            break
    session.show_list(_COLUMNS, records, table_titles=_TABLE_COLUMNS, nothing="no rates yet")


@command(app, "import", timeout_seconds=60.0)
async def import_file(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False)],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, record nothing.")
    ] = False,
) -> None:
    """Record the rates of a CSV file with the columns base,quote,time,rate,source.

    A time is ISO 8601 with an offset, or a date: the beginning of that day in UTC. The whole
    file is checked first, and nothing is recorded of a file with a mistake. What is there already
    is not recorded again.
    """
    journal = await session.ledger.get_journal(await session.journal())
    known = {each.code async for each in session.ledger.list_currencies(journal.id)}
    rates, problems = parse_rates(read_bytes(file), known)
    if problems:
        stop_for(session, file, problems, "nothing was recorded")
    new = await _not_there(session, journal.id, rates)
    if not dry_run:
        for start in range(0, len(new), _RATES_PER_CALL):
            await session.ledger.record_rates(journal.id, new[start : start + _RATES_PER_CALL])
    there = len(rates) - len(new)
    session.show({"recorded": len(new), "already_there": there, "dry_run": dry_run})


async def _not_there(session: Session, journal_id: UUID, rates: Sequence[NewRate]) -> list[NewRate]:
    """Return the rates that the journal does not have, or has otherwise since."""
    last: dict[tuple[object, ...], Decimal] = {}
    async for there in session.ledger.list_rates(journal_id):
        # The latest recorded first: what comes after it was corrected.
        last.setdefault(_place(there), there.rate)
    new: list[NewRate] = []
    for rate in rates:
        if last.get(_place(rate)) != rate.rate:
            last[_place(rate)] = rate.rate
            new.append(rate)
    return new


def parse_rates(data: bytes, known: set[str]) -> tuple[list[NewRate], list[Problem]]:
    """Return the rates of a CSV file, and everything that is wrong with it.

    Args:
        data: the file.
        known: codes of the journal's currencies.
    """
    problems: list[Problem] = []
    rates: list[NewRate] = []
    for row, fields in read_rows(data, _CSV_COLUMNS, problems):
        wrong = [
            f"unknown currency {shown(fields[name])}"
            for name in ("base", "quote")
            if fields[name] not in known
        ]
        if fields["base"] == fields["quote"]:
            wrong.append("base and quote are the same")
        if not 1 <= len(fields["source"].strip()) <= 64:
            wrong.append("source: 1 to 64 characters are required")
        time = _moment(fields["time"])
        if time is None:
            wrong.append(f"time {shown(fields['time'])}: not 2026-01-31 or 2026-01-31T16:00:00Z")
        value = _value(fields["rate"], wrong)
        problems += [Problem(row, message) for message in wrong]
        if time is not None and not wrong:
            rates.append(
                NewRate(
                    base=fields["base"],
                    quote=fields["quote"],
                    effective_time=time,
                    rate=value,
                    source=fields["source"],
                )
            )
    if not rates and not problems:
        problems.append(Problem(1, "no rates in it"))
    return rates, sorted(problems)


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) == len("2026-01-31"):
        return moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.UTC) if moment.utcoffset() is not None else None


def _value(text: str, wrong: list[str]) -> Decimal:
    try:
        value = parse_decimal(text)
    except ValueError as error:
        wrong.append(f"rate {shown(text)}: {error}")
        return Decimal(1)
    if value <= 0:
        wrong.append(f"rate {shown(text)}: a rate is above zero")
    return value


def _place(rate: NewRate | Rate) -> tuple[object, ...]:
    return rate.base, rate.quote, rate.effective_time, rate.source


def _record(rate: Rate) -> Record:
    fields = dataclasses.asdict(rate)
    return {column.name: fields[column.name] for column in _COLUMNS}
