"""What the server can be told, by environment variables (LEDGER_...) or the command line."""

import logging
from pathlib import Path
from typing import Literal

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

#: Port 7070 has no other common use; loopback, as there is no TLS yet.
LISTEN_DEFAULT = "127.0.0.1:7070"

#: Names the logs of a server that nobody named.
SIGNING_NAME_DEFAULT = "ledger"

MigrateMode = Literal["auto", "check", "off"]


class Settings(BaseSettings):
    """The configuration of one server process."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", env_ignore_empty=True, frozen=True)

    #: Where the embedded PostgreSQL keeps its data, if not in the usual place.
    data_dir: Path | None = None
    #: A PostgreSQL to use instead of the embedded one. Secret, as it may hold a password.
    dsn: SecretStr | None = None
    #: HOST:PORT; port 0 is any free one.
    listen: str = LISTEN_DEFAULT
    #: What to do about a database that lacks migrations.
    migrate: MigrateMode = "auto"
    #: PEM file of the Ed25519 key that signs checkpoints; the embedded database comes with one.
    signing_key: Path | None = None
    #: Name of the logs that it signs for; best a host name and path of one's own.
    signing_name: str = SIGNING_NAME_DEFAULT
    log_level: str = "INFO"

    @field_validator("log_level")
    @classmethod
    def _check_log_level(cls, value: str) -> str:
        level = value.upper()
        if level not in logging.getLevelNamesMapping():
            raise ValueError(f"{value!r} is none of DEBUG, INFO, WARNING, ERROR")
        return level

    @field_validator("signing_name")
    @classmethod
    def _check_signing_name(cls, value: str) -> str:
        if not value or any(one.isspace() or one == "+" for one in value):
            raise ValueError(f"{value!r} is empty or holds blanks or a plus")
        return value

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, value: str) -> str:
        split_address(value)
        return value


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT` or `[IPV6]:PORT`.

    Raises:
        ValueError: when it is neither.
    """
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{address!r} is not HOST:PORT; an IPv6 host is written [::1]:7070")
    if not colon or not host or not (port.isascii() and port.isdecimal()) or int(port) > 65_535:
        raise ValueError(f"{address!r} is not HOST:PORT, such as {LISTEN_DEFAULT}")
    return host, int(port)
