"""From the values of callers to messages."""

import datetime as dt
import enum
from collections.abc import Mapping
from uuid import UUID

from google.protobuf import struct_pb2, timestamp_pb2

from ledger_client.convert.params import to_struct, to_value
from ledger_client.models import (
    AccountCategory,
    AccountStatus,
    Direction,
    EntryDefinition,
    HoldStatus,
    Layer,
    LimitScope,
    NewAccount,
    NewTxTemplate,
    NoDefault,
    Param,
    ParamValue,
    Posting,
    Reference,
    TransactionFields,
    VelocityMeasure,
    VelocityWindow,
)
from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    common_pb2,
    holds_pb2,
    limits_pb2,
    transactions_pb2,
    tx_templates_pb2,
)


def reference(value: Reference) -> str:
    """Return the code or id by which something is named."""
    return str(value)


def optional_reference(value: Reference | None) -> str:
    """Return the code or id, empty for None."""
    return "" if value is None else str(value)


def optional_id(value: UUID | None) -> str:
    """Return the id, empty for None."""
    return "" if value is None else str(value)


def date(value: dt.date | None) -> str:
    """Return YYYY-MM-DD, empty for None.

    Raises:
        TypeError: an instant was given, which is a date only in some time zone.
    """
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        raise TypeError(f"give a civil date, not the instant {value.isoformat()}")
    return value.isoformat()


def instant(value: dt.datetime | None, place: str) -> timestamp_pb2.Timestamp | None:
    """Return the moment, None for None; `place` names it in errors.

    Raises:
        ValueError: it has no offset, so nobody knows which moment it is.
    """
    if value is None:
        return None
    if value.utcoffset() is None:
        raise ValueError(f"{place}: an instant needs an offset, such as tzinfo=UTC")
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(value)
    return message


def params(value: Mapping[str, ParamValue] | None) -> struct_pb2.Struct | None:
    """Return params that differ from those of another transaction; None for none.

    Raises:
        TypeError: a param is a float; names it.
        ValueError: as in `transaction_request`.
    """
    return to_struct(value) if value else None


def direction(value: Direction | None) -> common_pb2.Direction.ValueType:
    """Return the side, unspecified for None."""
    return common_pb2.Direction.Value(_name("DIRECTION", Direction, value))


def layer(value: Layer | None) -> common_pb2.Layer.ValueType:
    """Return the layer, unspecified for None."""
    return common_pb2.Layer.Value(_name("LAYER", Layer, value))


def account_status(value: AccountStatus | None) -> accounts_pb2.AccountStatus.ValueType:
    """Return the status, unspecified for None."""
    return accounts_pb2.AccountStatus.Value(_name("ACCOUNT_STATUS", AccountStatus, value))


def account_category(
    value: AccountCategory | None,
) -> account_sets_pb2.AccountCategory.ValueType:
    """Return the category, unspecified for None."""
    return account_sets_pb2.AccountCategory.Value(_name("ACCOUNT_CATEGORY", AccountCategory, value))


def hold_status(value: HoldStatus | None) -> holds_pb2.HoldStatus.ValueType:
    """Return the status, unspecified for None."""
    return holds_pb2.HoldStatus.Value(_name("HOLD_STATUS", HoldStatus, value))


def limit_scope(value: LimitScope | None) -> limits_pb2.LimitScope.ValueType:
    """Return the scope, unspecified for None."""
    return limits_pb2.LimitScope.Value(_name("LIMIT_SCOPE", LimitScope, value))


def velocity_measure(value: VelocityMeasure | None) -> limits_pb2.VelocityMeasure.ValueType:
    """Return the measure, unspecified for None."""
    return limits_pb2.VelocityMeasure.Value(_name("VELOCITY_MEASURE", VelocityMeasure, value))


def velocity_window(value: VelocityWindow | None) -> limits_pb2.VelocityWindow.ValueType:
    """Return the window, unspecified for None."""
    return limits_pb2.VelocityWindow.Value(_name("VELOCITY_WINDOW", VelocityWindow, value))


def new_account(account: NewAccount) -> accounts_pb2.NewAccount:
    """Return an account to create."""
    return accounts_pb2.NewAccount(
        id=optional_id(account.id),
        code=account.code,
        name=account.name,
        normal_side=direction(account.normal_side),
        metadata=metadata(account.metadata),
        account_sets=map(reference, account.account_sets),
    )


def metadata(value: Mapping[str, str] | None) -> dict[str, str]:
    """Return the caller's own facts, none for None."""
    return dict(value or {})


def new_tx_template(template: NewTxTemplate) -> tx_templates_pb2.TxTemplate:
    """Return a template to create.

    Raises:
        TypeError: a default is a float; names the param.
    """
    return tx_templates_pb2.TxTemplate(
        code=template.code,
        description=template.description,
        params=[_param(param) for param in template.params],
        transaction=_transaction_fields(template.transaction),
        entries=[_entry_definition(entry) for entry in template.entries],
    )


def transaction_request(posting: Posting) -> transactions_pb2.TransactionRequest:
    """Return what is to be posted.

    Raises:
        TypeError: a param is a float; names it.
        ValueError: a param is NaN, infinite, or an instant without an offset; names it.
    """
    return transactions_pb2.TransactionRequest(
        transaction_id=str(posting.transaction_id),
        template_code=posting.template_code,
        template_version=posting.template_version or 0,
        params=to_struct(posting.params),
        effective_date=date(posting.effective_date),
        description=posting.description or "",
        external_id=posting.external_id or "",
        correlation_id=posting.correlation_id or "",
        metadata=metadata(posting.metadata),
        behind_soft_lock=posting.behind_soft_lock,
    )


def _param(param: Param) -> tx_templates_pb2.Param:
    default = param.default
    return tx_templates_pb2.Param(
        name=param.name,
        type=tx_templates_pb2.ParamType.Value(f"PARAM_TYPE_{param.type.name}"),
        description=param.description,
        default_value=(
            None
            if isinstance(default, NoDefault)
            else to_value(default, f"params.{param.name}.default")
        ),
    )


def _transaction_fields(fields: TransactionFields) -> tx_templates_pb2.TransactionFields:
    return tx_templates_pb2.TransactionFields(
        effective_date=fields.effective_date,
        description=fields.description,
        external_id=fields.external_id,
        correlation_id=fields.correlation_id,
        metadata=fields.metadata,
    )


def _entry_definition(entry: EntryDefinition) -> tx_templates_pb2.EntryDefinition:
    return tx_templates_pb2.EntryDefinition(
        account=entry.account,
        direction=entry.direction,
        layer=entry.layer,
        units=entry.units,
        currency=entry.currency,
        when=entry.when,
        for_each=entry.for_each,
    )


def _name(prefix: str, enum_class: type[enum.StrEnum], value: str | None) -> str:
    """Return the name of an enum value on the wire; also takes the plain string "DEBIT"."""
    return f"{prefix}_UNSPECIFIED" if value is None else f"{prefix}_{enum_class(value).name}"
