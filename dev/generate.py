"""Generates the Python of the contract: proto/ledger/v1 -> proto/ledger_proto/v1.

protoc writes imports such as `from ledger.v1 import x_pb2`; a top-level `ledger` package would
collide with a user's own, so they are rewritten to `ledger_proto.v1`. With `--check` nothing is
written and the exit status tells whether the checked-in code is up to date.
"""

import argparse
import filecmp
import re
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "proto" / "ledger_proto"


def generate(folder: Path) -> None:
    """Write the whole package into `folder`."""
    sources = sorted(str(path) for path in (ROOT / "proto" / "ledger").rglob("*.proto"))
    with tempfile.TemporaryDirectory() as raw:
        status = protoc.main(
            [
                "protoc",
                f"-I{ROOT / 'proto'}",
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
        shutil.copytree(Path(raw) / "ledger", folder, dirs_exist_ok=True)
    (folder / "__init__.py").write_text('"""Generated from proto/ledger; never edited."""\n')
    (folder / "v1" / "__init__.py").write_text('"""Generated from proto/ledger/v1."""\n')
    (folder / "py.typed").write_text("")
    for path in folder.rglob("*"):
        if path.name.endswith(("_pb2_grpc.py", "_pb2_grpc.pyi")) and not _has_service(path):
            path.unlink()
        elif path.suffix in {".py", ".pyi"}:
            text = re.sub(r"\b(from|import) ledger\.v1\b", r"\1 ledger_proto.v1", path.read_text())
            path.write_text(
                text.replace("ledger.v1.", "ledger_proto.v1.") if path.suffix == ".pyi" else text
            )


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as fresh:
        generate(Path(fresh))
        if not check:
            shutil.rmtree(TARGET, ignore_errors=True)
            shutil.copytree(fresh, TARGET)
        elif not _same(Path(fresh), TARGET):
            sys.exit("proto/ledger_proto is not what dev/generate.py makes: run `make generate`")


if __name__ == "__main__":
    main()
