"""Responses of banking modules as records."""

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from rich.console import Console

from ledger_client.cli.bank import contract
from ledger_client.cli.rendering import (
    Column,
    Output,
    Record,
    cell,
    json_text,
    print_record,
    print_records,
)


def record_of(message: Message) -> dict[str, Any]:
    """Return a message's fields by name, messages within it likewise; None for what is not set."""
    descriptor: Any = message.DESCRIPTOR
    return {field.name: _value(message, field) for field in descriptor.fields}


def print_answer(console: Console, output: Output, response: Message) -> None:
    """Print a response: JSON has it whole, tables and CSV what it is about.

    Args:
        console: of standard output.
        output: how.
        response: of any RPC that answers once.
    """
    whole = record_of(response)
    if output is Output.JSON:
        console.file.write(json_text(whole) + "\n")
        return
    items = _list_in(response)
    if items is not None:
        _print_list(console, output, items.name, items.message_type, whole)
    elif whole:
        flat = _flat(response, whole)
        if output is Output.TABLE:
            flat = {name: _readable(value) for name, value in flat.items()}
        print_record(console, output, flat)
    elif output is Output.TABLE:
        console.print("done", style="dim")


def _print_list(
    console: Console, output: Output, name: str, items: Descriptor, whole: Mapping[str, Any]
) -> None:
    records = whole[name]
    if output is Output.TABLE:
        records = [{key: _readable(value) for key, value in record.items()} for record in records]
    names = [field.name for field in items.fields]
    told = [name for name in names if any(cell(record[name]) for record in records)]
    print_records(
        console,
        output,
        [_column(items, name) for name in names],
        records,
        table_titles=[_column(items, name) for name in told],
    )
    token = whole.get("next_page_token")
    if token and output is Output.TABLE:
        console.print(f"there are more: --page-token {token}", soft_wrap=True)


def _readable(value: Any) -> Any:
    """Return a list of words as people write one; CSV keeps JSON, which can be read back."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value


def _column(items: Descriptor, name: str) -> Column:
    field = items.fields_by_name[name]
    is_number = field.cpp_type in {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
    return Column(name, is_number and not field.is_repeated, name == "id" or name.endswith("_id"))


def _list_in(response: Message) -> Any:
    """Return the field that a response is a list of, None if it is no list."""
    descriptor: Any = response.DESCRIPTOR
    messages = [field for field in descriptor.fields if field.message_type is not None]
    lists = [field for field in messages if field.is_repeated]
    return lists[0] if len(messages) == len(lists) == 1 else None


def _flat(response: Message, whole: Mapping[str, Any]) -> Record:
    """Return a response as lines: its one entity's fields as they are, those deeper with a path."""
    parts = [
        field.name
        for field in response.DESCRIPTOR.fields
        if field.message_type is not None and isinstance(whole[field.name], Mapping)
    ]
    flat: dict[str, Any] = {}
    for name, value in whole.items():
        if [name] == parts:
            flat |= dict(_lines("", value))
        else:
            flat |= dict(_lines(name, value))
    return flat


def _lines(path: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not value:
        return [(path, value)]
    return [
        line
        for name, inner in value.items()
        for line in _lines(f"{path}.{name}" if path else name, inner)
    ]


def _value(message: Any, field: FieldDescriptor) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {str(key): _one(inner, each) for key, each in value.items()}
    if field.is_repeated:
        return [_one(field, each) for each in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _one(field, value)


def _one(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return value.ToDatetime(tzinfo=dt.UTC)
        if field.message_type.full_name.startswith("google.protobuf."):
            return json_format.MessageToDict(value)
        return record_of(value)
    if field.enum_type is not None:
        names = {number: name for name, number in contract.short_values(field.enum_type).items()}
        return names.get(value, None if value == 0 else value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return base64.b64encode(value).decode()
    return value
