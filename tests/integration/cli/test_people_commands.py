"""An admin at the machine adds people, changes them, and hands out API keys."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from productnet.cli.main import app
from productnet.database.database import Database
from productnet.errors import ProductNetError
from productnet.people.doors import Doors
from productnet.settings import Project, Settings, SignInSettings

PASSWORD = "tall vase, red mug"


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Project:
    sign_in = SignInSettings(password_min_length=12)
    return Project.create(tmp_path / "shop", Settings(database_url=database_url, sign_in=sign_in))


def run(shop: Project, *arguments: str, typed: str | None = None) -> Result:
    at = ["--project", str(shop.root)]
    return CliRunner().invoke(app, ["people", *arguments, *at], input=typed)


def answer(shop: Project, *arguments: str, typed: str | None = None) -> dict:
    result = run(shop, *arguments, "--json", typed=typed)
    assert result.exit_code == 0, result.exception
    return dict(json.loads(result.stdout))


def refused(shop: Project, *arguments: str, typed: str | None = None) -> str:
    result = run(shop, *arguments, typed=typed)
    assert isinstance(result.exception, ProductNetError), result.output
    return str(result.exception)


def lets_in(shop: Project, name: str, password: str) -> bool:
    with Database.open(shop.database_url) as database:
        return Doors.open(database).people.with_password(name, password) is not None


def test_a_person_is_added_with_a_password_made_up_or_given(shop: Project) -> None:
    made = answer(shop, "add", "Ann", "--role", "labeler", "--role", "auditor")
    assert made["roles"] == ["auditor", "labeler"]
    assert lets_in(shop, "ann", made["password"])
    given = answer(
        shop, "add", "boss", "--role", "admin", "--password-stdin", typed=PASSWORD + "\n"
    )
    assert "password" not in given
    assert lets_in(shop, "boss", PASSWORD)
    shown = run(shop, "add", "carla", "--display-name", "Carla [bold]B[/bold]").output
    assert lets_in(shop, "carla", shown.split()[-1])
    listed = run(shop, "list").output
    assert "Carla [bold]B[/bold]" in listed
    assert PASSWORD not in listed
    assert [one["name"] for one in answer(shop, "list")["people"]] == ["ann", "boss", "carla"]


def test_the_settings_of_the_project_count(shop: Project) -> None:
    text = refused(shop, "add", "ann", "--password-stdin", typed="elevenchars\n")
    assert "at least 12" in text


def test_a_person_is_changed(shop: Project) -> None:
    answer(shop, "add", "boss", "--role", "admin")
    answer(shop, "add", "ann", "--role", "labeler")
    assert answer(shop, "change", "ann", "--role", "auditor")["roles"] == ["auditor"]
    assert answer(shop, "change", "ann", "--no-role")["roles"] == []
    assert answer(shop, "change", "ann", "--deactivate")["active"] is False
    assert "deactivated" in run(shop, "change", "ann", "--oidc").output
    assert answer(shop, "change", "ann", "--activate", "--no-oidc")["oidc_awaited"] is False
    assert "last active admin" in refused(shop, "change", "boss", "--no-role")
    assert "Nothing to change" in refused(shop, "change", "ann")
    assert "not both" in refused(shop, "change", "ann", "--no-role", "--role", "admin")
    assert 'Did you mean "ann"' in refused(shop, "change", "anne", "--no-role")
    assert 'Did you mean "labeler"' in refused(shop, "change", "ann", "--role", "labeller")


def test_a_new_password_replaces_the_old_and_ends_waiting(shop: Project) -> None:
    answer(shop, "add", "ann", "--password-stdin", typed=PASSWORD)
    with Database.open(shop.database_url) as database:
        for _ in range(5):
            Doors.open(database).throttle.attempt("ann", "192.0.2.7")
    made = answer(shop, "password", "ann")
    assert not lets_in(shop, "ann", PASSWORD)
    with Database.open(shop.database_url) as database:
        assert Doors.open(database).sign_in("ann", made["password"], address="192.0.2.8")
    answer(shop, "password", "ann", "--password-stdin", typed="another vase altogether")
    assert lets_in(shop, "ann", "another vase altogether")


def test_who_comes_by_openid_connect_has_no_password(shop: Project) -> None:
    added = answer(shop, "add", "ann", "--oidc", "--role", "labeler")
    assert (added["oidc_awaited"], added["has_password"]) == (True, False)
    assert "password" not in added
    assert "Leave one out" in refused(shop, "add", "b", "--oidc", "--password-stdin")


def test_a_key_is_made_listed_and_revoked(shop: Project) -> None:
    answer(shop, "add", "ann", "--role", "labeler")
    made = answer(shop, "key", "add", "ann", "--label", "robot", "--days", "90")
    assert made["scopes"] == ["read"]
    with Database.open(shop.database_url) as database:
        assert Doors.open(database).keys.find(made["key"])
    listed = run(shop, "key", "list", "ann").output
    assert made["id"] in listed
    assert made["key"] not in listed
    assert "is no admin" in refused(shop, "key", "add", "ann", "--label", "x", "--scope", "admin")
    assert "no API key 'none'" in refused(shop, "key", "revoke", "ann", "none")
    assert answer(shop, "key", "revoke", "ann", made["id"])["revoked_at"]
    with Database.open(shop.database_url) as database:
        assert Doors.open(database).keys.find(made["key"]) is None
    assert answer(shop, "key", "list", "ann")["keys"][0]["revoked_at"]
