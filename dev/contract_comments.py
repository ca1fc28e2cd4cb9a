"""The contract's comments, by the full name of what they stand at."""

import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent

#: Numbers of the fields that hold nested parts, in descriptor.proto.
MESSAGES, ENUMS, FIELDS, VALUES = 4, 5, 2, 2
NESTED_MESSAGES, NESTED_ENUMS = 3, 4
SERVICES, METHODS = 6, 2


def comments(contract: str = "ledger") -> dict[str, str]:
    """Return the comment of each message, field, enum, value, service and RPC as one paragraph.

    Of a fact's field in the ledger's `Event` it is the name of the event's type.

    Args:
        contract: a folder below proto/.
    """
    found: dict[str, str] = {}
    for file in _compiled(contract).file:
        texts = {
            tuple(location.path): location.leading_comments
            for location in file.source_code_info.location
        }
        for path, name in _parts(file):
            if text := texts.get(path):
                found[name] = re.sub(r"\s+", " ", text).strip()
    return found


def _compiled(contract: str) -> descriptor_pb2.FileDescriptorSet:
    sources = sorted(str(path) for path in (ROOT / "proto" / contract).rglob("*.proto"))
    with tempfile.NamedTemporaryFile() as target:
        status = protoc.main(
            [
                "protoc",
                f"-I{ROOT / 'proto'}",
                f"-I{files('grpc_tools') / '_proto'}",
                f"--descriptor_set_out={target.name}",
                "--include_source_info",
                *sources,
            ]
        )
        if status:
            sys.exit(status)
        return descriptor_pb2.FileDescriptorSet.FromString(Path(target.name).read_bytes())


def _parts(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Give the path and the full name of each part of a file."""
    for index, message in enumerate(file.message_type):
        yield from _of_message((MESSAGES, index), f"{file.package}.{message.name}", message)
    for index, enum in enumerate(file.enum_type):
        yield from _of_enum((ENUMS, index), f"{file.package}.{enum.name}", enum)
    for index, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (SERVICES, index), name
        for number, method in enumerate(service.method):
            yield (SERVICES, index, METHODS, number), f"{name}.{method.name}"


def _of_message(path: tuple[int, ...], name: str, message: Any) -> Iterator[Any]:
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, FIELDS, index), f"{name}.{field.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _of_message((*path, NESTED_MESSAGES, index), f"{name}.{nested.name}", nested)
    for index, enum in enumerate(message.enum_type):
        yield from _of_enum((*path, NESTED_ENUMS, index), f"{name}.{enum.name}", enum)


def _of_enum(path: tuple[int, ...], name: str, enum: Any) -> Iterator[Any]:
    yield path, name
    for index, value in enumerate(enum.value):
        yield (*path, VALUES, index), f"{name}.{value.name}"
