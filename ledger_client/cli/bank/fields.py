"""Fields of a request as options of a command, and what was typed as a request."""

import dataclasses
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from ledger_client.cli.arguments import parse_moment, parse_span
from ledger_client.cli.bank import contract

#: Fields that every command has options of its own for.
SHARED_FIELDS: Final = frozenset({"tenant", "request_id"})
#: Options of every command: a field with such a name is `--field-<name>`.
_TAKEN: Final = frozenset({"address", "token", "timeout", "output", "json", "help"})
_TIMESTAMP: Final = "google.protobuf.Timestamp"
_DURATION: Final = "google.protobuf.Duration"
_KINDS: Final = {
    FieldDescriptor.TYPE_BYTES: "FILE",
    FieldDescriptor.TYPE_STRING: "TEXT",
    FieldDescriptor.TYPE_DOUBLE: "NUMBER",
    FieldDescriptor.TYPE_FLOAT: "NUMBER",
}


@dataclasses.dataclass(frozen=True, slots=True)
class RequestField:
    """A field of a request, or of a message in it."""

    #: From the request's own field inwards.
    path: Sequence[FieldDescriptor]

    @property
    def last(self) -> FieldDescriptor:
        """The field itself."""
        return self.path[-1]

    @property
    def parameter(self) -> str:
        """Its name as a parameter of a function."""
        name = "_".join(each.name for each in self.path)
        return f"field_{name}" if name in _TAKEN else name

    @property
    def option(self) -> str:
        """As it is typed."""
        return f"--{self.parameter.replace('_', '-')}"

    @property
    def metavar(self) -> str:
        """What is to be typed behind it."""
        field = self.last
        if _is_map(field):
            return "KEY=VALUE"
        if field.enum_type is not None:
            return "VALUE"
        if field.message_type is not None:
            names = {_TIMESTAMP: "MOMENT", _DURATION: "SPAN"}
            return names.get(field.message_type.full_name, "JSON")
        return _KINDS.get(field.type, "N")

    @property
    def _help(self) -> str:
        text = contract.comment(self.last.full_name)
        if self.last.enum_type is None:
            return text
        values = ", ".join(f"`{name}`" for name in contract.short_values(self.last.enum_type))
        return f"{text} One of {values}."

    def as_parameter(self) -> inspect.Parameter:
        """Return it as a parameter of a command's function."""
        is_flag = self.last.type == FieldDescriptor.TYPE_BOOL and not self.last.is_repeated
        # Where false is another thing than nothing, it has to be possible to say it.
        negated = f"/--no-{self.option[2:]}" if is_flag and self.last.has_presence else ""
        option: Any = typer.Option(
            self.option + negated,
            help=self._help,
            metavar=None if is_flag else self.metavar,
            show_default=False,
        )
        kind: Any = list[str] if self.last.is_repeated else bool if is_flag else str
        return inspect.Parameter(
            self.parameter,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[kind | None, option],
        )

    def put(self, request: Message, typed: Any) -> None:
        """Set it to what was typed.

        Raises:
            typer.BadParameter: it cannot be that.
        """
        message: Any = request
        for each in self.path[:-1]:
            message = getattr(message, each.name)
            message.SetInParent()
        try:
            _put(message, self.last, typed)
        except (ValueError, TypeError, OSError, json_format.ParseError) as error:
            raise typer.BadParameter(f"{self.option}: {error}") from error


def fields_of(request: Descriptor) -> list[RequestField]:
    """Return the fields of a request that are options of its command."""
    return [each for each in _fields(request, ()) if each.path[0].name not in SHARED_FIELDS]


def fill(request: Message, typed: Mapping[str, Any]) -> None:
    """Set a request's fields.

    Args:
        request: to be filled.
        typed: by parameter; None for what was not.

    Raises:
        typer.BadParameter: a field cannot be what was typed.
    """
    descriptor: Any = request.DESCRIPTOR
    for field in fields_of(descriptor):
        value = typed.get(field.parameter)
        if value is not None:
            field.put(request, value)


def _fields(message: Descriptor, above: tuple[FieldDescriptor, ...]) -> Iterator[RequestField]:
    for field in message.fields:
        path = (*above, field)
        inner = field.message_type
        if inner is None or field.is_repeated or inner.full_name.startswith("google."):
            yield RequestField(path)
        elif inner in [each.containing_type for each in path]:
            yield RequestField(path)  # a message within its own kind: as JSON
        else:
            yield from _fields(inner, path)


def _put(message: Any, field: FieldDescriptor, typed: Any) -> None:
    if _is_map(field):
        for pair in typed:
            key, equals, value = pair.partition("=")
            if not equals:
                raise ValueError(f"{pair!r} is not key=value")
            getattr(message, field.name)[key] = value
    elif field.message_type is not None:
        texts = typed if field.is_repeated else [typed]
        for text in texts:
            place = getattr(message, field.name)
            _put_message(place.add() if field.is_repeated else place, text)
    elif field.is_repeated:
        getattr(message, field.name).extend([_scalar(field, each) for each in typed])
    else:
        setattr(message, field.name, _scalar(field, typed))


def _put_message(message: Any, text: str) -> None:
    match message.DESCRIPTOR.full_name:
        case "google.protobuf.Timestamp":
            message.FromDatetime(parse_moment(text))
        case "google.protobuf.Duration":
            message.FromTimedelta(parse_span(text))
        case _:
            json_format.ParseDict(json.loads(text), message)


def _scalar(field: FieldDescriptor, typed: Any) -> Any:
    if field.enum_type is not None:
        return _enum(field.enum_type, typed)
    match field.type:
        case FieldDescriptor.TYPE_STRING | FieldDescriptor.TYPE_BOOL:
            return typed
        case FieldDescriptor.TYPE_BYTES:
            return Path(typed).read_bytes()
        case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FLOAT:
            return float(typed)
        case _:
            return int(typed)


def _enum(enum: EnumDescriptor, typed: str) -> int:
    values = contract.short_values(enum)
    number = values.get(typed.lower().replace("_", "-"))
    if number is None and typed in enum.values_by_name:
        number = enum.values_by_name[typed].number
    if number is None:
        raise ValueError(f"{typed!r} is none of {', '.join(values)}")
    return number


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)
