"""A gRPC server that is started and stopped many times while somebody knocks and goes away.

A process of its own, as it was ended by a segmentation fault with grpcio 1.78.
"""

import asyncio
import socket

import grpc.aio

from ledger_server.lifecycle import SERVER_OPTIONS

ROUNDS = 200


def knock(port: int) -> None:
    """Connect and go, as a port scanner or a balancer's check does."""
    socket.create_connection(("127.0.0.1", port)).close()


async def main() -> None:
    for _ in range(ROUNDS):
        server = grpc.aio.server(options=SERVER_OPTIONS)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        await asyncio.to_thread(knock, port)
        await server.stop(None)


if __name__ == "__main__":
    asyncio.run(main())
