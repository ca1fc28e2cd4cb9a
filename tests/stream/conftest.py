"""Two servers on one database, as two processes would be: they share nothing else."""

from collections.abc import AsyncIterator

import pytest

from tests.ledger import Serving, serving


@pytest.fixture
async def both(database_dsn: str) -> AsyncIterator[tuple[Serving, Serving]]:
    async with serving(database_dsn) as one, serving(database_dsn) as other:
        yield one, other
