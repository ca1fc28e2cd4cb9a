"""An HTTP server in an event loop that goes on after it."""

import asyncio
import socket

import uvicorn


async def serve_until_cancelled(server: uvicorn.Server, bound: socket.socket) -> None:
    """Serve until told to stop or cancelled, then end in good order.

    The server must close its listener itself. Were it cancelled in the middle, the loop would still
    watch the number of a file that is closed; the next connection with that number, such as one to
    the database, would then never be told that there is something to read.
    """
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
