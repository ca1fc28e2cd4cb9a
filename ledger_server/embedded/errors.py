"""Why the embedded PostgreSQL could not be had."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run; the message says in one line what to do about it."""
