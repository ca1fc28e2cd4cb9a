"""`ledgerctl limit`: bounds of what is available and of what moves."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Annotated

import typer

from ledger_client.cli.accounts import Side
from ledger_client.cli.arguments import parse_span, parse_units
from ledger_client.cli.limit_records import (
    ATTACHMENT_COLUMNS,
    LIMIT_COLUMNS,
    LIMIT_TABLE_COLUMNS,
    USE_COLUMNS,
    USE_TABLE_COLUMNS,
    Names,
    limit_record,
    shown_rule,
)
from ledger_client.cli.rendering import Grid, Output, print_grid
from ledger_client.cli.session import Session, command
from ledger_client.models import (
    Direction,
    LimitScope,
    StandingLimit,
    VelocityLimit,
    VelocityMeasure,
    VelocityWindow,
)

app = typer.Typer(no_args_is_help=True, help="Limits: bounds that no posting or hold may pass.")

Code = Annotated[str, typer.Argument(help="Code of the limit.")]
Account = Annotated[str | None, typer.Option("--account", help="Code or id of an account.")]
AccountSet = Annotated[str | None, typer.Option("--set", help="Code or id of a set.")]


class Measure(enum.StrEnum):
    """A measure as typed."""

    GROSS = "gross"
    NET = "net"


class Window(enum.StrEnum):
    """A window as typed."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ROLLING = "rolling"
    LIFE = "life"


@command(app, "create")
async def create(
    session: Session,
    code: Annotated[str, typer.Argument(help="1 to 64 letters, digits, `.`, `_`, `-`.")],
    *,
    currency: Annotated[str, typer.Option(help="What it is about.")],
    available_min: Annotated[
        Decimal | None,
        typer.Option(
            parser=parse_units,
            metavar="N",
            help="What is available may not fall below this: 0 for no overdraft, -500 for one.",
        ),
    ] = None,
    amount_max: Annotated[
        Decimal | None,
        typer.Option(
            parser=parse_units, metavar="N", help="What moves in a window may not pass this."
        ),
    ] = None,
    side: Annotated[
        Side | None, typer.Option(help="With --amount-max: which side it counts.")
    ] = None,
    measure: Annotated[
        Measure | None, typer.Option(help="With --amount-max: all, or less the other side.")
    ] = None,
    window: Annotated[
        Window | None, typer.Option(help="With --amount-max: over which time.")
    ] = None,
    rolling: Annotated[
        dt.timedelta | None,
        typer.Option(
            parser=parse_span, metavar="SPAN", help="With --window rolling: its length, 24h or 30d."
        ),
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(
            metavar="CEL", help="With --amount-max: counts only what this is true of, else all."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Title; else the code.")] = "",
) -> None:
    """Create a limit, of what is available or of what moves; `limit attach` has it bind."""
    velocity = (side, measure, window, rolling, condition)
    rule: StandingLimit | VelocityLimit
    if available_min is not None:
        if amount_max is not None or any(each is not None for each in velocity):
            raise typer.BadParameter("--available-min stands alone: it bounds what is available")
        rule = StandingLimit(available_min=available_min)
    elif amount_max is not None:
        rule = _velocity(
            amount_max,
            side=side,
            measure=measure,
            window=window,
            rolling=rolling,
            condition=condition,
        )
    else:
        raise typer.BadParameter("give --available-min N or --amount-max N")
    limit = await session.ledger.create_limit(
        await session.journal(), code, currency=currency, rule=rule, name=name
    )
    session.show(limit_record(limit))


@command(app, "update")
async def update(
    session: Session,
    code: Code,
    bound: Annotated[
        Decimal | None,
        typer.Option(
            parser=parse_units, metavar="N", help="In place of --available-min or --amount-max."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The new title.")] = None,
) -> None:
    """Change a limit's bound or title, in force at once for all that it binds."""
    if bound is None and not name:
        raise typer.BadParameter("give --bound or --name")
    journal = await session.journal()
    session.show(
        limit_record(await session.ledger.update_limit(journal, code, name=name, bound=bound))
    )


@command(app, "show")
async def show(session: Session, code: Code) -> None:
    """Show a limit and what it was attached to."""
    journal = await session.journal()
    record = limit_record(await session.ledger.get_limit(journal, code))
    names = Names(session.ledger, journal)
    found = session.ledger.list_limit_attachments(journal, code)
    attachments = [await names.attachment_record(each) async for each in found]
    session.show(
        {**record, "attachments": attachments} if session.output is Output.JSON else record
    )
    if session.output is Output.TABLE:
        session.note("")
        if attachments:
            print_grid(session.console, Grid(ATTACHMENT_COLUMNS, attachments))
        else:
            session.note(f"it binds nothing yet: ledgerctl limit attach {code} --account CODE")


@command(app, "list")
async def list_all(session: Session) -> None:
    """List limits by code."""
    found = session.ledger.list_limits(await session.journal())
    limits = [limit async for limit in found]
    records = [limit_record(limit) for limit in limits]
    if session.output is Output.TABLE:
        records = [
            {**record, "rule": shown_rule(limit), "bound": limit.bound}
            for record, limit in zip(records, limits, strict=True)
        ]
    session.show_list(
        LIMIT_COLUMNS, records, table_titles=LIMIT_TABLE_COLUMNS, nothing="no limits yet"
    )


@command(app, "attach")
async def attach(
    session: Session,
    code: Code,
    account: Account = None,
    account_set: AccountSet = None,
    whole_set: Annotated[
        bool,
        typer.Option("--whole-set", help="With --set: bind the sum, not each account in it."),
    ] = False,
) -> None:
    """Have a limit bind an account, or each account of a set. What is there already counts."""
    _one_target(account, account_set)
    if whole_set and account_set is None:
        raise typer.BadParameter("--whole-set goes with --set CODE")
    journal = await session.journal()
    attachment = await session.ledger.attach_limit(
        journal,
        code,
        account=account,
        account_set=account_set,
        scope=LimitScope.WHOLE_SET if whole_set else LimitScope.EACH_ACCOUNT,
    )
    session.show(await Names(session.ledger, journal).attachment_record(attachment))


@command(app, "detach")
async def detach(
    session: Session, code: Code, account: Account = None, account_set: AccountSet = None
) -> None:
    """Have a limit let go of an account or a set."""
    _one_target(account, account_set)
    journal = await session.journal()
    attachment = await session.ledger.detach_limit(
        journal, code, account=account, account_set=account_set
    )
    session.show(await Names(session.ledger, journal).attachment_record(attachment))


@command(app, "uses")
async def uses(
    session: Session, account: Annotated[str, typer.Argument(help="Code or id of an account.")]
) -> None:
    """Show what binds an account, how much of it is used, and what can still go out."""
    journal = await session.journal()
    names = Names(session.ledger, journal)
    found = await session.ledger.list_limit_uses(journal, account)
    records = [await names.use_record(use) for use in found]
    session.show_list(
        USE_COLUMNS, records, table_titles=USE_TABLE_COLUMNS, nothing="no limit binds it"
    )


def _velocity(
    amount_max: Decimal,
    *,
    side: Side | None,
    measure: Measure | None,
    window: Window | None,
    rolling: dt.timedelta | None,
    condition: str | None,
) -> VelocityLimit:
    if side is None or measure is None or window is None:
        raise typer.BadParameter("--amount-max needs --side, --measure and --window")
    if (window is Window.ROLLING) is (rolling is None):
        raise typer.BadParameter("--rolling SPAN goes with --window rolling, and it with a SPAN")
    return VelocityLimit(
        amount_max=amount_max,
        direction=Direction[side.name],
        measure=VelocityMeasure[measure.name],
        window=VelocityWindow[window.name],
        rolling_seconds=None if rolling is None else int(rolling.total_seconds()),
        condition=condition or "",
    )


def _one_target(account: str | None, account_set: str | None) -> None:
    if (account is None) is (account_set is None):
        raise typer.BadParameter("name one: --account CODE or --set CODE")
