"""A server that answers by script, for the tests of the client."""

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf import any_pb2, descriptor, duration_pb2, message_factory
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from ledger_client import RetryPolicy
from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    balances_pb2,
    charts_pb2,
    cursors_pb2,
    erasures_pb2,
    fiscal_years_pb2,
    holds_pb2,
    journals_pb2,
    limits_pb2,
    periods_pb2,
    rates_pb2,
    reports_pb2,
    transactions_pb2,
    tx_templates_pb2,
)

METHODS: Mapping[str, descriptor.MethodDescriptor] = {
    method.name: method
    for file in (
        account_sets_pb2,
        accounts_pb2,
        balances_pb2,
        erasures_pb2,
        charts_pb2,
        fiscal_years_pb2,
        cursors_pb2,
        holds_pb2,
        journals_pb2,
        limits_pb2,
        periods_pb2,
        rates_pb2,
        reports_pb2,
        transactions_pb2,
        tx_templates_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}

#: Fast enough for tests, and enough attempts to see that they end.
FAST_RETRY = RetryPolicy(attempts=4, backoff_seconds=0.01, backoff_seconds_max=0.02)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failure:
    """A call that fails, with what AIP-193 attaches."""

    status: grpc.StatusCode
    reason: str = ""
    message: str = "no"
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()
    retry_seconds: float | None = None
    domain: str = "ledger.v1"

    def to_status(self) -> Any:
        details: list[Message] = []
        if self.reason:
            details.append(
                error_details_pb2.ErrorInfo(
                    reason=self.reason, domain=self.domain, metadata=self.facts
                )
            )
        if self.violations:
            bad_request = error_details_pb2.BadRequest()
            for field, description in self.violations:
                bad_request.field_violations.add(field=field, description=description)
            details.append(bad_request)
        if self.retry_seconds is not None:
            delay = duration_pb2.Duration(nanos=round(self.retry_seconds * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        packed = []
        for detail in details:
            packed.append(any_pb2.Any())
            packed[-1].Pack(detail)
        return rpc_status.to_status(
            status_pb2.Status(code=self.status.value[0], message=self.message, details=packed)
        )


@dataclasses.dataclass(frozen=True)
class Silence:
    """A call that is not answered for so long."""

    seconds: float


class FakeLedger:
    """Answers each call with what was put down for its method, in order, the last for ever."""

    def __init__(self) -> None:
        self.address = ""
        self.calls: list[tuple[str, Message]] = []
        self._answers: defaultdict[str, list[Message | Failure | Silence]] = defaultdict(list)

    def answer(self, method: str, *answers: Message | Failure | Silence) -> None:
        self._answers[method] += answers

    def requests(self, method: str) -> list[Any]:
        return [request for name, request in self.calls if name == method]

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        by_service: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for name, method in METHODS.items():
            by_service[method.containing_service.full_name][name] = (
                grpc.unary_unary_rpc_method_handler(
                    self._handler(name),
                    request_deserializer=message_factory.GetMessageClass(
                        method.input_type
                    ).FromString,
                    response_serializer=lambda message: message.SerializeToString(),
                )
            )
        return [
            grpc.method_handlers_generic_handler(service, methods)
            for service, methods in by_service.items()
        ]

    def _handler(self, name: str) -> Callable[..., Any]:
        async def handle(request: Message, context: Any) -> Message:
            self.calls.append((name, request))
            script = self._answers[name]
            answer = script.pop(0) if len(script) > 1 else script[0]
            if isinstance(answer, Silence):
                await asyncio.sleep(answer.seconds)
                answer = message_factory.GetMessageClass(METHODS[name].output_type)()
            if isinstance(answer, Failure):
                await context.abort_with_status(answer.to_status())
            assert isinstance(answer, Message)
            return answer

        return handle
