"""The beginning of a list, and whether there is more."""

from collections.abc import AsyncIterator
from typing import TypeVar

_Item = TypeVar("_Item")


async def first(items: AsyncIterator[_Item], count: int) -> tuple[list[_Item], bool]:
    """Return the first `count` items, and whether more follow."""
    found: list[_Item] = []
    async for item in items:
        if len(found) == count:
            return found, True
        found.append(item)
    return found, False
