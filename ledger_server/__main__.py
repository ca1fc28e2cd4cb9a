"""The command `ledger-server`: read the settings, start PostgreSQL, serve."""

import argparse
import asyncio
import functools
import importlib.metadata
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from ledger_server.settings import LISTEN_DEFAULT, SIGNING_NAME_DEFAULT, Settings

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2

#: The key of an embedded database, in its data directory but not in the database.
SIGNING_KEY_FILE = "signing_key.pem"

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to stop.

    Returns:
        The exit status: 0 after SIGTERM or SIGINT, 2 for a wrong configuration, else 1.
    """
    options = vars(_parser().parse_args(arguments))
    print_key = options.pop("print_verifier_key")
    given = {name: value for name, value in options.items() if value is not None}
    if "data_dir" in given:
        # Asked for by name, so a LEDGER_DSN that happens to be set is not meant.
        given["dsn"] = None
    try:
        settings = Settings(**given)
    except ValidationError as error:
        return _fail(_one_line(error), EXIT_USAGE)
    _set_up_logging(settings.log_level)
    # gRPC's core prints its own account of a port that is taken; ours is the one line.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Until the loop has handlers of its own: what is half started is undone on the way out.
    signal.signal(signal.SIGTERM, _exit_now)
    try:
        return _print_verifier_key(settings) if print_key else _serve(settings)
    except KeyboardInterrupt:
        return EXIT_OK


def _print_verifier_key(settings: Settings) -> int:
    from ledger_server.proof.checkpointer import Signing  # noqa: PLC0415  # see `_serve`
    from ledger_server.proof.signing import SigningKeyError  # noqa: PLC0415  # likewise

    key = settings.signing_key
    if key is None and settings.dsn is None:
        key = _embedded_key(settings)
    if key is None:
        return _fail("no signing key: name it with --signing-key", EXIT_USAGE)
    try:
        print(Signing.load(settings.signing_name, key).signer.verifier_key)  # noqa: T201  # asked for
    except SigningKeyError as error:
        return _fail(str(error), EXIT_FAILURE)
    return EXIT_OK


def _embedded_key(settings: Settings) -> Path:
    from ledger_server import embedded  # noqa: PLC0415  # see `_serve`

    return (settings.data_dir or embedded.default_data_dir()) / SIGNING_KEY_FILE


def _serve(settings: Settings) -> int:
    # Here, as importing takes a second that a wrong option or --version should not cost.
    from ledger_server import embedded, lifecycle  # noqa: PLC0415  # as said
    from ledger_server.proof.checkpointer import Signing  # noqa: PLC0415  # as said
    from ledger_server.proof.signing import SigningKeyError, ensure_key  # noqa: PLC0415  # as said
    from ledger_server.store.migrations import MigrationError  # noqa: PLC0415  # as said

    try:
        lifecycle.resolve_listen(settings.listen)
    except lifecycle.ListenAddressError as error:
        return _fail(str(error), EXIT_USAGE)
    try:
        if settings.dsn is not None:
            signing = None
            if settings.signing_key is not None:
                signing = Signing.load(settings.signing_name, settings.signing_key)
            _run(_main(settings, settings.dsn.get_secret_value(), None, signing))
            return EXIT_OK
        # Before any gRPC object exists, and from this thread: see `embedded.start`.
        postgres = embedded.start(settings.data_dir or embedded.default_data_dir())
        try:
            key = settings.signing_key or _embedded_key(settings)
            if settings.signing_key is None:
                ensure_key(key)
            signing = Signing.load(settings.signing_name, key)
            _run(_main(settings, postgres.dsn, postgres.is_running, signing))
        finally:
            postgres.stop()
    except (
        embedded.EmbeddedPostgresError,
        MigrationError,
        SigningKeyError,
        lifecycle.ServingError,
    ) as error:
        return _fail(str(error), EXIT_FAILURE)
    except Exception as error:
        logger.debug("the server failed", exc_info=True)
        return _fail(f"{type(error).__name__}: {error}", EXIT_FAILURE)
    return EXIT_OK


async def _main(
    settings: Settings,
    dsn: str,
    database_is_running: Callable[[], bool] | None,
    signing: Any,
) -> None:
    from ledger_server.store import migrations  # noqa: PLC0415  # see `_serve`

    try:
        if settings.migrate == "auto":
            await migrations.migrate(dsn)
        elif settings.migrate == "check":
            await migrations.check(dsn)
        from ledger_server import app, lifecycle  # noqa: PLC0415  # see `_serve`

        await lifecycle.serve(
            settings,
            dsn,
            functools.partial(app.add_servicers, signing=signing),
            database_is_running=database_is_running,
        )
    finally:
        # From here on we are stopping anyhow: no further signal may cut that short.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def _run(main_coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415  # there is none for Windows
    except ImportError:
        asyncio.run(main_coroutine)
    else:
        uvloop.run(main_coroutine)


class OneLineFormatter(logging.Formatter):
    """Writes each record as one line, a traceback too, so a log can be read line by line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        return " | ".join(super().format(record).splitlines())


def _set_up_logging(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ledger-server",
        description="A double-entry ledger with a gRPC API. Every option is also an environment "
        "variable: --data-dir is LEDGER_DATA_DIR, and so on; the option wins.",
        allow_abbrev=False,
    )
    database = parser.add_mutually_exclusive_group()
    database.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the embedded PostgreSQL keeps its data (default: ~/.local/share/ledger, "
        "or /var/lib/ledger as root)",
    )
    database.add_argument(
        "--dsn",
        help="a PostgreSQL to use instead, such as postgresql://ledger@db/ledger; "
        "with a password better given as LEDGER_DSN, which other users cannot see",
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help=f"where to serve, loopback only; port 0 is any free one (default: {LISTEN_DEFAULT})",
    )
    parser.add_argument(
        "--migrate",
        choices=("auto", "check", "off"),
        help="bring the database up to date, only check that it is, or do nothing (default: auto)",
    )
    parser.add_argument(
        "--signing-key",
        type=Path,
        metavar="FILE",
        help="the Ed25519 key in PEM that signs checkpoints; make one with openssl genpkey "
        "-algorithm ed25519 -out FILE (default: signing_key.pem in the data directory, made if "
        "there is none; with --dsn none, and nothing is signed)",
    )
    parser.add_argument(
        "--signing-name",
        metavar="NAME",
        help="the name under which checkpoints are signed, best a host name and path of your own, "
        f"such as bank.example/ledger (default: {SIGNING_NAME_DEFAULT})",
    )
    parser.add_argument(
        "--print-verifier-key",
        action="store_true",
        help="print what checkpoints are verified with, and end",
    )
    parser.add_argument("--log-level", metavar="LEVEL", help="DEBUG, INFO, WARNING, ERROR")
    parser.add_argument("--version", action="version", version=f"ledger-server {_version()}")
    return parser


def _version() -> str:
    try:
        return importlib.metadata.version("ledger-engine")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    name = "_".join(str(part) for part in first["loc"])
    option = f"--{name.replace('_', '-')} (LEDGER_{name.upper()})"
    return f"{option}: {first['msg'].removeprefix('Value error, ')}"


def _fail(message: str, status: int) -> int:
    print(f"ledger-server: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201  # the last word
    return status


def _exit_now(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(EXIT_OK)


if __name__ == "__main__":
    sys.exit(main())
