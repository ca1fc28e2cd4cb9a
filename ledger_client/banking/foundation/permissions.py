"""What an RPC needs: an action on an object, and the permission set that contains it."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Permission:
    """One action on one kind of object.

    Roles are given permission sets, never single permissions. Sets follow from the code: they are
    all that the permissions of all modules name.
    """

    #: Such as `deposit_writer`.
    permission_set: str
    #: Such as `deposit/withdrawal`.
    object: str
    #: Such as `deposit:withdrawal:initiate`.
    action: str
