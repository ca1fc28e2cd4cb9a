"""A way to a server that can be cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class TcpProxy:
    """Passes bytes both ways, until it is told not to."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self._target_port = target_port
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._bytes_left: int | None = None
        #: How often connections were cut in mid-flow.
        self.cuts = 0

    def cut(self) -> None:
        """Reset every connection in mid-flow; what comes next is let through."""
        self.cuts += 1
        for writer in list(self._writers):
            writer.transport.abort()

    def cut_after(self, byte_count: int) -> None:
        """Cut as soon as clients have sent so much more: within a message, most likely."""
        self._bytes_left = byte_count

    def close(self) -> None:
        """Cut, and refuse what comes until `open`."""
        self._open = False
        self.cut()

    def open(self) -> None:
        self._open = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there[1]}
        await asyncio.gather(
            self._pass(reader, there[1], is_upward=True), self._pass(there[0], writer)
        )
        self._writers -= {writer, there[1]}

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_upward: bool = False,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if is_upward and self._bytes_left is not None:
                    data, self._bytes_left = (
                        data[: self._bytes_left],
                        self._bytes_left - len(data),
                    )
                writer.write(data)
                await writer.drain()
                if self._bytes_left is not None and self._bytes_left <= 0:
                    self._bytes_left = None
                    self.cut()
        writer.close()


@contextlib.asynccontextmanager
async def tcp_proxy(target_port: int) -> AsyncIterator[TcpProxy]:
    """Listen on a free port until the block is left."""
    proxy = TcpProxy(target_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.close()
