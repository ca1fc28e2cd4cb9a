"""The rules of structure that no other tool checks."""

import ast
import dataclasses
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from ledger_client import LedgerClient
from ledger_proto import v1
from ledger_server.api.errors import CODES
from ledger_server.app import App
from ledger_server.domain import errors
from ledger_server.domain.errors import Kind, LedgerError

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("ledger_server", "ledger_client", "tests", "dev", "benchmarks")
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))
SERVER_FILES = sorted((ROOT / "ledger_server").rglob("*.py"))
SQL_FILES = sorted((ROOT / "ledger_server" / "store" / "sql").glob("*.sql"))
PROTO_FILES = sorted((ROOT / "proto" / "ledger" / "v1").glob("*.proto"))

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
#: Names that say nothing of what is in the module.
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "base", "manager", "misc"}

REFUSALS = [
    each
    for each in vars(errors).values()
    if inspect.isclass(each) and issubclass(each, LedgerError) and each is not LedgerError
]


def shown(file: Path) -> str:
    return str(file.relative_to(ROOT))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text(), shown(file))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


class TestSizes:
    def test_files(self) -> None:
        counts = {shown(file): len(file.read_text().splitlines()) for file in FILES}
        assert {name: count for name, count in counts.items() if count > FILE_LINES_MAX} == {}

    def test_functions(self) -> None:
        long = {}
        for file in FILES:
            for node in functions(file):
                assert node.end_lineno is not None
                count = node.end_lineno - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    long[f"{shown(file)}:{node.lineno} {node.name}"] = count
        assert long == {}


def test_every_module_is_named_for_what_is_in_it() -> None:
    names = {shown(file): {file.stem.lstrip("_"), *file.relative_to(ROOT).parts} for file in FILES}
    stems = {
        name: {word for part in parts for word in part.removesuffix(".py").split("_")}
        for name, parts in names.items()
    }
    assert [name for name, words in stems.items() if words & EMPTY_NAMES] == []


class TestBankingModules:
    """Modules of the bank look alike, so who knows one finds his way in the next."""

    #: Beside `reactions`, where a module has any, and files of its own.
    NAMES: ClassVar = {
        "__init__", "api", "errors", "events", "module", "permissions", "service", "settings",
    }  # fmt: skip
    MODULES: ClassVar = sorted(
        file.parent for file in (ROOT / "ledger_client" / "banking").glob("*/module.py")
        if file.parent.name != "foundation"
    )  # fmt: skip

    @pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
    def test_the_same_files_in_each(self, module: Path) -> None:
        names = {file.stem for file in module.glob("*.py")}
        assert names >= self.NAMES
        assert any(name.endswith("rules") for name in names), "what it decides is pure"

    def test_there_are_some(self) -> None:
        assert len(self.MODULES) >= 5


def test_nothing_is_printed() -> None:
    """But for the one line that says where the server listens, and what `--help` and errors say."""
    found = [
        f"{shown(file)}:{node.lineno}"
        for file in SERVER_FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and "noqa: T201" not in file.read_text().splitlines()[node.end_lineno - 1]  # type: ignore[operator]
    ]
    assert found == []


class TestQueries:
    """A named query stands in `sql/<noun>.sql` and is used by the store module of its noun."""

    NAMES: ClassVar = {
        file.stem: re.findall(r"^-- (\w+) --$", file.read_text(), re.MULTILINE)
        for file in SQL_FILES
    }

    def test_a_name_is_there_once(self) -> None:
        counts = Counter(name for names in self.NAMES.values() for name in names)
        assert [name for name, count in counts.items() if count > 1] == []
        assert all(self.NAMES.values())

    @pytest.mark.parametrize("file", SQL_FILES, ids=lambda file: file.stem)
    def test_used_by_its_module(self, file: Path) -> None:
        module = ROOT / "ledger_server" / "store" / f"{file.stem}.py"
        texts = {
            node.value
            for node in ast.walk(ast.parse(module.read_text()))
            if isinstance(node, ast.Constant)
        }
        assert [name for name in self.NAMES[file.stem] if name not in texts] == []

    @pytest.mark.parametrize("file", SQL_FILES, ids=lambda file: file.stem)
    def test_loaded_by_its_module_alone(self, file: Path) -> None:
        load = f'load("{file.stem}")'
        loaders = [shown(one) for one in SERVER_FILES if load in one.read_text()]
        assert loaders == [f"ledger_server/store/{file.stem}.py"]

    def test_no_statement_stands_in_the_code(self) -> None:
        """But for those who connect, who know none of these tables yet."""
        statement = re.compile(
            r"\b(SELECT\s+[\w*(]|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)"
        )
        allowed = {"ledger_server/store/migrations.py", "ledger_server/store/pools.py"}
        found = [
            f"{shown(file)}:{node.lineno}"
            for file in SERVER_FILES
            if shown(file) not in allowed
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and statement.search(node.value)
        ]
        assert found == []


class TestRefusals:
    """Each has a reason of its own, in the form that AIP-193 asks for, and its page."""

    #: From reason to (code, facts): `## REASON`, then a line ``CODE` · `fact`, `fact``.
    DOCUMENTED: ClassVar = dict(
        re.findall(
            r"^### ([A-Z_]+)\n\n(`[A-Z_]+`[^\n]*)$",
            (ROOT / "docs" / "errors.md").read_text(),
            re.MULTILINE,
        )
    )

    def test_every_reason_is_one_refusal(self) -> None:
        reasons = Counter(each.reason for each in REFUSALS)
        assert [reason for reason, count in reasons.items() if count > 1] == []
        assert [
            one for one in reasons if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,61}[A-Z0-9]", one)
        ] == []

    @pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.reason)
    def test_is_exported_under_the_name_of_its_reason(self, refusal: type[LedgerError]) -> None:
        words = re.findall("[A-Z][a-z]*", refusal.__name__.removesuffix("Error"))
        assert refusal.reason == "_".join(words).upper()
        assert refusal.__name__ in errors.__all__

    @pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.reason)
    def test_is_documented(self, refusal: type[LedgerError]) -> None:
        """With its code and the facts that it carries, in their order."""
        fields = [field.name for field in dataclasses.fields(refusal)]
        facts = ", ".join(f"`{name}`" for name in fields if name != "violations") or "no facts"
        assert self.DOCUMENTED.get(refusal.reason) == f"`{CODES[refusal.kind].name}` · {facts}"

    def test_nothing_else_is_documented(self) -> None:
        assert self.DOCUMENTED.keys() == {refusal.reason for refusal in REFUSALS}

    def test_every_kind_has_its_code(self) -> None:
        assert CODES.keys() == set(Kind)
        assert len(set(CODES.values())) == len(Kind)

    def test_no_refusal_is_defined_elsewhere_with_a_reason(self) -> None:
        """Elsewhere they may only pass on the reason of another one."""
        found = [
            f"{shown(file)}:{node.lineno}"
            for file in SERVER_FILES
            if file.parent.name != "errors"
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and any(isinstance(name, ast.Name) and name.id == "reason" for name in node.targets)
        ]
        assert found == []


def methods() -> list[tuple[str, str]]:
    """Return service and method of every RPC in the contract."""
    found = []
    for file in PROTO_FILES:
        service = ""
        for line in file.read_text().splitlines():
            if match := re.match(r"service (\w+)", line):
                service = match[1]
            elif match := re.match(r"\s+rpc (\w+)\(", line):
                found.append((service, match[1]))
    return found


class TestContract:
    def test_the_contract_was_read(self) -> None:
        assert len(methods()) > 20
        assert v1.__name__ == "ledger_proto.v1"

    @pytest.mark.parametrize(("service", "method"), methods())
    def test_every_rpc_is_served(self, service: str, method: str) -> None:
        served = {
            base.__name__.removesuffix("Servicer"): kind
            for kind in servicers()
            for base in kind.__bases__
        }
        assert method in vars(served[service]), f"{service}.{method} answers UNIMPLEMENTED"
        assert f"ledger.v1.{service}" in App.service_names

    @pytest.mark.parametrize(("service", "method"), methods())
    def test_every_rpc_has_its_method_in_the_client(self, service: str, method: str) -> None:
        stub = "_" + re.sub("(?<!^)(?=[A-Z])", "_", service.removesuffix("Service")).lower() + "s"
        calls = [
            node.attr
            for file in (ROOT / "ledger_client" / "calls").glob("*.py")
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == stub
        ]
        assert method in calls
        assert any(
            base.__module__.startswith("ledger_client.calls") for base in LedgerClient.__mro__
        )


def servicers() -> list[type]:
    """Return the classes that serve the contract."""
    found = []
    for file in (ROOT / "ledger_server" / "api").glob("*.py"):
        module = __import__(f"ledger_server.api.{file.stem}", fromlist=["_"])
        found += [
            each
            for each in vars(module).values()
            if inspect.isclass(each) and each.__module__ == module.__name__
        ]
    return found


def test_migrations_are_named_in_order() -> None:
    names = sorted(file.name for file in (ROOT / "migrations").iterdir())
    assert [name for name in names if not re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", name)] == []
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_every_domain_module_has_its_test() -> None:
    """Or is exercised by the one of the module that it was cut from."""
    tests = {file.stem for file in (ROOT / "tests" / "domain").rglob("test_*.py")}
    without = {"errors", "expression", "report", "account", "journal", "iso4217", "template"}
    without |= {"transaction", "limit"}
    domain = ROOT / "ledger_server" / "domain"
    modules = {file.stem for file in domain.glob("*.py")} - {"__init__"}
    modules |= {file.stem for file in (domain / "report").glob("*.py")} - {"__init__"}
    assert sorted(f"test_{name}" for name in modules - without if f"test_{name}" not in tests) == []
