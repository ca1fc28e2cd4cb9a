"""`ledgerctl erase` against a real server."""

from tests.cli.conftest import Ledgerctl


def test_personal_data_is_erased(ledgerctl: Ledgerctl, journal: str) -> None:
    del journal  # is the one that commands take
    created = ledgerctl("account", "create", "ada", "--normal-side=debit", "--name=Ada Lovelace")
    assert created.exit_code == 0
    for wrong, why in (
        ((), "--transaction"),
        (("--account=eve",), "ACCOUNT_NOT_FOUND"),
        (("--transaction=no",), "FIELD_INVALID"),
    ):
        refused = ledgerctl("erase", *wrong, "--reason=asked")
        assert refused.exit_code != 0
        assert why in refused.stderr
    erased = ledgerctl("erase", "--account=ada", "--reason=asked by the person", "-ojson").json
    assert len(erased["erased_sequences"]) == 1
    assert erased["sequence"] > erased["erased_sequences"][0]
    assert ledgerctl("account", "show", "ada", "-ojson").json["name"] == "ada"
    again = ledgerctl("erase", "--account=ada", "--reason=again", "-ojson").json
    assert (again["sequence"], again["erased_sequences"]) == (None, [])
    assert ledgerctl("erase", "--account=ada", "--reason=again").exit_code == 0
