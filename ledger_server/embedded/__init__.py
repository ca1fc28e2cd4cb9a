"""A PostgreSQL of our own: found among what pip installed, started and stopped with the server."""

from ledger_server.embedded.errors import EmbeddedPostgresError
from ledger_server.embedded.server import EmbeddedPostgres, default_data_dir, start

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "default_data_dir", "start"]
