"""From the values of callers to messages."""

import datetime as dt
import enum
from collections.abc import Mapping
from uuid import UUID

from ledger_client.convert.params import to_struct, to_value
from ledger_client.models import (
    AccountCategory,
    AccountStatus,
    Direction,
    EntryDefinition,
    Layer,
    NewAccount,
    NewTxTemplate,
    NoDefault,
    Param,
    Posting,
    Reference,
    TransactionFields,
)
from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    common_pb2,
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


def new_account(account: NewAccount) -> accounts_pb2.NewAccount:
    """Return an account to create."""
    return accounts_pb2.NewAccount(
        id=optional_id(account.id),
        code=account.code,
        name=account.name,
        normal_side=direction(account.normal_side),
        metadata=metadata(account.metadata),
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
