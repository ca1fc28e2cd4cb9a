"""Checkpoints by HTTP POST: to an archive, a colleague's service, a webhook."""

import asyncio
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final

from ledger_client.anchor.target import AnchorError, Receipt, shown
from ledger_client.verify import SignedCheckpoint

TIMEOUT_SECONDS: Final = 15.0
ATTEMPTS_MAX: Final = 4
#: Waits between attempts double from here.
WAIT_SECONDS: Final = 0.5
#: What is kept of an answer.
ANSWER_BYTES_MAX: Final = 200


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An answer that points elsewhere has kept nothing: following it would turn POST into GET."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class HttpAnchor:
    """Posts the note as `text/plain`; any status of 2xx says that it is kept."""

    def __init__(self, url: str, *, wait_seconds: float = WAIT_SECONDS) -> None:
        """Post to `url`; repeat what may pass after waits from `wait_seconds` on."""
        self._url = url
        self._wait_seconds = wait_seconds
        self._opener = urllib.request.build_opener(_NoRedirects)

    async def submit(self, checkpoint: SignedCheckpoint) -> Receipt:
        """Post the checkpoint; connections that fail and statuses of 5xx and 429 are repeated."""
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(self._wait_seconds * 2 ** (attempt - 1))
            try:
                detail = await asyncio.to_thread(self._post, checkpoint)
            except urllib.error.HTTPError as error:
                problem = f"{shown(self._url)} answered {error.code} {error.reason}"
                if error.code < 500 and error.code != 429:
                    raise AnchorError(problem) from error
            except (OSError, HTTPException) as error:
                problem = f"{shown(self._url)}: {error}"
            else:
                return Receipt(shown(self._url), detail)
        raise AnchorError(f"{problem} ({ATTEMPTS_MAX} attempts)")

    async def close(self) -> None:
        """Nothing is held."""

    def _post(self, checkpoint: SignedCheckpoint) -> str:
        request = urllib.request.Request(  # noqa: S310  # its scheme was looked at
            self._url,
            data=checkpoint.note.encode(),
            method="POST",
            headers={
                "Content-Type": "text/plain; charset=utf-8",
                # The same one twice is one: its root says which it is.
                "Idempotency-Key": f"{checkpoint.size}-{checkpoint.root.hex()}",
            },
        )
        with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            body = answer.read(ANSWER_BYTES_MAX).decode("utf-8", "replace")
            return f"{answer.status} {body}".strip()
