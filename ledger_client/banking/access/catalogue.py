"""The permission sets that there are: what the permissions of all modules name."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ledger_client.banking.access.permissions import EVERYONE, MODULE_SET_SUFFIX
from ledger_client.banking.foundation.permissions import Permission


class PermissionSets:
    """All sets that a role can have, each with what it permits: not those of modules."""

    def __init__(self, permissions: Iterable[Permission]) -> None:
        """Take the permissions of all modules."""
        sets: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for permission in people_s(permissions):
            sets[permission.permission_set].add((permission.object, permission.action))
        sets.pop(EVERYONE, None)
        self._sets = sets

    @property
    def names(self) -> frozenset[str]:
        """Their names, without the one that everybody has."""
        return frozenset(self._sets)

    def permitted(self) -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
        """Return name and sorted pairs of object and action, by name."""
        return [(name, sorted(self._sets[name])) for name in sorted(self._sets)]


def people_s(permissions: Iterable[Permission]) -> Sequence[Permission]:
    """Return those that users can have."""
    return [one for one in permissions if not one.permission_set.endswith(MODULE_SET_SUFFIX)]
