"""`ledgerctl bank events`: the domain events of a module, as they are and as they come."""

import asyncio
import contextlib
import inspect
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any, Final

import grpc
import typer

from bank_proto.events.v1 import domain_events_pb2 as pb
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from ledger_client.cli.arguments import parse_sequence
from ledger_client.cli.bank.answers import record_of
from ledger_client.cli.bank.session import BankSession, add_command
from ledger_client.cli.rendering import (
    Column,
    Output,
    Record,
    columns,
    csv_text,
    print_records,
    to_json,
    visible,
)

#: Before a stream that broke is opened anew.
RECONNECT_SECONDS: Final = 1.0
PAGE_SIZE: Final = 500

_COLUMNS: Final = columns("#sequence", "record_time", "event_type", "aggregate_id", "payload")
_CSV_COLUMNS: Final = [Column(field.name) for field in pb.DomainEvent.DESCRIPTOR.fields]
_TYPE_WIDTH: Final = 40
_HELP: Final = (
    "Print the domain events of a module in order: those that are there, and with --follow those "
    "to come, a line each, until Ctrl-C. JSON has every field; followed, an object a line."
)

Module = Annotated[str, typer.Option("--module", "-m", help="Such as deposit.")]
After = Annotated[
    int | None,
    typer.Option(parser=parse_sequence, metavar="N", help="Begin behind this sequence."),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type", help="Only these, such as core.deposit.deposit-initialized; may be repeated."
    ),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with those to come.")]


def add_to(app: typer.Typer) -> None:
    """Add the command to the bank's group."""
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("module", kind, annotation=Module),
        inspect.Parameter("after", kind, default=None, annotation=After),
        inspect.Parameter("types", kind, default=None, annotation=Types),
        inspect.Parameter("follow", kind, default=False, annotation=Follow),
    ]
    add_command(app, "events", _HELP, parameters, _events)


async def _events(session: BankSession, typed: dict[str, Any]) -> None:
    module, after, types = typed["module"], typed["after"] or 0, typed["types"] or []
    if not typed["follow"]:
        found = [event_record(event) async for event in _all(session, module, after, types)]
        print_records(session.console, session.output, _CSV_COLUMNS, found, table_titles=_COLUMNS)
        return
    if session.output is Output.CSV:
        session.console.file.write(csv_text(_CSV_COLUMNS, []) + "\n")
    async for event in stream(session, module, after, types):
        session.console.file.write(_line(session.output, event_record(event)) + "\n")
        session.console.file.flush()


def event_record(event: pb.DomainEvent) -> Record:
    """Return an event with its payload as what it is, not as its text."""
    return {**record_of(event), "payload": json.loads(event.payload)}


async def _all(
    session: BankSession, module: str, after: int, types: list[str]
) -> AsyncIterator[pb.DomainEvent]:
    """Give the events that are there, page by page."""
    stub: Any = DomainEventServiceStub(session.channel)
    while True:
        request = pb.ListEventsRequest(
            tenant=session.tenant,
            module=module,
            after_sequence=after,
            event_types=types,
            page_size=PAGE_SIZE,
        )
        page = await stub.ListEvents(request, timeout=session.timeout, metadata=session.metadata)
        for event in page.events:
            yield event
        if page.position <= after or page.position >= page.head_sequence:
            return
        after = page.position


async def stream(
    session: BankSession, module: str, after: int, types: list[str]
) -> AsyncGenerator[pb.DomainEvent, None]:
    """Give events as they come; a stream that breaks is opened anew where it ended.

    Args:
        session: says where, as whom and for which tenant.
        module: whose events.
        after: only events after this sequence.
        types: only these; empty for all.

    Raises:
        grpc.aio.AioRpcError: it was refused, or nobody answered at all.
    """
    stub: Any = DomainEventServiceStub(session.channel)
    has_begun = False
    while True:
        request = pb.StreamEventsRequest(
            tenant=session.tenant, module=module, after_sequence=after, event_types=types
        )
        try:
            async with contextlib.aclosing(_responses(stub, session, request)) as responses:
                async for response in responses:
                    has_begun = True
                    for event in response.events:
                        yield event
                    after = max(after, response.position)
        except grpc.aio.AioRpcError as error:
            if not has_begun or error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
        await asyncio.sleep(RECONNECT_SECONDS)


async def _responses(stub: Any, session: BankSession, request: pb.StreamEventsRequest) -> Any:
    call = stub.StreamEvents(request, metadata=session.metadata)
    try:
        while (response := await call.read()) is not grpc.aio.EOF:
            yield response
    finally:
        call.cancel()


def _line(output: Output, record: Record) -> str:
    match output:
        case Output.JSON:
            return json.dumps(to_json(record), ensure_ascii=False)
        case Output.CSV:
            return csv_text(_CSV_COLUMNS, [record]).split("\n", 1)[1]
        case _:
            payload = visible(json.dumps(to_json(record["payload"]), ensure_ascii=False))
            sequence, kind = record["sequence"], record["event_type"]
            time = record["record_time"].isoformat(timespec="milliseconds")
            return f"{sequence:>8}  {time}  {kind:<{_TYPE_WIDTH}}  {payload}"
