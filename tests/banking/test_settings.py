"""Whoever lists the settings of a module reads what each is for."""

import importlib

import pytest

from bank_proto.operations.v1 import operations_pb2 as pb
from bank_proto.operations.v1.operations_pb2_grpc import OperationsServiceStub
from ledger_client.banking.foundation.module import TenantSettings
from ledger_client.banking.host import MODULES
from tests.banking.bank import bank_in_process


@pytest.mark.parametrize("module", MODULES)
def test_every_setting_is_described(module: str) -> None:
    settings = importlib.import_module(f"ledger_client.banking.{module}.settings")
    models = [each for each in vars(settings).values() if isinstance(each, type)]
    (model,) = {each for each in models if issubclass(each, TenantSettings)} - {TenantSettings}
    fields = model.model_fields.items()
    assert [name for name, field in fields if not (field.description or "").endswith(".")] == []


async def test_the_api_tells_it(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "governance") as bank:
        stub = OperationsServiceStub(bank.channel)
        answer = await bank.call(stub.GetSettings, pb.GetSettingsRequest(module="governance"))
        (setting,) = answer.settings.settings
        assert setting.description.startswith("Whether a process may be approved without a vote")
