"""What keeps the page safe in a browser: no foreign hosts, frames, scripts or forms."""

import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE: Final = "ledger_form"
FIELD: Final = "form_token"

#: Everything comes from this page's own files; nothing inline, nothing framed, no other target.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Books are not to lie in a shared computer's cache.
    "cache-control": "no-store",
}


class SafetyHeaders:
    """Answers only for hosts that are this page, and puts the headers on every answer.

    The look at the Host header keeps a foreign page from reaching this one under a name of its own
    that it has made to point here.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        """Guard `app`; `hosts` are the names without port that requests may be for."""
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if _name(host) not in self._hosts:
            refusal = PlainTextResponse("this host is not served here\n", status_code=421)
            await refusal(scope, receive, send_safe)
            return
        await self._app(scope, receive, send_safe)


def _name(host: str) -> str:
    """Return the name of `name:port`."""
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    return host.rpartition(":")[0] if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether a host to listen on is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def form_token(request: Request) -> str:
    """Return the token that forms on this answer carry: the cookie's, or a new one."""
    kept = request.cookies.get(COOKIE, "")
    if len(kept) >= 32:
        return kept
    token: str = getattr(request.state, "form_token", "") or secrets.token_urlsafe(32)
    request.state.form_token = token
    return token


def remember_token(request: Request, response: Response) -> None:
    """Set the cookie if this answer handed out a new token."""
    token = getattr(request.state, "form_token", "")
    if token:
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")


def came_from_here(request: Request, sent: str) -> bool:
    """Return whether a form was sent from a page of ours: its token is the cookie's.

    The browser also says where a form came from; where it does, that must be here.
    """
    kept = request.cookies.get(COOKIE, "")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    return bool(kept) and hmac.compare_digest(kept.encode(), sent.encode())
