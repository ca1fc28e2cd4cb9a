"""Where the provider that verifies identities sends its messages, in SumSub's form.

A signature is checked before anything else is done: what is forged leaves no trace but a line in
the log. What is genuine is kept before it is acknowledged, once, and heeded later by `reactions`:
the provider waits only some seconds.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import asyncpg
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ledger_client.banking.customer import deliveries, tables
from ledger_client.banking.customer.deliveries import WebhookDelivery
from ledger_client.banking.foundation.context import ModuleContext
from ledger_client.banking.foundation.database import CONTENTION
from ledger_client.banking.foundation.errors import ConcurrentChangeError, UnavailableError
from ledger_client.banking.foundation.own_work import OwnWork
from ledger_client.banking.foundation.permissions import Permission

_log: Final = logging.getLogger(__name__)

PATH: Final = "/customer/webhooks/sumsub/{tenant:path}"
BODY_BYTES_MAX: Final = 64 * 1024
#: Fewer would be guessed.
SECRET_CHARACTERS_MIN: Final = 16

#: By the header `X-Payload-Digest-Alg`. HMAC_SHA1_HEX is refused: the provider offers better.
_ALGORITHMS: Final = {"HMAC_SHA256_HEX": hashlib.sha256, "HMAC_SHA512_HEX": hashlib.sha512}
_RECEIVE: Final = Permission("", "customer/webhook", "customer:webhook:receive")
_ATTEMPTS: Final = 3


def secrets_of(options: Mapping[str, str], tenants: frozenset[str]) -> Mapping[str, Sequence[str]]:
    """Return the provider's secrets by tenant, as the options have them.

    `sumsub_secrets_file` names a JSON file: an object of secrets by tenant, each a text or, while
    one is replaced by another, a list. `sumsub_secret` is enough for a bank of one tenant.

    Raises:
        ValueError: the options do not say which tenant's a secret is, or a secret is short.
    """
    found: dict[str, Sequence[str]] = {}
    if path := options.get("sumsub_secrets_file", ""):
        content = json.loads(Path(path).read_text())
        if not isinstance(content, dict):
            raise ValueError(f"{path}: must be an object of secrets by tenant")
        for tenant, secret in content.items():
            found[tenant] = secret if isinstance(secret, list) else [secret]
    if secret := options.get("sumsub_secret", ""):
        if len(tenants) != 1:
            raise ValueError("sumsub_secret is for one tenant; for several: sumsub_secrets_file")
        found[next(iter(tenants))] = [secret]
    for tenant, secrets in found.items():
        for secret in secrets:
            if not isinstance(secret, str) or len(secret) < SECRET_CHARACTERS_MIN:
                raise ValueError(
                    f"the provider's secret of tenant {tenant!r} must be a text of at least"
                    f" {SECRET_CHARACTERS_MIN} characters"
                )
    return found


class Webhook:
    """Receives the provider's messages."""

    def __init__(self, context: ModuleContext) -> None:
        """Take the secrets from the options.

        Raises:
            ValueError: they are not in their form.
        """
        self._database = context.database
        self._own_work = OwnWork("customer", context.clock)
        self._tenants = context.tenants
        self._secrets = secrets_of(context.options, context.tenants)
        self._refused = 0

    async def receive(self, request: Request) -> Response:
        """Keep a message whose signature is right.

        Answers 200 also to a repetition, 401 to a signature that is not right, 413 to a message
        that is too long, 503 if the database is away: then the provider sends it again.
        """
        tenant = request.path_params["tenant"]
        try:
            body = await _read(request)
        except ClientDisconnect:
            return _answer(400, "incomplete")
        if body is None:
            return _answer(413, "too long")
        if not self._is_genuine(tenant, request.headers, body):
            self._refused += 1
            _log.warning(
                "refused a message of a provider for tenant %r, %d bytes from %s: its signature is"
                " not right (%d since the start)",
                tenant[:80],
                len(body),
                request.client.host if request.client else "?",
                self._refused,
            )
            return _answer(401, "signature")
        for _ in range(_ATTEMPTS):
            try:
                await self._keep(tenant, body)
            except (ConcurrentChangeError, asyncpg.UniqueViolationError, *CONTENTION):
                continue  # The same message comes twice at once: one of them is kept.
            except UnavailableError:
                break
            return _answer(200, "")
        return _answer(503, "unavailable")

    def _is_genuine(self, tenant: str, headers: Mapping[str, str], body: bytes) -> bool:
        algorithm = _ALGORITHMS.get(headers.get("x-payload-digest-alg", ""))
        secrets = self._secrets.get(tenant, ()) if tenant in self._tenants else ()
        if algorithm is None:
            return False
        digest = headers.get("x-payload-digest", "").lower().encode()
        matches = [
            hmac.compare_digest(
                hmac.digest(secret.encode(), body, algorithm).hex().encode(), digest
            )
            for secret in secrets
        ]
        return any(matches)

    async def _keep(self, tenant: str, body: bytes) -> None:
        sha256 = hashlib.sha256(body).hexdigest()
        delivery_id = deliveries.id_of_delivery(tenant, sha256)
        async with (
            self._database.transaction() as connection,
            self._own_work.unit(connection, tenant, _RECEIVE) as unit,
        ):
            if await unit.find(WebhookDelivery, delivery_id) is None:
                new = WebhookDelivery(id=delivery_id, tenant=tenant)
                unit.change(new, deliveries.receive(body, sha256, unit.now))
                await tables.put_in_inbox(unit, delivery_id, body)


async def _read(request: Request) -> bytes | None:
    """Return the body; None, without reading on, if it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _answer(status: int, error: str) -> Response:
    return JSONResponse({"error": error} if error else {}, status_code=status)
