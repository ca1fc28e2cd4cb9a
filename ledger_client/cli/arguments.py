"""Arguments as typed: params, metadata, dates, spans, amounts and ids."""

import datetime as dt
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from ledger_client.amounts import DIGITS_MAX, parse_decimal
from ledger_client.cli.general_journal_csv import is_date

_PARAM: Final = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_]*)(?P<sign>:?=)(?P<value>.*)", re.DOTALL)

_SPAN: Final = re.compile(
    r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s)?", re.ASCII
)

#: A longer span is a mistake.
SPAN_MAX: Final = dt.timedelta(days=365_250)
#: A longer wait for one call is a mistake.
SECONDS_MAX: Final = 86_400.0


def parse_params(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the params of a posting: `name=text`, or `name:=JSON` for other types.

    A JSON number with a fraction is kept exactly as it is written.

    Raises:
        typer.BadParameter: names the argument.
    """
    params: dict[str, Any] = {}
    for argument in arguments:
        found = _PARAM.fullmatch(argument)
        if not found:
            raise typer.BadParameter(f"{argument!r} is not name=value (or name:=JSON)")
        name = found["name"]
        if name in params:
            raise typer.BadParameter(f"{name} is given twice")
        params[name] = found["value"] if found["sign"] == "=" else _json(name, found["value"])
    return params


def parse_metadata(arguments: Sequence[str] | None) -> dict[str, str] | None:
    """Return the facts `key=value`, None if none were given.

    Raises:
        typer.BadParameter: names the argument.
    """
    if not arguments:
        return None
    metadata: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"--metadata {argument!r} is not key=value")
        if key in metadata:
            raise typer.BadParameter(f"--metadata {key} is given twice")
        metadata[key] = value
    return metadata


def parse_date(text: str) -> dt.date:
    """Return the day that `text` says.

    Raises:
        typer.BadParameter: it is not a day of the calendar.
    """
    if not is_date(text):
        raise typer.BadParameter(f"{text!r} is not a date such as 2026-01-31")
    return dt.date.fromisoformat(text)


def parse_span(text: str) -> dt.timedelta:
    """Return the span that `text` says in days, hours, minutes and seconds: 90s, 1h30m, 7d.

    Raises:
        typer.BadParameter: it is none, is nothing, or is longer than a thousand years.
    """
    found = _SPAN.fullmatch(text)
    if not found or not text:
        raise typer.BadParameter(f"{text!r} is not a span such as 90s, 1h30m or 7d")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    span = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not dt.timedelta(0) < span <= SPAN_MAX:
        raise typer.BadParameter(f"{text} must be above 0 and at most {SPAN_MAX.days}d")
    return span


def parse_moment(text: str) -> dt.datetime:
    """Return the moment that `text` says: ISO 8601 with an offset, or `+` and a span from now.

    Raises:
        typer.BadParameter: it is none.
    """
    if text.startswith("+"):
        return dt.datetime.now(dt.UTC).replace(microsecond=0) + parse_span(text[1:])
    try:
        moment = dt.datetime.fromisoformat(text)
        if moment.utcoffset() is not None:
            return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        advice = "2026-01-31T18:00:00Z or +7d"
        raise typer.BadParameter(f"{text!r} is not a moment such as {advice}") from error
    advice = "2026-01-31T18:00:00Z or 2026-01-31T18:00:00+01:00"
    raise typer.BadParameter(f"{text} needs an offset, as in {advice}")


def parse_units(text: str) -> Decimal:
    """Return the amount that `text` says, such as -500 or 12.34.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text[:60]!r}: {error}") from error


def parse_id(text: str) -> UUID:
    """Return the UUID that `text` says.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a UUID") from error


def parse_sequence(text: str) -> int:
    """Return the position, or the count, that `text` says: a whole number above zero.

    Raises:
        typer.BadParameter: it is none.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text, re.ASCII):
        raise typer.BadParameter(f"{text!r} is not a whole number above zero")
    return int(text)


def parse_seconds(text: str) -> float:
    """Return the span that `text` says: above zero, at most a day.

    Raises:
        typer.BadParameter: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text, re.ASCII):
        raise typer.BadParameter(f"{text!r} is not a number of seconds, such as 30")
    seconds = float(text)
    if not 0 < seconds <= SECONDS_MAX:
        raise typer.BadParameter(f"must be above 0 and at most {SECONDS_MAX:.0f} seconds")
    return seconds


def date_option(name: str, text: str) -> Any:
    """Return an option that takes a day."""
    return typer.Option(name, parser=parse_date, metavar="DATE", help=text)


AsOf = Annotated[
    dt.date | None,
    date_option("--as-of", "Count only what is effective on or before this day."),
]
Metadata = Annotated[
    list[str] | None,
    typer.Option("--metadata", metavar="KEY=VALUE", help="A fact of your own; may be repeated."),
]
Params = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME=VALUE]...",
        help="A param's value as text, or NAME:=JSON for true, lists and objects.",
    ),
]
Version = Annotated[
    int | None,
    typer.Option("--template-version", parser=parse_sequence, metavar="N", help="Else the newest."),
]
Description = Annotated[str | None, typer.Option("--description", help="For people.")]
ExternalId = Annotated[str | None, typer.Option("--external-id", help="Unique in the journal.")]
CorrelationId = Annotated[
    str | None, typer.Option("--correlation-id", help="Ties transactions together.")
]
BehindSoftLock = Annotated[
    bool,
    typer.Option("--behind-soft-lock", help="Post also on a day behind the soft lock."),
]
Id = Annotated[
    UUID | None,
    typer.Option("--id", parser=parse_id, metavar="UUID", help="Yours; else one is made."),
]


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(
            text,
            parse_float=_exact,
            parse_int=_whole,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
    except RecursionError:
        raise typer.BadParameter(f"{name}: nested too deeply") from None
    except json.JSONDecodeError as error:
        hint = f'; a text needs no JSON: {name}="..."' if error.pos == 0 else ""
        where = f"at character {error.pos + 1}: {error.msg}"
        raise typer.BadParameter(f"{name}: not JSON {where}{hint}") from error
    except ValueError as error:
        raise typer.BadParameter(f"{name}: {error}") from error


def _exact(text: str) -> Decimal:
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise ValueError(f"the number {text[:60]} cannot be taken exactly: {error}") from error


def _whole(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise ValueError(f"a number longer than {DIGITS_MAX} digits")
    return int(text)


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not a number of the ledger")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is there twice")
    return fields
