"""Connections to one database, a pool for each kind of work: how many, their settings and plans."""

import dataclasses
from typing import Any, Final

import asyncpg

#: The role that servers run as; see migrations/0002_guards.sql.
RUNTIME_ROLE: Final = "ledger_runtime"
#: Connections for lists, reports and changes of configuration.
READERS_MAX: Final = 16
#: Connections for reads by keys, each of which takes a moment.
LOOK_UPS_MAX: Final = 8
#: Journals whose postings one server can read for or commit at the same moment.
WRITERS_MAX: Final = 8
#: Connections beside these for batches that wait in the database for the one before: of a journal
#: whose head somebody holds for long, they take none from the other journals.
BEHIND_MAX: Final = 4
CONNECT_TIMEOUT_SECONDS: Final = 10

_SETTINGS: Final = {
    # A statement that takes longer holds locks that others wait for.
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",
    "timezone": "UTC",
    "application_name": "ledger-server",
}

#: One plan for every batch and every look-up, whatever its size and whatever the tables looked like
#: when it was made: nested loops over the primary keys. Left to itself the planner takes a
#: sequential scan of every balance on a table that was never analysed; and to plan a look-up anew
#: takes PostgreSQL longer than to run it.
_KEPT_PLANS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
}

#: A plan for each list and report: its filters are optional, so no plan fits all; and one kept from
#: when the tables were small reads a whole journal's balances once they have grown. And sums over
#: many days are made by several processes, where that pays the start of them: what a report takes
#: from them is a row an account, which PostgreSQL by its default thinks dearer than adding up
#: alone.
_NEW_PLANS: Final = {
    "plan_cache_mode": "force_custom_plan",
    "parallel_tuple_cost": "0",
}

#: From PostgreSQL 16 on, a member of a role may not always become it.
_MAY_SET_ROLE: Final = """
SELECT count(*) > 0
  FROM pg_roles
 WHERE rolname = $1
   AND pg_has_role(current_user, oid, CASE
           WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER'
       END)
"""


class StoreConfigurationError(Exception):
    """The database is set up in a way in which the ledger would break its promises."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Pools of asyncpg's."""

    #: With a new plan for each statement.
    readers: Any
    #: With plans that are kept, as writers'.
    look_ups: Any
    writers: Any

    async def close(self) -> None:
        """Close all connections, waiting for those in use."""
        for pool in (self.readers, self.look_ups, self.writers):
            await pool.close()


async def open_pools(dsn: str) -> Pools:
    """Open the pools, with one connection for a start.

    Raises:
        StoreConfigurationError: a commit would not be durable here.
        Exception: asyncpg's and the system's own, if the database does not answer.
    """
    settings = dict(_SETTINGS)
    probe = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        await _check(probe)
        if await probe.fetchval(_MAY_SET_ROLE, RUNTIME_ROLE):
            settings["role"] = RUNTIME_ROLE
    finally:
        await probe.close()

    async def pool_of(size_max: int, plans: dict[str, str], size_min: int = 0) -> Any:
        return await asyncpg.create_pool(
            dsn,
            min_size=size_min,
            max_size=size_max,
            server_settings=settings | plans,
            reset=_keep,
            timeout=CONNECT_TIMEOUT_SECONDS,
        )

    return Pools(
        readers=await pool_of(READERS_MAX, _NEW_PLANS, size_min=1),
        look_ups=await pool_of(LOOK_UPS_MAX, _KEPT_PLANS),
        writers=await pool_of(WRITERS_MAX + BEHIND_MAX, _KEPT_PLANS),
    )


async def _keep(_connection: Any) -> None:
    """Reset nothing when a connection is given back: nobody here changes a session's state."""


async def _check(connection: Any) -> None:
    """Refuse a database that would lose what was answered as posted."""
    for setting in ("synchronous_commit", "fsync", "full_page_writes"):
        value = await connection.fetchval("SELECT current_setting($1)", setting)
        if value == "off" or (setting == "synchronous_commit" and value == "local"):
            raise StoreConfigurationError(
                f"{setting} is {value}: a posting that was answered could be lost. "
                f"Set {setting} = on."
            )
