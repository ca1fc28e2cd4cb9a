"""Page tokens: opaque, signed, and good for one request only."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from google.protobuf.message import Message

from ledger_server.domain.errors import PageTokenInvalidError

_SIGNATURE_BYTES: Final = 16
#: Longer than any token that this module makes.
_TOKEN_LENGTH_MAX: Final = 4_096

#: Rows of a page if the request does not say, and at most: what one answer can carry well.
PAGE_SIZE_DEFAULT: Final = 100
PAGE_SIZE_MAX: Final = 1_000

R = TypeVar("R")


class PageTokens:
    """Makes and reads page tokens.

    A token holds the sort key of the last row shown, signed together with the request it belongs
    to: with another filter the signature does not fit. It grants nothing; what a caller may see is
    checked at each call anyway.
    """

    def __init__(self, key: bytes) -> None:
        """Sign with `key`, which all servers of a database share."""
        self._key = key

    def cut(
        self, request: Message, rows: Sequence[R], size: int, key: Callable[[R], list[str | int]]
    ) -> tuple[Sequence[R], str]:
        """Return one page of `rows` and the token of the next, empty at the end.

        Args:
            request: what the rows answer.
            rows: up to one more than `size`; the one too many tells that there is a next page.
            size: rows of a page.
            key: gives the sort key of a row, from which `read` lets the next page go on.
        """
        if len(rows) <= size:
            return rows, ""
        shown = rows[:size]
        return shown, self.make(request, key(shown[-1]))

    def make(self, request: Message, last: list[str | int]) -> str:
        """Return the token for the page after the row whose sort key is `last`."""
        body = json.dumps(last, separators=(",", ":"), ensure_ascii=False).encode()
        return _encode(self._sign(request, body) + body)

    def read(self, request: Message, token: str) -> list[str | int] | None:
        """Return the sort key after which to go on, None for the first page.

        Raises:
            PageTokenInvalidError: the token is damaged or was given for another request.
        """
        if not token:
            return None
        if len(token) > _TOKEN_LENGTH_MAX or not token.isascii():
            raise PageTokenInvalidError
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise PageTokenInvalidError from error
        if _encode(raw) != token:
            raise PageTokenInvalidError  # a second spelling of the same bytes
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(request, body)):
            raise PageTokenInvalidError
        last: list[str | int] = json.loads(body)
        return last

    def _sign(self, request: Message, body: bytes) -> bytes:
        asked = type(request)()
        asked.CopyFrom(request)
        asked.ClearField("page_token")
        asked.ClearField("page_size")
        digest = hmac.new(self._key, asked.DESCRIPTOR.full_name.encode(), hashlib.sha256)
        digest.update(b"\0" + asked.SerializeToString(deterministic=True) + b"\0" + body)
        return digest.digest()[:_SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
