"""The pages' code runs against the same real server as the client's tests."""

from tests.client.conftest import server_address

__all__ = ["server_address"]
