"""The command `ledger-bank`: the banking modules on one port."""

import argparse
import asyncio
import contextlib
import datetime as dt
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

EXIT_OK: Final = 0
EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2

_log: Final = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bank until it is told to stop.

    Returns:
        The exit status: 0 after SIGTERM or SIGINT, 2 for a wrong configuration, else 1.
    """
    given = _parser().parse_args(arguments)
    logging.basicConfig(
        level=given.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    signal.signal(signal.SIGTERM, _exit_now)
    try:
        return _run(given)
    except KeyboardInterrupt:
        return EXIT_OK


def _run(given: argparse.Namespace) -> int:
    from ledger_client.banking.foundation.system_tokens import (  # noqa: PLC0415  # --help is fast without
        secret_of,
    )

    try:
        settings = _settings(given)
        data_dir: Path = given.data_dir
        data_dir.mkdir(parents=True, exist_ok=True)
        settings["secret"] = secret_of(given.secret_file or data_dir / "bank_secret")
    except (ValueError, OSError) as error:
        return _fail(str(error), EXIT_USAGE)
    settings["options"].setdefault("documents_dir", str(data_dir / "documents"))
    try:
        if given.dsn:
            _run_loop(_serve(settings, given.dsn, None))
            return EXIT_OK
        from ledger_server import embedded  # noqa: PLC0415  # the launcher alone

        postgres = embedded.start(data_dir / "postgres")
        try:
            _run_loop(_serve(settings, postgres.dsn, postgres.is_running))
        finally:
            postgres.stop()
    except Exception as error:  # noqa: BLE001  # what a person can do is in the message
        _log.debug("the bank failed", exc_info=True)
        return _fail(f"{type(error).__name__}: {error}", EXIT_FAILURE)
    return EXIT_OK


def _run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run until done, on the faster loop where there is one."""
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415  # not there on Windows

    uvloop.run(main)


async def _serve(settings: dict[str, Any], dsn: str, database_is_running: Any) -> None:
    from ledger_client.banking.host import (  # noqa: PLC0415  # --help is fast without
        BankSettings,
        running_bank,
    )

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_bank(BankSettings(dsn=dsn, **settings)) as bank:
        _spare_garbage_collection()
        print(  # noqa: T201  # promised to whoever starts us
            f"ledger-bank ready on {bank.address}, HTTP on {bank.http_address}", flush=True
        )
        stopping = asyncio.create_task(stop.wait())
        while not stopping.done():
            await asyncio.wait(
                {stopping, bank.work}, timeout=0.5, return_when=asyncio.FIRST_COMPLETED
            )
            if bank.work.done():
                await bank.work
            if database_is_running is not None and not database_is_running():
                raise RuntimeError("PostgreSQL has gone")


def _spare_garbage_collection() -> None:
    """Have the collector look less often, and not at what lives as long as the bank."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def _settings(given: argparse.Namespace) -> dict[str, Any]:
    """Return what `BankSettings` needs beside the DSN and the secret.

    Raises:
        ValueError: names what is wrong.
    """
    from ledger_client.banking.foundation.clock import (  # noqa: PLC0415  # --help is fast without
        ManualClock,
        SystemClock,
    )
    from ledger_client.banking.host import MODULES  # noqa: PLC0415  # --help is fast without

    modules = tuple(given.modules.split(",")) if given.modules else MODULES
    if unknown := sorted(set(modules) - set(MODULES)):
        raise ValueError(f"no module {unknown[0]!r}: there are {', '.join(MODULES)}")
    for listen in (given.listen, given.http_listen):
        host = listen.rpartition(":")[0]
        if host not in {"127.0.0.1", "localhost", "[::1]"}:
            raise ValueError(
                f"refusing to listen on {listen}: it can be reached from outside this machine, and "
                "callers' tokens would travel in the clear; put a proxy with TLS before it"
            )
    clock = ManualClock(_time(given.clock)) if given.clock else SystemClock()
    prefix = "LEDGER_BANK_"
    options = {
        name.removeprefix(prefix).lower(): value
        for name, value in os.environ.items()
        if name.startswith(prefix) and value
    }
    return {
        "ledger": given.ledger,
        "clock": clock,
        "tenants": tuple(given.tenant or ("BANK",)),
        "modules": modules,
        "listen": given.listen,
        "http_listen": given.http_listen,
        "addresses": _pairs(given.at, "--at"),
        "options": options | _pairs(given.option, "--option"),
    }


def _pairs(values: Sequence[str], name: str) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    if wrong := [value for value, (_, equals, _) in zip(values, pairs, strict=True) if not equals]:
        raise ValueError(f"{name} {wrong[0]}: must be NAME=VALUE")
    return {key: value for key, _, value in pairs}


def _time(text: str) -> dt.datetime:
    time = dt.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"--clock {text}: a time needs an offset, as 2026-01-31T08:00:00Z has")
    return time


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ledger-bank",
        description="Runs the banking modules as clients of a ledger.",
        epilog="Options of modules are also taken from LEDGER_BANK_<NAME>.",
    )
    parser.add_argument("--ledger", default="127.0.0.1:7070", metavar="ADDRESS")
    parser.add_argument("--dsn", help="a PostgreSQL instead of the embedded one")
    parser.add_argument(
        "--data-dir", type=Path, default=_default_data_dir(), help="database, secret, documents"
    )
    parser.add_argument("--secret-file", type=Path, help="shared by the processes of one bank")
    parser.add_argument("--listen", default="127.0.0.1:7080", metavar="HOST:PORT")
    parser.add_argument("--http-listen", default="127.0.0.1:7081", metavar="HOST:PORT")
    parser.add_argument("--tenant", action="append", metavar="JOURNAL", help="may be repeated")
    parser.add_argument("--modules", help="names with commas between; all if left out")
    parser.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="MODULE=ADDRESS",
        help="one that runs elsewhere",
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="of a module"
    )
    parser.add_argument("--clock", metavar="TIME", help="a clock that stands still until it is set")
    parser.add_argument("--log-level", default="INFO")
    return parser


def _default_data_dir() -> Path:
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".local" / "share" / "ledger-bank"
    return Path("ledger-bank")


def _exit_now(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(EXIT_OK)


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"ledger-bank: {message}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
