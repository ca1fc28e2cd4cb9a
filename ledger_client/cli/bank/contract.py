"""What can be asked of a bank, read from the generated code of its contract."""

import functools
import importlib
import json
import pkgutil
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor, MethodDescriptor

import bank_proto

#: Its RPCs have a command of their own, which is not made from the contract.
EVENTS: Final = "events"


def modules() -> Sequence[str]:
    """Return the names of the modules of a bank, by name."""
    return sorted(each.name for each in pkgutil.iter_modules(bank_proto.__path__))


def methods(module: str) -> Mapping[str, MethodDescriptor]:
    """Return the RPCs of a module that answer once, by the name of their command.

    Raises:
        ValueError: two of them would have the same.
    """
    found: dict[str, MethodDescriptor] = {}
    for generated in _generated(module):
        for service in generated.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                if method.client_streaming or method.server_streaming:
                    continue
                name = kebab(method.name)
                if name in found:
                    raise ValueError(f"two RPCs of {module} would be the command {name}")
                found[name] = method
    return dict(sorted(found.items()))


def comment(full_name: str) -> str:
    """Return what the contract says of a part of it, such as `bank.time.v1.Calendar.timezone`."""
    package, module, version, *_ = full_name.split(".")
    return _comments(f"{package}_proto.{module}.{version}").get(full_name, "")


def first_sentence(text: str) -> str:
    """Return the first sentence of a comment."""
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]


def service_comment(module: str) -> str:
    """Return what the contract says of a module's services."""
    texts = {comment(method.containing_service.full_name) for method in methods(module).values()}
    return " ".join(sorted(texts))


def kebab(name: str) -> str:
    """Return the words of a name of the contract in lower case, with hyphens between."""
    return _words(name).lower().replace("_", "-")


def short_values(enum: EnumDescriptor) -> Mapping[str, int]:
    """Return the values of an enum by their names without its own: `pending`, `auto-approve`.

    The one that stands for none is left out.
    """
    prefix = f"{_words(enum.name).upper()}_"
    return {
        value.name.removeprefix(prefix).lower().replace("_", "-"): value.number
        for value in enum.values
        if value.number != 0
    }


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def _generated(module: str) -> Sequence[Any]:
    """Return the generated code of a module, imported."""
    package = importlib.import_module(f"{bank_proto.__name__}.{module}")
    names = [
        each.name
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if each.name.endswith("_pb2")
    ]
    return [importlib.import_module(name) for name in sorted(names)]


@functools.cache
def _comments(package: str) -> Mapping[str, str]:
    text = (files(package) / "comments.json").read_text(encoding="utf-8")
    found: Mapping[str, str] = json.loads(text)
    return found
