"""The bank's secret."""

import multiprocessing
from pathlib import Path

from ledger_client.banking.foundation.system_tokens import secret_of


def test_processes_that_start_at_once_have_one_secret(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(8) as pool:
        for number in range(50):
            path = tmp_path / str(number)
            assert len(set(pool.map(secret_of, [path] * 8, chunksize=1))) == 1
            assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 50
