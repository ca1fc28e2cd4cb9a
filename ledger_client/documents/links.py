"""Where a row leads, for whoever shows a sheet on a page."""

from collections.abc import Callable

#: Gives an address from what a row is (`account`, `set`, `transaction`, `hold`) and its code or id.
Link = Callable[[str, str], str]


def nowhere(_kind: str, _code: str) -> str:
    """Lead nowhere: on paper and in files."""
    return ""
