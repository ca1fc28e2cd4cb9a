"""Generates the Python of the contracts: proto/ledger -> ledger_proto, proto/bank -> bank_proto.

protoc writes imports such as `from ledger.v1 import x_pb2`; a top-level `ledger` package would
collide with a user's own, so they are rewritten to `ledger_proto.v1`. The comments of the bank's
contract go with its code, as JSON: `ledgerctl bank` shows them. With `--check` nothing is written
and the exit status tells whether the checked-in code is up to date.
"""

import filecmp
import json
import re
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

from dev.contract_comments import ROOT, comments
from dev.generated_files import is_check, stale

PROTO = ROOT / "proto"
#: Folders below proto/; the package generated from one is called `<name>_proto`.
CONTRACTS = ("ledger", "bank")
#: Those whose comments are wanted at run time.
COMMENTED = ("bank",)


def generate(contract: str, folder: Path) -> None:
    """Write the whole package of a contract into `folder`."""
    sources = sorted(str(path) for path in (PROTO / contract).rglob("*.proto"))
    with tempfile.TemporaryDirectory() as raw:
        status = protoc.main(
            [
                "protoc",
                f"-I{PROTO}",
                f"-I{files('grpc_tools') / '_proto'}",
                f"--python_out={raw}",
                f"--grpc_python_out={raw}",
                f"--mypy_out=quiet:{raw}",
                f"--mypy_grpc_out=quiet:{raw}",
                *sources,
            ]
        )
        if status:
            sys.exit(status)
        shutil.copytree(Path(raw) / contract, folder, dirs_exist_ok=True)
    (folder / "py.typed").write_text("")
    for package in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        place = "/".join((contract, *package.relative_to(folder).parts))
        edited = "; never edited" if package == folder else ""
        (package / "__init__.py").write_text(f'"""Generated from proto/{place}{edited}."""\n')
    for path in folder.rglob("*"):
        if path.name.endswith(("_pb2_grpc.py", "_pb2_grpc.pyi")) and not _has_service(path):
            path.unlink()
        elif path.suffix in {".py", ".pyi"}:
            path.write_text(_renamed(path.read_text(), is_stub=path.suffix == ".pyi"))
    if contract in COMMENTED:
        _write_comments(contract, folder)


def _write_comments(contract: str, folder: Path) -> None:
    """Write those of each package beside its code."""
    texts = comments(contract)
    for place in folder.glob("*/v*"):
        package = f"{contract}.{place.parent.name}.{place.name}."
        own = {name: text for name, text in texts.items() if name.startswith(package)}
        written = json.dumps(own, ensure_ascii=False, indent=0, sort_keys=True)
        (place / "comments.json").write_text(written + "\n", encoding="utf-8")


def _renamed(text: str, *, is_stub: bool) -> str:
    for name in CONTRACTS:
        package = rf"{name}((?:\.\w+)*?\.v1)"
        text = re.sub(rf"\b(from|import) {package}\b", rf"\1 {name}_proto\2", text)
        if is_stub:
            text = re.sub(rf"(?<![\w.]){package}\.(?=\w+_pb2)", rf"{name}_proto\1.", text)
    return text


def _has_service(path: Path) -> bool:
    return "Stub" in path.read_text()


def _same(left: Path, right: Path) -> bool:
    names = {p.relative_to(left) for p in left.rglob("*") if p.is_file()}
    others = {
        p.relative_to(right)
        for p in right.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    return names == others and all(
        filecmp.cmp(left / name, right / name, shallow=False) for name in names
    )


def main() -> None:
    """Generate, or check that what is there is what would be generated."""
    check = is_check(__doc__)
    for contract in CONTRACTS:
        target = PROTO / f"{contract}_proto"
        with tempfile.TemporaryDirectory() as fresh:
            generate(contract, Path(fresh))
            if not check:
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(fresh, target)
            elif not _same(Path(fresh), target):
                stale(target)


if __name__ == "__main__":
    main()
