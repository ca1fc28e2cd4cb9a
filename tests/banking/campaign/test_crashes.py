"""kill -9 of everything at random: it ends where no crash would have ended."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.banking.campaign.cluster import ADMIN_TOKEN, TENANT, Cluster, killing

#: Of the long campaign; smaller or larger ones by environment.
OPERATIONS = int(os.environ.get("LEDGER_CAMPAIGN_OPERATIONS", "10000"))
CUSTOMERS = int(os.environ.get("LEDGER_CAMPAIGN_CUSTOMERS", "200"))
SEED = int(os.environ.get("LEDGER_CAMPAIGN_SEED", "1"))


def test_a_few_crashes(data_dir: Path) -> None:
    campaign(data_dir.parent, operations=150, customers=6, every=(1.0, 2.5))


@pytest.mark.nightly
def test_many_crashes(data_dir: Path) -> None:
    campaign(data_dir.parent, operations=OPERATIONS, customers=CUSTOMERS, every=(2.0, 8.0))


def campaign(
    folder: Path, *, operations: int, customers: int, every: tuple[float, float]
) -> dict[str, Any]:
    """Run a workload under kills, then check; return what was counted."""
    with Cluster(folder) as cluster:
        command = [
            *(sys.executable, "-m", "tests.banking.campaign.workload"),
            *("--banks", ",".join(cluster.banks), "--tenant", TENANT, "--token", ADMIN_TOKEN),
            *("--customers", str(customers), "--operations", str(operations)),
            *("--seed", str(SEED)),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as workload:
            assert workload.stdout is not None
            assert workload.stdout.readline() == "prepared\n"
            with killing(cluster, SEED, every):
                said = workload.stdout.read()
        assert workload.returncode == 0
        told = json.loads(said.splitlines()[-1])
        checked = subprocess.run(
            [
                *(sys.executable, "-m", "tests.banking.campaign.checking"),
                *("--dsn", cluster.bank_dsn, "--ledger", cluster.ledger, "--tenant", TENANT),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        counts: dict[str, Any] = json.loads(checked.stdout.splitlines()[-1])
        assert cluster.kills, "something was killed"
        print("killed", cluster.kills, "told", told, "checked", counts)
        return counts
