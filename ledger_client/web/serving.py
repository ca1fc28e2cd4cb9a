"""The page on a port."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn

from ledger_client.client import LedgerClient
from ledger_client.http_serving import serve_until_cancelled
from ledger_client.web.app import create_app
from ledger_client.web.security import is_loopback

#: What requests in flight get to finish when the page is told to stop.
STOP_GRACE_SECONDS: Final = 5
_LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "::1")


class ListenError(Exception):
    """The page must not or cannot listen where it was told to."""


async def serve(ledger: LedgerClient, listen: str, *, on_ready: Callable[[str], None]) -> None:
    """Serve the page until the process is told to stop, or the task is cancelled.

    Args:
        ledger: asked for everything.
        listen: `HOST:PORT` or `[IPV6]:PORT` on this machine alone; port 0 is any free one.
        on_ready: told where the page is, once it answers.

    Raises:
        ListenError: the address is malformed, taken, or can be reached from outside.
    """
    host, port = _split(listen)
    if not is_loopback(host):
        raise ListenError(
            f"refusing to listen on {listen}: it can be reached from outside this machine, and the "
            "page has no log-in of its own; listen on 127.0.0.1 and put a proxy with one before it"
        )
    with _bound(host, port, listen) as bound:
        name = f"[{host}]" if ":" in host else host
        config = uvicorn.Config(
            create_app(ledger, hosts={host, *_LOOPBACK_NAMES}),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_GRACE_SECONDS,
        )
        server = uvicorn.Server(config)
        # The port is open from here on, so who comes early waits until the page answers.
        bound.listen()
        on_ready(f"the page is at http://{name}:{bound.getsockname()[1]}/  (Ctrl-C ends it)")
        await serve_until_cancelled(server, bound)


@contextlib.contextmanager
def _bound(host: str, port: int, listen: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
        except OSError as error:
            raise ListenError(f"cannot listen on {listen}: {error.strerror}") from error
        yield made


def _split(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not colon or not host or not (port.isascii() and port.isdecimal()) or int(port) > 65_535:
        raise ListenError(f"{listen!r} is not HOST:PORT, such as 127.0.0.1:8080")
    return host, int(port)
