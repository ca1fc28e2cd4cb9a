"""What may happen to users, roles and tokens, without a database."""

import datetime as dt
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_client.banking.access import fields, rules
from ledger_client.banking.access.catalogue import PermissionSets
from ledger_client.banking.access.entities import Role, RoleCreated, Token, User, UserCreated
from ledger_client.banking.access.errors import (
    LastAdminError,
    RolePredefinedError,
    TooManyRolesError,
    UserRemovedError,
)
from ledger_client.banking.access.permissions import EVERYONE, PERMISSIONS
from ledger_client.banking.foundation.errors import EntityNotFoundError, FieldInvalidError
from ledger_client.banking.permission_catalogue import PERMISSIONS as CATALOGUE

NOW = dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC)
ADMIN = rules.predefined_role_id("BANK", rules.ADMIN)
ROLES = [ADMIN, *(uuid.UUID(int=number) for number in range(1, 4))]
SETS = sorted(PermissionSets(CATALOGUE.values()).names)

steps = st.lists(
    st.tuples(
        st.sampled_from(["assign", "unassign", "remove"]),
        st.integers(0, 2),
        st.sampled_from(ROLES),
    ),
    max_size=30,
)
names = st.frozensets(st.sampled_from(SETS), min_size=1)


def user_with(number: int, *role_ids: uuid.UUID) -> User:
    created = UserCreated(email=f"u{number}@bank", external_subject="", role_ids=role_ids, at=NOW)
    return User(id=uuid.UUID(int=100 + number), tenant="BANK").after(created)


def role_with(*permission_sets: str, is_predefined: bool = False) -> Role:
    created = RoleCreated(
        name="Clerk", permission_sets=permission_sets, is_predefined=is_predefined, at=NOW
    )
    return Role(id=ROLES[1], tenant="BANK").after(created)


class TestUsers:
    @settings(max_examples=50)
    @given(steps)
    def test_there_is_always_an_admin(self, history: list[tuple[str, int, uuid.UUID]]) -> None:
        """And roles are a set, a removed user never changes, and a fold is what was decided."""
        users = [user_with(number, ADMIN) for number in range(3)]
        for step, index, role_id in history:
            user = users[index]
            admins = {one.id for one in users if not one.is_removed and ADMIN in one.role_ids}
            try:
                match step:
                    case "assign":
                        decided = rules.assign(user, role_id)
                    case "unassign":
                        decided = rules.unassign(user, role_id, admins)
                    case _:
                        decided = rules.remove(user, admins)
            except LastAdminError:
                assert admins == {user.id}
                continue
            except UserRemovedError:
                assert user.is_removed
                continue
            for event in decided:
                user = user.after(User.EVENTS.validate_json(event.model_dump_json()))
            users[index] = user
            assert len(set(user.role_ids)) == len(user.role_ids)
            assert (role_id in user.role_ids) == (step == "assign") or step == "remove"
            assert any(ADMIN in one.role_ids and not one.is_removed for one in users)

    def test_a_removed_user_leaves_the_address_to_others(self) -> None:
        user = user_with(1, ROLES[1])
        assert user.key == "u1@bank"
        (removed,) = rules.remove(user, {uuid.uuid4()})
        user = user.after(removed)
        assert (user.key, user.state) == (None, "removed")
        assert rules.remove(user, set()) == []

    def test_roles_are_bounded(self) -> None:
        user = user_with(1, *(uuid.UUID(int=number) for number in range(rules.ROLES_MAX)))
        assert rules.assign(user, user.role_ids[0]) == []
        with pytest.raises(TooManyRolesError):
            rules.assign(user, uuid.uuid4())


class TestRoles:
    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.booleans(), names), max_size=10))
    def test_sets_are_added_and_removed(self, history: list[tuple[bool, frozenset[str]]]) -> None:
        role, expected = role_with(), frozenset[str]()
        for is_added, some in history:
            change = rules.add_sets if is_added else rules.remove_sets
            before = role
            for event in change(role, some, SETS):
                role = role.after(Role.EVENTS.validate_json(event.model_dump_json()))
            expected = expected | some if is_added else expected - some
            assert role.permission_sets == expected
            assert (role.version == before.version) == (before.permission_sets == expected)

    @pytest.mark.parametrize("change", [rules.add_sets, rules.remove_sets])
    def test_an_unknown_set_is_refused(self, change: Callable[..., object]) -> None:
        with pytest.raises(EntityNotFoundError, match="no permission set nonsense"):
            change(role_with(SETS[0]), {SETS[0], "nonsense"}, SETS)

    def test_a_set_that_the_code_dropped_can_be_removed(self) -> None:
        (event,) = rules.remove_sets(role_with("gone"), {"gone"}, SETS)
        assert role_with("gone").after(event).permission_sets == frozenset()

    def test_predefined_roles_are_the_codes(self) -> None:
        role = role_with(SETS[0], is_predefined=True)
        with pytest.raises(RolePredefinedError):
            rules.add_sets(role, {SETS[1]}, SETS)
        with pytest.raises(RolePredefinedError):
            rules.remove_sets(role, {SETS[0]}, SETS)
        with pytest.raises(RolePredefinedError):
            rules.rename(role, "Other")

    @settings(max_examples=40)
    @given(names, names)
    def test_synchronising_leaves_what_only_newer_code_knows(
        self, wanted: frozenset[str], had: frozenset[str]
    ) -> None:
        role = role_with(*had, "of_newer_code", is_predefined=True)
        for event in rules.synchronise(role, wanted, SETS):
            role = role.after(event)
        assert role.permission_sets == wanted | {"of_newer_code"}
        assert rules.synchronise(role, wanted, SETS) == []

    def test_what_predefined_roles_have(self) -> None:
        sets = {
            "access_writer", "access_viewer", "custody_writer", "deposit_writer", "deposit_viewer",
            "accounting_writer",
        }  # fmt: skip
        roles = rules.predefined_roles(sets)
        assert roles[rules.ADMIN] == sets
        assert roles[rules.BANK_MANAGER] == {
            "deposit_writer",
            "deposit_viewer",
            "accounting_writer",
        }
        assert roles[rules.ACCOUNTANT] == {"access_viewer", "deposit_viewer", "accounting_writer"}


class TestTokens:
    def test_one_that_is_expired_from_the_start_is_refused(self) -> None:
        user = user_with(1, ROLES[1])
        with pytest.raises(FieldInvalidError):
            rules.create_token(user, "", "0" * 64, NOW, NOW)
        created = rules.create_token(user, "", "0" * 64, NOW + dt.timedelta(seconds=1), NOW)
        token = Token(id=uuid.uuid4(), tenant="BANK").after(created)
        assert not token.is_expired(NOW)
        assert token.is_expired(NOW + dt.timedelta(seconds=1))
        (revoked,) = rules.revoke(token)
        assert rules.revoke(token.after(revoked)) == []

    def test_none_for_a_removed_user(self) -> None:
        user = user_with(1, ROLES[1])
        (removed,) = rules.remove(user, set())
        with pytest.raises(UserRemovedError):
            rules.create_token(user.after(removed), "", "0" * 64, None, NOW)


class TestFields:
    @pytest.mark.parametrize(
        "email", ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\0", "a@b\n", " a@b", "a@" + "b" * 254]
    )
    def test_no_address(self, email: str) -> None:
        with pytest.raises(FieldInvalidError):
            fields.email_of("email", email)

    @given(st.text())
    def test_a_name_that_passes_can_be_stored_and_shown(self, text: str) -> None:
        try:
            name = fields.name_of("name", text)
        except FieldInvalidError:
            return
        assert name == text == text.strip()
        assert name.isprintable()
        assert 0 < len(name) <= fields.NAME_LENGTH_MAX


def test_nobody_is_given_the_set_of_everyone() -> None:
    assert EVERYONE in {permission.permission_set for permission in PERMISSIONS.values()}
    assert EVERYONE not in SETS
    assert [name for name in SETS if name.endswith("_system")] == []
