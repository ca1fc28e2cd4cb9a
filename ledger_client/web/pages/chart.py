"""The chart of accounts as a tree, and its import from CSV."""

import dataclasses
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ledger_client.csv_files.charts import parse_categories, read_chart, refused_rows
from ledger_client.csv_files.rows import Problem
from ledger_client.documents import Column, Row, Sheet
from ledger_client.errors import InvalidRequestError
from ledger_client.models import Chart, ChartAccount, ChartNode, ChartPlan
from ledger_client.web.forms import request_id_of, text_of
from ledger_client.web.query import FilterError, Query, address, part
from ledger_client.web.site import Site

_PLAN = (
    Column(name="code", title="Code"),
    Column(name="name", title="Name"),
    Column(name="category", title="Category"),
    Column(name="normal_side", title="Normal side"),
    Column(name="new", title="New"),
)
#: Mistakes of a file that are shown; a file can have one in every row.
PROBLEMS_MAX = 100


@dataclasses.dataclass(slots=True, kw_only=True)
class Node:
    """A set or an account in the tree."""

    code: str
    name: str
    #: Such as `asset`; empty below the top, where it is inherited, and for an account.
    category: str = ""
    is_account: bool
    link: str
    below: list["Node"] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True, kw_only=True)
class _Trial:
    """What an import would do, or why not."""

    text: str = ""
    categories: str = ""
    problems: list[Problem] = dataclasses.field(default_factory=list)
    plan: ChartPlan | None = None
    sheet: Sheet | None = None


async def tree(site: Site, request: Request) -> Response:
    """Show the sets with their accounts, and the accounts that stand in none."""
    journal = request.path_params["journal"]
    shows_accounts = not Query(request).flag("sets_only")
    chart = await site.ledger.get_chart(journal)
    return site.page(
        request,
        "chart.html",
        tops=_tree(journal, chart, shows_accounts=shows_accounts),
        unmapped=[_account(journal, each) for each in chart.unmapped],
        filters={"sets_only": not shows_accounts},
    )


async def import_form(site: Site, request: Request) -> Response:
    """Ask for a chart."""
    return _show_trial(site, request, _Trial())


async def import_chart(site: Site, request: Request) -> Response:
    """Show what an import would add, or add it if that was seen."""
    form = await request.form()
    journal = request.path_params["journal"]
    trial = _Trial(text=await _file_text(form), categories=text_of(form, "categories"))
    try:
        categories = parse_categories(trial.categories.split())
    except ValueError as error:
        raise FilterError(f"Categories: {error}") from error
    file = read_chart(trial.text.encode("utf-8", "surrogateescape"), categories, option="write")
    trial.problems = file.problems
    if not file.problems:
        is_trial = text_of(form, "apply") != "1"
        key = None if is_trial else request_id_of(form)
        try:
            trial.plan = await site.ledger.import_chart(
                journal, file.nodes, validate_only=is_trial, request_id=key
            )
        except InvalidRequestError as error:
            trial.problems = list(refused_rows(error, file))
            if not trial.problems:
                raise
        if trial.plan is not None and not is_trial:
            return RedirectResponse(f"/{part(journal)}/chart", status_code=303)
    if trial.plan is not None:
        trial.sheet = _plan_sheet(trial.plan)
    return _show_trial(site, request, trial)


async def _file_text(form: FormData) -> str:
    """Return the file that was chosen, else what was typed."""
    file = form.get("file")
    if isinstance(file, UploadFile) and file.filename:
        # What is no UTF-8 stays as it is, so that it is refused with its place.
        return (await file.read()).decode("utf-8", "surrogateescape")
    typed = form.get("text")
    return typed if isinstance(typed, str) else ""


def _show_trial(site: Site, request: Request, trial: _Trial) -> Response:
    context: dict[str, Any] = {
        "text": trial.text.encode("utf-8", "replace").decode(),
        "categories": trial.categories,
        "problems": trial.problems[:PROBLEMS_MAX],
        "hidden": max(0, len(trial.problems) - PROBLEMS_MAX),
        "plan": trial.plan,
        "sheet": trial.sheet,
    }
    status = 400 if trial.problems else 200
    return site.page(request, "chart_import.html", status_code=status, **context)


def _plan_sheet(plan: ChartPlan) -> Sheet:
    return Sheet(
        title="The chart after the import",
        columns=_PLAN,
        rows=[
            Row(
                cells=(
                    each.code,
                    each.name,
                    each.category.lower() if each.category else "",
                    each.normal_side.lower() if each.normal_side else "",
                    "new" if each.added else "",
                ),
                indent=each.depth,
            )
            for each in plan.nodes
        ],
    )


def _tree(journal: str, chart: Chart, *, shows_accounts: bool) -> list[Node]:
    """Return the nodes at the top with all that is below them; rows come parents first."""
    tops: list[Node] = []
    path: list[Node] = []
    for row in chart.rows:
        node = _set(journal, row.node)
        del path[row.node.depth :]
        (path[-1].below if path else tops).append(node)
        path.append(node)
        if shows_accounts:
            node.below += [_account(journal, each) for each in row.accounts]
    return tops


def _set(journal: str, node: ChartNode) -> Node:
    return Node(
        code=node.code,
        name=node.name,
        category=node.category.lower() if node.category and not node.depth else "",
        is_account=False,
        link=address(f"/{part(journal)}/statement", {"set": node.code}),
    )


def _account(journal: str, account: ChartAccount) -> Node:
    return Node(
        code=account.code,
        name=account.name,
        is_account=True,
        link=address(f"/{part(journal)}/statement", {"account": account.code}),
    )
