"""Templates between their message and the domain."""

from ledger_proto.v1 import tx_templates_pb2
from ledger_server.domain.errors import TemplateInvalidError, Violation
from ledger_server.domain.template import (
    EntryDefinition,
    Param,
    ParamType,
    Template,
    TransactionFields,
)
from ledger_server.store.transaction_codec import json_value


def template_of(message: tx_templates_pb2.TxTemplate) -> Template:
    """Return the template that `message` describes.

    Raises:
        TemplateInvalidError: a param without a known type, or a default that is a binary float.
    """
    violations: list[Violation] = []
    params: list[Param] = []
    for index, param in enumerate(message.params):
        place = f"params[{index}]"
        try:
            param_type = ParamType(param.type)
        except ValueError:
            violations.append(Violation(f"{place}.type", "required: one of the types listed"))
            continue
        has_default = param.HasField("default_value")
        try:
            default = json_value(param.default_value, "default") if has_default else None
        except ValueError as error:
            violations.append(Violation(f"{place}.default_value", str(error)))
            continue
        params.append(
            Param(
                name=param.name,
                type=param_type,
                has_default=has_default,
                default=default,
                description=param.description,
            )
        )
    if violations:
        raise TemplateInvalidError(message.code, tuple(violations))
    fields = message.transaction
    return Template(
        code=message.code,
        version=message.version,
        description=message.description,
        params=tuple(params),
        transaction=TransactionFields(
            effective_date=fields.effective_date,
            description=fields.description,
            external_id=fields.external_id,
            correlation_id=fields.correlation_id,
            metadata=fields.metadata,
        ),
        entries=tuple(
            EntryDefinition(
                account=entry.account,
                direction=entry.direction,
                layer=entry.layer,
                units=entry.units,
                currency=entry.currency,
                when=entry.when,
                for_each=entry.for_each,
            )
            for entry in message.entries
        ),
    )
