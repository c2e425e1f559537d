"""Accounts: who is let in by a password, and what may never be."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from productnet.database.database import Database
from productnet.errors import PeopleError, UnknownPerson
from productnet.people import passwords
from productnet.people.accounts import People
from productnet.people.doors import Doors
from productnet.people.roles import PersonRole
from productnet.people.schema import people as table

from .conftest import PASSWORD, TurnedClock


def test_an_account_is_kept_as_it_was_made(doors: Doors, clock: TurnedClock) -> None:
    made = doors.people.add("Zoë", roles=["labeler", "auditor"], password=PASSWORD)
    assert made == doors.people.find("ZOE\u0308")
    assert (made.name, made.display_name) == ("zoë", "Zoë")
    assert made.roles == {PersonRole.LABELER, PersonRole.AUDITOR}
    assert made.active
    assert made.has_password
    assert made.created_at == clock.now
    assert [person.name for person in doors.people.all()] == ["ann", "boss", "zoë"]


def test_whether_anybody_has_a_password_is_known(database: Database) -> None:
    people = Doors.open(database).people
    people.add("root", roles=["admin"])
    assert not people.any_password()
    people.change("root", password=PASSWORD)
    assert people.any_password()


def test_a_password_lets_its_owner_in_and_nobody_else(doors: Doors) -> None:
    person = doors.people.with_password("Ann", PASSWORD)
    assert person is not None
    assert person.name == "ann"
    assert doors.people.with_password("ann", PASSWORD + " ") is None
    assert doors.people.with_password("ann", "") is None
    assert doors.people.with_password("nobody", PASSWORD) is None


@pytest.mark.parametrize("name", ["ann\0", "ann\ud800", "", "a" * 100_000, "%", "ann' OR 1=1 --"])
def test_no_text_typed_as_a_name_or_a_password_breaks_anything(doors: Doors, name: str) -> None:
    assert doors.people.with_password(name, PASSWORD) is None
    assert doors.people.with_password("ann", name) is None
    with pytest.raises(UnknownPerson, match="Nobody is named"):
        doors.people.get(name)


def test_a_password_of_any_characters_works_and_is_not_cut_at_a_nul(doors: Doors) -> None:
    doors.people.change("ann", password="tall\0vase red mug")
    assert doors.people.with_password("ann", "tall\0vase red mug")
    assert not doors.people.with_password("ann", "tall\0another text")
    longest = "ä" + "x1" * 511
    doors.people.change("ann", password=longest)
    # Another keyboard composes the letter of two.
    assert doors.people.with_password("ann", longest.replace("ä", "a\u0308"))
    assert not doors.people.with_password("ann", longest[:-1])


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "has 5 characters"),
        ("ann-ann-ann-1", "more than the name"),
        ("Ann1234567", "more than the name"),
        ("password123", "first that anyone"),
        ("QWERTYUIOP", "first that anyone"),
        ("aaaaaaaaaaaa", "first that anyone"),
        ("x" * 1025, "has 1,025 characters"),
        ("a vase of half a \ud800", "half a character"),
    ],
)
def test_a_password_easily_guessed_is_refused(doors: Doors, password: str, why: str) -> None:
    with pytest.raises(PeopleError, match=why) as refused:
        doors.people.change("ann", password=password)
    assert len(password) < 10 or password not in str(refused.value)
    assert doors.people.with_password("ann", PASSWORD)


def test_the_password_is_at_rest_only_as_argon2id(doors: Doors, database: Database) -> None:
    with database.reading() as connection:
        rows = connection.execute(select(table)).all()
    hashes = {row.password_hash for row in rows}
    assert len(hashes) == 2, "the same password has two hashes, for each has its salt"
    assert all(one.startswith("$argon2id$") for one in hashes)
    assert not any(PASSWORD in str(row) for row in rows)


def test_a_hash_of_old_parameters_is_made_anew_when_its_owner_comes(
    doors: Doors, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=64))
    query = select(table.c.password_hash).where(table.c.name == "ann")

    def stored() -> str:
        with database.reading() as connection:
            return str(connection.scalar(query))

    before = stored()
    assert doors.people.with_password("ann", "wrong password") is None
    assert stored() == before
    assert doors.people.with_password("ann", PASSWORD)
    assert "t=2" in stored()
    assert doors.people.with_password("ann", PASSWORD)


@pytest.mark.parametrize("name", ["ann", "ANN", "ａｎｎ"])
def test_a_name_is_given_once(doors: Doors, name: str) -> None:
    with pytest.raises(PeopleError, match='"ann" exists already'):
        doors.people.add(name, roles=[])


def test_a_name_that_looks_like_another_is_refused(doors: Doors) -> None:
    doors.people.add("copa", roles=[])
    with pytest.raises(PeopleError, match='looks like "copa"'):
        doors.people.add("сора", roles=[])
    assert doors.people.find("сора") is None


def test_errors_name_what_could_have_been_meant(doors: Doors) -> None:
    with pytest.raises(PeopleError, match="no role 'labeller'. Did you mean \"labeler\""):
        doors.people.change("ann", roles=["labeller"])
    with pytest.raises(UnknownPerson, match="named 'anne'. Did you mean \"ann\""):
        doors.people.get("anne")


def test_what_is_not_given_stays(doors: Doors) -> None:
    before = doors.people.get("ann")
    after = doors.people.change("ann", display_name="Ann Lee")
    assert (after.roles, after.active, after.has_password) == (before.roles, True, True)
    assert after.display_name == "Ann Lee"
    assert doors.people.change("ann") == after
    assert doors.people.change("ann", roles=[]).roles == frozenset()


def test_a_deactivated_person_is_not_let_in(doors: Doors) -> None:
    doors.people.change("ann", active=False)
    assert doors.people.with_password("ann", PASSWORD) is None
    doors.people.change("ann", active=True)
    assert doors.people.with_password("ann", PASSWORD)


def test_an_account_without_a_password_has_no_password_to_guess(doors: Doors) -> None:
    doors.people.add("waiting", roles=["labeler"])
    for tried in ("", "None", PASSWORD):
        assert doors.people.with_password("waiting", tried) is None


@pytest.mark.parametrize("change", [{"active": False}, {"roles": ["labeler"]}])
def test_the_last_admin_stays(doors: Doors, change: dict) -> None:
    # An admin who has no way in does not count.
    doors.people.add("boss2", roles=["admin"])
    with pytest.raises(PeopleError, match='"boss" is the last active admin'):
        doors.people.change("boss", **change)
    doors.people.change("boss2", password=PASSWORD)
    doors.people.change("boss", **change)
    with pytest.raises(PeopleError, match='"boss2" is the last active admin'):
        doors.people.change("boss2", **change)


def test_two_admins_who_remove_each_other_at_once_leave_one(
    doors: Doors, other_process: Doors
) -> None:
    doors.people.add("boss2", roles=["admin"], password=PASSWORD)
    for _ in range(10):
        together = Barrier(2)

        def remove(people: People, name: str, together: Barrier = together) -> bool:
            together.wait()
            try:
                people.change(name, active=False)
            except PeopleError:
                return False
            return True

        with ThreadPoolExecutor(2) as threads:
            done = [
                threads.submit(remove, doors.people, "boss"),
                threads.submit(remove, other_process.people, "boss2"),
            ]
        assert sorted(one.result() for one in done) == [False, True]
        for name in ("boss", "boss2"):
            doors.people.change(name, active=True)


def test_names_added_at_once_are_added_once(doors: Doors, other_process: Doors) -> None:
    together = Barrier(4)

    def add(people: People) -> bool:
        together.wait()
        try:
            people.add("new", roles=[])
        except PeopleError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(add, one.people) for one in (doors, other_process) for _ in "12"]
    assert sum(one.result() for one in done) == 1


def test_an_awaited_account_is_bound_once(doors: Doors) -> None:
    issuer = "https://id.example"
    with pytest.raises(PeopleError, match="awaits no OpenID Connect sign-in"):
        doors.people.link("ann", issuer=issuer, subject="s1")
    doors.people.change("ann", oidc_awaited=True)
    assert doors.people.link("ann", issuer=issuer, subject="s1").oidc_subject == "s1"
    found = doors.people.of_subject(issuer, "s1")
    assert found is not None
    assert found.name == "ann"
    assert doors.people.of_subject("https://other.example", "s1") is None
    doors.people.change("boss", oidc_awaited=True)
    with pytest.raises(PeopleError, match="Another account belongs"):
        doors.people.link("boss", issuer=issuer, subject="s1")
    with pytest.raises(PeopleError, match="Another account belongs"):
        doors.people.add("new", roles=[], oidc=(issuer, "s1"))
