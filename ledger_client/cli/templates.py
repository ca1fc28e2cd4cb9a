"""`ledgerctl template`: what transactions are made from."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger_client.cli.arguments import Params, Version, parse_params
from ledger_client.cli.failures import CommandError, ExitCode
from ledger_client.cli.postings import Template, validate
from ledger_client.cli.rendering import Grid, Output, Record, columns, print_grid
from ledger_client.cli.session import Session, command
from ledger_client.errors import InvalidRequestError
from ledger_client.models import NoDefault, Param, Posting, TxTemplate
from ledger_client.templates import LoadedTemplate, TemplateFileError, library, load_template

app = typer.Typer(no_args_is_help=True, help="Templates: what transactions are made from.")

_COLUMNS = columns("code", "#version", "description", "params", "create_time")


@command(app, "apply")
async def apply(
    session: Session,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE_OR_DIR...", exists=True, help="YAML files, or folders of them."
        ),
    ] = None,
    built_in: Annotated[
        bool, typer.Option("--built-in", help="The built-in templates, as in a new journal.")
    ] = False,
) -> None:
    """Create templates, or their next versions, from YAML files; what is there stays.

    All files are checked first; if one is wrong, none is applied.
    """
    if not files and not built_in:
        raise typer.BadParameter("name a FILE or DIR, or give --built-in")
    loaded = [*(library() if built_in else []), *_load(files or [])]
    journal = await session.journal()
    await _check(session, journal, loaded)
    records = []
    for each in loaded:
        result = await session.ledger.create_tx_template(journal, each.template)
        records.append(
            {
                "code": result.template.code,
                "version": result.template.version,
                "status": "created" if result.created else "unchanged",
                "file": each.source,
            }
        )
    session.show_list(columns("code", "#version", "status", "file"), records)


@command(app, "list")
async def list_all(session: Session) -> None:
    """List the newest version of each template."""
    found = session.ledger.list_tx_templates(await session.journal())
    session.show_list(
        _COLUMNS,
        [_summary(template) async for template in found],
        table_titles=_COLUMNS[:3],
        nothing="no templates: ledgerctl template apply --built-in",
    )


@command(app, "versions")
async def versions(session: Session, code: Template) -> None:
    """List the versions of one template, newest first."""
    found = session.ledger.list_tx_template_versions(await session.journal(), code)
    records = [_summary(template) async for template in found]
    if not records:  # an empty list would hide a mistake in the name
        await session.ledger.get_tx_template(await session.journal(), code)
    session.show_list(_COLUMNS, records, table_titles=_COLUMNS[:3])


@command(app, "show")
async def show(session: Session, code: Template, version: Version = None) -> None:
    """Show a template: its params, its fields and its entries."""
    template = await session.ledger.get_tx_template(await session.journal(), code, version=version)
    if session.output is not Output.TABLE:
        session.show(_full(template))
        return
    transaction = dataclasses.asdict(template.transaction)
    fields = {
        f"transaction.{name}": " ".join(text.split()) for name, text in transaction.items() if text
    }
    about = {"code": template.code, "version": template.version}
    session.show({**about, "description": template.description, **fields})
    if template.params:
        session.note("")
        titles = columns("param", "type", "required", "default", "description")
        print_grid(session.console, Grid(titles, [_param(each) for each in template.params]))
    session.note("")
    entries = [dataclasses.asdict(entry) for entry in template.entries]
    names = ["account", "direction", "units", "currency"]
    names += [name for name in ("layer", "when", "for_each") if any(e[name] for e in entries)]
    print_grid(session.console, Grid(columns(*names), entries))


@command(app, "try")
async def try_out(
    session: Session, code: Template, params: Params = None, version: Version = None
) -> ExitCode | None:
    """Show what a posting would do: its entries, balances before and after, its refusal.

    Ends with the exit code that the posting would have.
    """
    posting = Posting(
        template_code=code, params=parse_params(params or ()), template_version=version
    )
    return await validate(session, posting)


def _load(paths: list[Path]) -> list[LoadedTemplate]:
    """Read all files, a folder's with all below it, and say all that is wrong with them."""
    loaded, mistakes = [], []
    for path in paths:
        files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        if not files:
            mistakes.append(f"{path}: no .yaml file is in it")
        for file in files:
            try:
                loaded.append(load_template(file))
            except TemplateFileError as error:
                mistakes += str(error).splitlines()
            except OSError as error:
                mistakes.append(f"{file}: {error.strerror}")
    if mistakes:
        raise CommandError("nothing was applied", ExitCode.INVALID, details=mistakes)
    return loaded


async def _check(session: Session, journal: str, loaded: list[LoadedTemplate]) -> None:
    mistakes: list[str] = []
    for each in loaded:
        try:
            await session.ledger.create_tx_template(journal, each.template, validate_only=True)
        except InvalidRequestError as error:
            mistakes += each.located(error) or [f"{each.source}: {error.message}"]
    if mistakes:
        raise CommandError("nothing was applied", ExitCode.INVALID, details=mistakes)


def _summary(template: TxTemplate) -> Record:
    params = ", ".join(f"{param.name} {param.type}" for param in template.params)
    return {
        "code": template.code,
        "version": template.version,
        "description": template.description,
        "params": params,
        "create_time": template.create_time,
    }


def _full(template: TxTemplate) -> Record:
    return {
        "code": template.code,
        "version": template.version,
        "description": template.description,
        "params": [_param(param) for param in template.params],
        "transaction": dataclasses.asdict(template.transaction),
        "entries": [dataclasses.asdict(entry) for entry in template.entries],
        "create_time": template.create_time,
    }


def _param(param: Param) -> dict[str, Any]:
    record = {"param": param.name, "type": param.type, "description": param.description}
    if isinstance(param.default, NoDefault):
        return {**record, "default": None, "required": True}
    return {**record, "default": param.default, "required": False}
