"""`ledgerctl report statement`, `ledger` and `journal`: entries, page after page."""

import dataclasses
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Annotated, Final, Protocol, TypeVar

import typer

from ledger_client.cli.arguments import AsOf, parse_sequence, parse_units
from ledger_client.cli.report_files import ReportFile, write_report
from ledger_client.cli.report_options import (
    REPORT_TIMEOUT_SECONDS,
    AsKnownAt,
    Currency,
    From,
    LayerName,
    LayerOption,
    WithoutClosing,
)
from ledger_client.cli.session import Session, command
from ledger_client.cli.statement_tables import (
    joined_accounts,
    joined_statement,
    show_general_ledger,
    show_journal,
    show_statement,
)
from ledger_client.documents.entries import (
    general_ledger_sheet,
    holds_sheet,
    journal_sheet,
    statement_sheet,
)
from ledger_client.models import AccountStatement, GeneralLedger, JournalPage, Layer

app = typer.Typer()

_PAGE_SIZE: Final = 1_000

AccountOption = Annotated[str | None, typer.Option(help="Code or id of an account.")]
SetOption = Annotated[
    str | None, typer.Option("--set", help="Code or id of a set: all accounts below it.")
]
Limit = Annotated[
    int | None,
    typer.Option(parser=parse_sequence, metavar="N", help="Stop after so many; else all."),
]


class _Page(Protocol):
    """A page of anything."""

    @property
    def next_page_token(self) -> str: ...


P = TypeVar("P", bound=_Page)


@command(app, "statement", timeout_seconds=REPORT_TIMEOUT_SECONDS)
async def statement(
    session: Session,
    *,
    account: AccountOption = None,
    account_set: SetOption = None,
    from_date: From = None,
    as_of: AsOf = None,
    currency: Currency = None,
    layer: LayerOption = LayerName.SETTLED,
    as_known_at: AsKnownAt = None,
    file: ReportFile = None,
) -> None:
    """Print the statement of an account or a set: opening, entries with the balance, open holds.

    Balances are positive on the normal side. CSV has an opening row for each currency first.
    """
    if (account is None) == (account_set is None):
        raise typer.BadParameter("name one: --account CODE or --set CODE")
    journal = await session.journal()

    async def page(token: str) -> AccountStatement:
        return await session.ledger.get_account_statement(
            journal,
            account=account,
            account_set=account_set,
            from_date=from_date,
            as_of=as_of,
            layer=Layer[layer.name],
            currency=currency,
            as_known_at=as_known_at,
            page_size=_PAGE_SIZE,
            page_token=token,
        )

    report = joined_statement(await _all(page))
    if file is not None:
        sheets = [statement_sheet(journal, report)]
        write_report(session, file, [*sheets, *([holds_sheet(report)] if report.holds else [])])
        return
    show_statement(session, journal, report)


@command(app, "ledger", timeout_seconds=REPORT_TIMEOUT_SECONDS)
async def general_ledger(
    session: Session,
    *,
    from_date: From = None,
    as_of: AsOf = None,
    currency: Currency = None,
    layer: LayerOption = LayerName.SETTLED,
    as_known_at: AsKnownAt = None,
    file: ReportFile = None,
) -> None:
    """Print the general ledger: the statements of all accounts, by code."""
    journal = await session.journal()

    async def page(token: str) -> GeneralLedger:
        return await session.ledger.get_general_ledger(
            journal,
            from_date=from_date,
            as_of=as_of,
            layer=Layer[layer.name],
            currency=currency,
            as_known_at=as_known_at,
            page_size=_PAGE_SIZE,
            page_token=token,
        )

    report = joined_accounts(await _all(page))
    if file is not None:
        write_report(session, file, [general_ledger_sheet(journal, report)])
        return
    show_general_ledger(session, journal, report)


@command(app, "journal", timeout_seconds=REPORT_TIMEOUT_SECONDS)
async def journal_report(
    session: Session,
    *,
    from_date: From = None,
    as_of: AsOf = None,
    account: AccountOption = None,
    template: Annotated[str, typer.Option(help="Code of the template posted from.")] = "",
    text: Annotated[str, typer.Option(help="In description, external id or correlation id.")] = "",
    currency: Annotated[str | None, typer.Option(help="With an entry in this one.")] = None,
    units_min: Annotated[
        Decimal | None,
        typer.Option("--min", parser=parse_units, metavar="AMOUNT", help="Of an entry, at least."),
    ] = None,
    units_max: Annotated[
        Decimal | None,
        typer.Option("--max", parser=parse_units, metavar="AMOUNT", help="Of an entry, at most."),
    ] = None,
    without_closing: WithoutClosing = False,
    newest_first: Annotated[
        bool, typer.Option("--newest-first", help="Turn the order around.")
    ] = False,
    limit: Limit = None,
    as_known_at: AsKnownAt = None,
    file: ReportFile = None,
) -> None:
    """Print the journal: transactions with all their entries, by date; all filters must hold."""
    journal = await session.journal()

    async def page(token: str) -> JournalPage:
        return await session.ledger.search_journal(
            journal,
            from_date=from_date,
            to_date=as_of,
            account=account,
            template_code=template,
            text=text,
            currency=currency,
            units_min=units_min,
            units_max=units_max,
            without_closing=without_closing,
            newest_first=newest_first,
            as_known_at=as_known_at,
            page_size=_PAGE_SIZE,
            page_token=token,
        )

    pages: list[JournalPage] = []
    count = 0
    while not pages or (pages[-1].next_page_token and (limit is None or count < limit)):
        pages.append(await page(pages[-1].next_page_token if pages else ""))
        count += len(pages[-1].transactions)
    found = [each for one in pages for each in one.transactions]
    if file is not None:
        whole = dataclasses.replace(pages[0], transactions=tuple(found[:limit]), next_page_token="")
        write_report(session, file, [journal_sheet(journal, whole)])
        return
    show_journal(session, journal, pages[0], found[:limit])


async def _all(page: Callable[[str], Awaitable[P]]) -> list[P]:
    """Return all pages; there is always a first."""
    pages = [await page("")]
    while pages[-1].next_page_token:
        pages.append(await page(pages[-1].next_page_token))
    return pages
