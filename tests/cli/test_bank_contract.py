"""The commands of `ledgerctl bank` are those of the contract, with its words."""

import importlib
import io
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from rich.console import Console

import bank_proto
from bank_proto.customer.v1 import documents_pb2
from bank_proto.governance.v1 import governance_pb2
from ledger_client.cli.bank import commands, contract
from ledger_client.cli.bank.answers import print_answer, record_of
from ledger_client.cli.bank.fields import SHARED_FIELDS, fields_of, fill
from ledger_client.cli.rendering import Output
from tests.cli.conftest import Ledgerctl

MODULES = [name for name in contract.modules() if name != contract.EVENTS]


def rpcs() -> Iterator[MethodDescriptor]:
    """Every RPC that answers once, found without the code under test."""
    for each in pkgutil.walk_packages(bank_proto.__path__, "bank_proto."):
        if each.name.endswith("_pb2") and not each.name.startswith("bank_proto.events."):
            services = importlib.import_module(each.name).DESCRIPTOR.services_by_name
            for service in services.values():
                yield from (
                    method
                    for method in service.methods
                    if not (method.client_streaming or method.server_streaming)
                )


def test_every_rpc_is_a_command_and_every_field_an_option() -> None:
    group: Any = typer.main.get_command(commands.app)
    expected = list(rpcs())
    count = 0
    for module in MODULES:
        made = group.get_command(None, module).commands
        count += len(made)
        for name, method in contract.methods(module).items():
            options = [option for each in made[name].params for option in each.opts]
            assert len(options) == len(set(options)), f"{module} {name}: an option twice"
            for field in fields_of(method.input_type):
                assert field.option in options
                assert contract.comment(field.last.full_name), (
                    f"{field.last.full_name} says nothing"
                )
            top = {each.path[0].name for each in fields_of(method.input_type)}
            assert top | SHARED_FIELDS >= {field.name for field in method.input_type.fields}
            assert made[name].help == contract.comment(method.full_name)
    assert count == len(expected) > 70
    assert {method.full_name.split(".")[1] for method in expected} == set(MODULES)


def test_help_shows_the_contracts_words(ledgerctl: Ledgerctl) -> None:
    shown = ledgerctl("bank", "governance", "list-processes", "--help")
    assert shown.exit_code == 0
    for part in ("--waiting-for-me", "--page-token", "Lists processes, oldest", "expired"):
        assert part in shown.stdout
    assert "Decides whether something may" in ledgerctl("bank", "--help").stdout
    assert ledgerctl("bank", "nothing-such").exit_code == 2


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"status": "pending"}, {"status": "pending"}),
        ({"status": "PROCESS_STATUS_DENIED"}, {"status": "denied"}),
        ({"waiting_for_me": True, "page_size": "7"}, {"waiting_for_me": True, "page_size": 7}),
    ],
)
def test_what_is_typed_becomes_the_request(typed: dict[str, Any], expected: dict[str, Any]) -> None:
    request = governance_pb2.ListProcessesRequest()
    fill(request, typed)
    assert expected.items() <= record_of(request).items()


@pytest.mark.parametrize(
    "typed", [{"status": "open"}, {"page_size": "x"}, {"page_size": "99999999999"}]
)
def test_what_cannot_be_is_refused_by_the_option(typed: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter) as refusal:
        fill(governance_pb2.ListProcessesRequest(), typed)
    (name,) = typed
    assert f"--{name.replace('_', '-')}" in str(refusal.value)


def test_messages_within_and_files(tmp_path: Any) -> None:
    request = governance_pb2.SetPolicyRequest()
    fill(request, {"rules_kind": "auto-approve", "rules_threshold": "0"})
    assert request.HasField("rules")
    assert request.rules.kind == governance_pb2.RULE_KIND_AUTO_APPROVE
    contents = [
        field
        for field in fields_of(documents_pb2.UploadDocumentRequest.DESCRIPTOR)
        if field.metavar == "FILE"
    ]
    (tmp_path / "pass.pdf").write_bytes(b"\x00\xff")
    upload = documents_pb2.UploadDocumentRequest()
    fill(upload, {contents[0].parameter: str(tmp_path / "pass.pdf")})
    assert getattr(upload, contents[0].last.name) == b"\x00\xff"
    with pytest.raises(typer.BadParameter):
        fill(upload, {contents[0].parameter: str(tmp_path / "nothing.pdf")})


def test_nothing_is_sent_without_a_tenant_or_a_bank(
    ledgerctl: Ledgerctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEDGER_BANK_TENANT", raising=False)
    monkeypatch.setenv("LEDGER_BANK_ADDRESS", "127.0.0.1:9")
    unnamed = ledgerctl("bank", "governance", "list-policies")
    assert unnamed.exit_code == 2
    assert "--tenant CODE" in unnamed.stderr
    nobody = ledgerctl("bank", "--tenant", "B", "governance", "create-committee", "--name", "X")
    assert nobody.exit_code == 7
    assert "to repeat it safely, add --request-id" in nobody.stderr


def test_every_message_can_be_shown() -> None:
    for method in rpcs():
        response: Any = message_factory.GetMessageClass(method.output_type)()
        assert list(record_of(response)) == [field.name for field in method.output_type.fields]


def test_words_are_listed_for_people_and_kept_as_json_for_programs() -> None:
    response = governance_pb2.GetCommitteeResponse(
        committee=governance_pb2.Committee(name="Credit", member_ids=["ann", "bob"])
    )

    def printed(output: Output) -> str:
        console = Console(file=io.StringIO(), highlight=False, markup=False)
        print_answer(console, output, response)
        return str(console.file.getvalue())  # type: ignore[attr-defined]  # of the StringIO

    assert "member_ids   ann, bob" in printed(Output.TABLE)
    assert '"[""ann"", ""bob""]"' in printed(Output.CSV)
    assert json.loads(printed(Output.JSON))["committee"]["member_ids"] == ["ann", "bob"]
    lists = governance_pb2.ListPoliciesResponse(next_page_token="7")  # of a page
    console = Console(file=io.StringIO())
    print_answer(console, Output.TABLE, lists)
    assert "--page-token 7" in console.file.getvalue()  # type: ignore[attr-defined]
