"""Databases for a bank and its ledger."""

from collections.abc import Iterator

import pytest

from tests.databases import database_of


@pytest.fixture(scope="module")
def ledger_dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def bank_dsn(postgres_dsn: str) -> Iterator[str]:
    with database_of(postgres_dsn) as dsn:
        yield dsn
