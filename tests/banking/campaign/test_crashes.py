"""kill -9 of everything at random: it ends where no crash would have ended."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.banking.campaign.cluster import ADMIN_TOKEN, TENANT, Cluster, kill_until

#: Of the long campaign; smaller or larger ones by environment.
OPERATIONS = int(os.environ.get("LEDGER_CAMPAIGN_OPERATIONS", "10000"))
CUSTOMERS = int(os.environ.get("LEDGER_CAMPAIGN_CUSTOMERS", "200"))
SEED = int(os.environ.get("LEDGER_CAMPAIGN_SEED", "1"))


def test_a_few_crashes(data_dir: Path) -> None:
    campaign(data_dir.parent, operations=150, customers=6, every=(1.0, 2.5))


@pytest.mark.nightly
def test_many_crashes(data_dir: Path) -> None:
    told = campaign(data_dir.parent, operations=OPERATIONS, customers=CUSTOMERS, every=(2.0, 8.0))
    sys.stderr.write(f"{json.dumps(told)}\n")


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
        output = folder / "workload.txt"
        with output.open("w") as file, subprocess.Popen(command, stdout=file) as workload:
            while "prepared" not in output.read_text():
                assert workload.poll() is None, "it is being prepared"
                time.sleep(0.1)
            kill_until(cluster, SEED, every, lambda: workload.poll() is not None)
        assert workload.returncode == 0
        told = json.loads(output.read_text().splitlines()[-1])
        checked = subprocess.run(
            [
                *(sys.executable, "-m", "tests.banking.campaign.checking"),
                *("--dsn", cluster.bank_dsn, "--ledger", cluster.ledger, "--tenant", TENANT),
                *("--broker", cluster.broker.url),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        counts: dict[str, Any] = json.loads(checked.stdout.splitlines()[-1])
        assert cluster.kills, "something was killed"
        return {"killed": cluster.kills, "told": told, "checked": counts}
