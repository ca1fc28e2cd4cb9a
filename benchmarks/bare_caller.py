"""Calls without a gRPC library: the least that a caller can be.

pgbench, with which throughput is compared, is C, and asyncpg, with which latency is, gives its
answer in the thread that asked. A caller by grpcio has a thread of gRPC's and an event loop, and
they share the cores with what is measured. This sends the same bytes over one socket and takes the
answers as they come, in one thread, for some 7 us a call: what is less here is what the caller's
own library takes.

HTTP/2 (RFC 9113) as far as small unary calls need it: requests that fit into one frame, answers of
any size up to 2 GB in all, headers written without compression but for the table (RFC 7541). It
knows what a gRPC server sends: no padding, and a stream or a connection that is ended is an error.
"""

import socket
import time
from collections.abc import Iterator, Sequence
from typing import Final

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Types of frames.
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
# Flags of frames; a setting or a ping that is an answer has the bit that ends a stream elsewhere.
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_FRAME_HEAD: Final = 9
_FRAME_MAX: Final = 16_384
#: What may be under way to the server before it makes room, and what it may send us without asking.
_WINDOW_AT_FIRST: Final = 65_535
_WINDOW_MAX: Final = 2**31 - 1
_INITIAL_WINDOW_SIZE: Final = 4
#: Before a message: whether it is compressed, which is never, and its length.
_PREFIX: Final = 5
#: Longest text whose length is one byte in a header.
_HEADER_TEXT_MAX: Final = 126
#: `:method: POST` and `:scheme: http`, which every peer knows by number.
_POST_OVER_HTTP: Final = b"\x83\x86"
# Names of headers that it knows by number.
_AUTHORITY, _PATH, _CONTENT_TYPE, _USER_AGENT = 1, 4, 31, 58
_NAMED: Final = 0
#: Number of the header that was added to the table last; those before it count on from there.
_LAST_ADDED: Final = 62
_RECEIVE_BYTES: Final = 1 << 18
_SECONDS_MAX: Final = 60.0


class BareCallError(Exception):
    """The server ended the connection or a call, or said what this does not understand."""


class BareCaller:
    """One connection, over which a method is called; many calls may be under way."""

    def __init__(self, address: str, method: str) -> None:
        """Connect.

        Args:
            address: host and port of the server.
            method: such as `/ledger.v1.TransactionService/PostTransaction`.
        """
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), _SECONDS_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._first_headers, self._later_headers = _headers(method, address)
        self._headers = self._first_headers
        self._outgoing = bytearray(
            _PREFACE
            + _frame(_SETTINGS, 0, 0, _INITIAL_WINDOW_SIZE.to_bytes(2) + _WINDOW_MAX.to_bytes(4))
            + _frame(_WINDOW_UPDATE, 0, 0, (_WINDOW_MAX - _WINDOW_AT_FIRST).to_bytes(4))
        )
        self._incoming = b""
        self._window = _WINDOW_AT_FIRST
        #: Callers' streams have odd numbers.
        self._next_stream = 1
        #: When each call began, and what came of its answer so far.
        self._began: dict[int, float] = {}
        self._parts: dict[int, list[bytes]] = {}
        #: Of each call that was answered: microseconds, and the message; empty for an error.
        self.latencies_us: list[float] = []
        self.answers: list[bytes] = []

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()

    def run(self, requests: Iterator[bytes], callers: int, seconds: float) -> None:
        """Have each of `callers` call again when it is answered, until the time or they are over.

        Raises:
            BareCallError: the connection or a call was ended.
        """
        deadline = time.perf_counter() + seconds
        for _ in range(callers):
            self._call(requests, time.perf_counter(), deadline)
        while self._began:
            if self._outgoing:
                self._socket.sendall(self._outgoing)
                self._outgoing.clear()
            received = self._socket.recv(_RECEIVE_BYTES)
            if not received:
                raise BareCallError("the server closed the connection")
            for stream in self._take(received):
                now = time.perf_counter()
                self.latencies_us.append((now - self._began.pop(stream)) * 1e6)
                self.answers.append(b"".join(self._parts.pop(stream, ()))[_PREFIX:])
                self._call(requests, now, deadline)

    def _call(self, requests: Iterator[bytes], now: float, deadline: float) -> None:
        request = next(requests, None) if now < deadline else None
        if request is None:
            return
        message = b"\0" + len(request).to_bytes(4) + request
        assert len(message) <= _FRAME_MAX, "small calls"
        self._window -= len(message)
        if self._window < 0:
            raise BareCallError("more under way than the server takes")
        stream = self._next_stream
        self._outgoing += _frame(_HEADERS, _END_HEADERS, stream, self._headers)
        self._outgoing += _frame(_DATA, _END_STREAM, stream, message)
        self._headers = self._later_headers
        self._next_stream += 2
        self._began[stream] = now

    def _take(self, received: bytes) -> list[int]:
        """Read what came; return the streams that it ends."""
        ended: list[int] = []
        incoming = self._incoming + received if self._incoming else received
        start = 0
        while len(incoming) - start >= _FRAME_HEAD:
            body = start + _FRAME_HEAD
            end = body + int.from_bytes(incoming[start : start + 3])
            if end > len(incoming):
                break
            kind, flags = incoming[start + 3], incoming[start + 4]
            stream = int.from_bytes(incoming[start + 5 : body])
            if kind == _DATA:
                self._parts.setdefault(stream, []).append(incoming[body:end])
            elif kind != _HEADERS:
                self._heed(kind, flags, stream, incoming[body:end])
            if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
                ended.append(stream)
            start = end
        self._incoming = incoming[start:]
        return ended

    def _heed(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        """Do what a frame of the connection asks for."""
        if kind == _WINDOW_UPDATE:
            # Of a stream it says nothing to a call whose request is sent as a whole.
            self._window += 0 if stream else int.from_bytes(body)
        elif kind in (_SETTINGS, _PING):
            if not flags & _ACK:
                self._outgoing += _frame(kind, _ACK, 0, body if kind == _PING else b"")
        elif kind in (_RESET, _GO_AWAY):
            raise BareCallError(f"the server ended stream {stream}: {body!r}")


def _frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return b"".join((len(body).to_bytes(3), bytes((kind, flags)), stream.to_bytes(4), body))


def _headers(method: str, authority: str) -> tuple[bytes, bytes]:
    """Return the headers of the first call, which fill the peer's table, and of those after it."""
    added: Sequence[tuple[int, str, str]] = (
        (_PATH, ":path", method),
        (_AUTHORITY, ":authority", authority),
        (_CONTENT_TYPE, "content-type", "application/grpc"),
        (_USER_AGENT, "user-agent", "bare"),
        (_NAMED, "te", "trailers"),
        (_NAMED, "grpc-timeout", f"{_SECONDS_MAX:.0f}S"),
    )
    first = b"".join(
        bytes((0x40 | known,)) + (b"" if known else _text(name)) + _text(value)
        for known, name, value in added
    )
    later = bytes(0x80 | (_LAST_ADDED + index) for index in reversed(range(len(added))))
    return _POST_OVER_HTTP + first, _POST_OVER_HTTP + later


def _text(value: str) -> bytes:
    assert len(value) <= _HEADER_TEXT_MAX, "its length is one byte"
    return bytes((len(value),)) + value.encode("ascii")
