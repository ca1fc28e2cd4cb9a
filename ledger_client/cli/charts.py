"""`ledgerctl chart`: the chart of accounts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger_client.cli.files import read_bytes, stop_for
from ledger_client.cli.rendering import (
    Grid,
    Output,
    Record,
    columns,
    csv_text,
    json_text,
    print_grid,
)
from ledger_client.cli.session import Session, command
from ledger_client.csv_files.charts import parse_categories, read_chart, refused_rows
from ledger_client.errors import InvalidRequestError
from ledger_client.models import AccountCategory, Chart, ChartNode, ChartPlan

app = typer.Typer(no_args_is_help=True, help="The chart of accounts: what stands where.")

_COLUMNS = columns("kind", "code", "name", "category", "normal_side", "#depth", "id")


@command(app, "import", timeout_seconds=60.0)
async def import_file(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False)],
    *,
    category: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE=CATEGORY", help="Of a node at the top, such as 7=revenue; repeatable."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show the tree, add nothing.")
    ] = False,
) -> None:
    """Add the chart of a CSV file, all or nothing; what is there already stays.

    The columns are code,name,parent,category,normal_side; or, without such a first row, any number
    of code columns, the name, and perhaps Debit or Credit. Nodes at the top have a category, told
    by the file, by --category or by a name such as Assets; what stands below inherits it.
    """
    chart = read_chart(read_bytes(file), _categories(category or ()))
    if chart.problems:
        stop_for(session, file, chart.problems, "nothing was added")
    try:
        plan = await session.ledger.import_chart(
            await session.journal(), chart.nodes, validate_only=dry_run
        )
    except InvalidRequestError as error:
        problems = list(refused_rows(error, chart))
        if not problems:
            raise
        hint = "an import adds nodes and changes none"
        stop_for(session, file, problems, "nothing was added", hint=hint)
    _show_plan(session, plan, dry_run=dry_run)


@command(app, "show", timeout_seconds=60.0)
async def show(
    session: Session,
    accounts: Annotated[
        bool, typer.Option("--accounts/--no-accounts", help="With the accounts on it.")
    ] = True,
) -> None:
    """Show the chart as a tree, and at the end the accounts that stand nowhere in it."""
    chart = await session.ledger.get_chart(await session.journal())
    records = list(_records(chart, accounts=accounts))
    if session.output is Output.TABLE:
        _print_tree(session, chart, records)
    elif session.output is Output.CSV:
        session.console.file.write(csv_text(_COLUMNS, records) + "\n")
    else:
        session.console.file.write(json_text(records) + "\n")


def _categories(given: Sequence[str]) -> dict[str, AccountCategory]:
    try:
        return parse_categories(given)
    except ValueError as error:
        raise typer.BadParameter(f"--category {error}") from error


def _show_plan(session: Session, plan: ChartPlan, *, dry_run: bool) -> None:
    kept = len(plan.nodes) - plan.added_count
    if session.output is not Output.TABLE:
        added = [node.code for node in plan.nodes if node.added]
        session.show({"added": added, "there_before": kept, "dry_run": dry_run})
        return
    titles = columns("code", "name", "category", "normal_side", "new")
    rows = [{**_node_record(node), "new": "+" if node.added else None} for node in plan.nodes]
    print_grid(session.console, Grid(titles, [_indented(row) for row in rows]))
    session.note("")
    session.note(f"{plan.added_count} {'to be ' if dry_run else ''}added, {kept} there before")
    if dry_run:
        session.note("nothing was added: this was a trial")


def _print_tree(session: Session, chart: Chart, records: Sequence[Record]) -> None:
    titles = columns("code", "name", "category", "normal_side")
    placed = [record for record in records if record["kind"] != "unmapped"]
    if placed:
        print_grid(session.console, Grid(titles, [_indented(record) for record in placed]))
    else:
        session.note("no chart yet: ledgerctl chart import FILE.csv")
    if chart.unmapped:
        session.note("")
        session.note("unmapped: accounts that stand in no node, so the statements leave them out")
        rows = [{"code": one.code, "name": one.name} for one in chart.unmapped]
        print_grid(session.console, Grid(titles[:2], rows))


def _records(chart: Chart, *, accounts: bool) -> Iterator[Record]:
    for row in chart.rows:
        yield _node_record(row.node)
        for account in row.accounts if accounts else ():
            about = {"kind": "account", "code": account.code, "name": account.name}
            yield {**about, "depth": row.node.depth + 1, "id": account.id}
    for account in chart.unmapped:
        about = {"kind": "unmapped", "code": account.code, "name": account.name}
        yield {**about, "depth": 0, "id": account.id}


def _node_record(node: ChartNode) -> Record:
    return {
        "kind": "set",
        "code": node.code,
        "name": node.name,
        "category": node.category,
        "normal_side": node.normal_side,
        "depth": node.depth,
        "id": node.id,
    }


def _indented(record: Record) -> Record:
    """Return a row for people: deeper is further right, and sets are told from accounts."""
    mark = "/" if record["kind"] == "set" else ""
    return {**record, "code": "  " * int(str(record["depth"])) + str(record["code"]) + mark}
