"""Commands to post, decoded: the fields that postings, holds and reversals share."""

from collections.abc import Mapping
from typing import Final, TypedDict

from google.protobuf.struct_pb2 import Struct

from ledger_proto.v1 import holds_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.api.fields import (
    CODE_LENGTH_MAX,
    DESCRIPTION_LENGTH_MAX,
    ID_LENGTH_MAX,
    date_field,
    metadata_field,
    text_field,
    uuid_field,
)
from ledger_server.domain.errors import FieldInvalidError, ParamInvalidError
from ledger_server.domain.template import Json
from ledger_server.domain.transaction import PostCommand
from ledger_server.store.transaction_codec import struct_values

_VERSION_MAX: Final = 2**31 - 1

#: Requests with these fields, which they may leave empty.
_Request = pb.TransactionRequest | pb.ReverseTransactionRequest | holds_pb2.CaptureHoldRequest


class OptionalFields(TypedDict):
    """Its fields decoded: None where the request gave nothing."""

    description: str | None
    external_id: str | None
    correlation_id: str | None
    metadata: Mapping[str, str] | None


def optional_fields(given: _Request, prefix: str = "") -> OptionalFields:
    """Decode optional fields; `prefix` stands before their names in refusals."""
    description, external_id = given.description, given.external_id
    correlation_id, metadata = given.correlation_id, given.metadata
    if description:
        text_field(f"{prefix}description", description, DESCRIPTION_LENGTH_MAX)
    if external_id:
        text_field(f"{prefix}external_id", external_id, ID_LENGTH_MAX)
    if correlation_id:
        text_field(f"{prefix}correlation_id", correlation_id, ID_LENGTH_MAX)
    return {
        "description": description or None,
        "external_id": external_id or None,
        "correlation_id": correlation_id or None,
        "metadata": metadata_field(f"{prefix}metadata", metadata) if metadata else None,
    }


def params_field(params: Struct) -> dict[str, Json]:
    """Return params as JSON values.

    Raises:
        ParamInvalidError: a number that is no whole number.
    """
    try:
        return struct_values(params)
    except ValueError as error:
        name, _, problem = str(error).partition(": ")
        raise ParamInvalidError(name, problem) from error


def transaction_command(field: str, request: pb.TransactionRequest) -> PostCommand:
    """Return what is asked for.

    Raises:
        FieldInvalidError: a field breaks a rule of form.
        ParamInvalidError: a param is a number that is no whole number.
    """
    transaction_id = uuid_field(f"{field}.transaction_id", request.transaction_id)
    template_code = request.template_code
    if not template_code or len(template_code) > CODE_LENGTH_MAX or "\0" in template_code:
        raise FieldInvalidError(f"{field}.template_code", "required: a template's code")
    if not 0 <= request.template_version <= _VERSION_MAX:
        raise FieldInvalidError(f"{field}.template_version", "negative")
    return PostCommand(
        transaction_id=transaction_id,
        template_code=template_code,
        template_version=request.template_version or None,
        params=params_field(request.params),
        params_as_given=request.params,
        effective=date_field(f"{field}.effective_date", request.effective_date),
        behind_soft_lock=request.behind_soft_lock,
        **optional_fields(request, f"{field}."),
    )
