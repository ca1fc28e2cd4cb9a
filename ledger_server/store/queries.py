"""Named queries: `sql/<noun>.sql`, each `-- name --`, then why, then one statement."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def load(noun: str) -> dict[str, str]:
    """Return the queries of `sql/<noun>.sql` by name.

    Comments stay in the text: whoever reads pg_stat_activity sees which query it is.
    """
    text = (files("ledger_server.store") / "sql" / f"{noun}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    names, statements = parts[1::2], parts[2::2]
    assert len(set(names)) == len(names), f"sql/{noun}.sql names a query twice"
    return {
        name: f"-- {noun}.{name}\n{statement.strip()}"
        for name, statement in zip(names, statements, strict=True)
    }
