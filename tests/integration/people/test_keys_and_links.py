"""API keys and one-time links open what they are for, as long as they should."""

import getpass
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from productnet.database.database import Database
from productnet.errors import PeopleError, SignInError
from productnet.people.doors import Doors
from productnet.people.keys import MOST
from productnet.people.one_time import Purpose
from productnet.people.recent import FRESH
from productnet.people.roles import ALL_ROLES, Scope
from productnet.people.schema import api_keys, one_time_tokens

from .conftest import PASSWORD, TurnedClock

HERE = "127.0.0.1"


def test_a_key_acts_for_its_owner_with_the_roles_of_now(
    doors: Doors, other_process: Doors, clock: TurnedClock
) -> None:
    ann = doors.people.get("ann")
    text, key = doors.keys.add(ann, label="nightly", scopes=["read", "annotate"])
    assert text.startswith(f"pn_{key.id}_")
    used = other_process.keys.find(text)
    assert used is not None
    assert used.person == ann
    assert used.key.scopes == {Scope.READ, Scope.ANNOTATE}
    doors.people.change("ann", roles=["auditor"])
    here = doors.keys.find(text)
    assert here is not None
    assert here.person.roles == {"auditor"}


def test_any_other_text_is_no_key(doors: Doors) -> None:
    text, key = doors.keys.add(doors.people.get("ann"), label="a", scopes=["read"])
    other, _ = doors.keys.add(doors.people.get("boss"), label="b", scopes=["admin"])
    mixed = f"pn_{key.id}_{other.split('_')[2]}"
    wrong = ["", "pn", "pn__", f"pn_{key.id}_", text[:-1], text + "x", text[3:], mixed]
    wrong += [
        "pn_" + "é" * 12 + "_x",
        f"pn_{key.id}_\ud800",
        "pn_a\0bcdefghijk_x",
        "pn_" + "x" * 10**6,
    ]
    assert [one for one in wrong if doors.keys.find(one)] == []
    assert doors.keys.find(text)


def test_a_key_is_at_rest_only_as_a_hash(doors: Doors, database: Database) -> None:
    text, key = doors.keys.add(doors.people.get("ann"), label="a", scopes=["read"])
    with database.reading() as connection:
        stored = str(connection.execute(select(api_keys)).all())
    assert key.id in stored
    assert text.split("_")[2] not in stored


def test_a_key_ends_when_it_should(doors: Doors, other_process: Doors, clock: TurnedClock) -> None:
    ann = doors.people.get("ann")
    short, _ = doors.keys.add(
        ann, label="short", scopes=["read"], expires_at=clock.now + timedelta(seconds=3)
    )
    revoked, key = doors.keys.add(ann, label="revoked", scopes=["read"])
    stays, _ = doors.keys.add(ann, label="stays", scopes=["read"])
    assert other_process.keys.find(short)
    assert other_process.keys.find(revoked)
    assert doors.keys.find(revoked)
    clock.turn(seconds=3)
    assert other_process.keys.find(short) is None, "remembered, and over all the same"
    assert doors.keys.revoke(key.id, owner="ann").revoked_at == clock.now
    assert doors.keys.find(revoked) is None
    clock.turn(seconds=FRESH.total_seconds())
    assert other_process.keys.find_at_once(revoked) is None
    assert other_process.keys.find(revoked) is None
    assert other_process.keys.find(stays)
    assert other_process.keys.find_at_once(stays)
    assert [one.label for one in doors.keys.of("ann")].count("revoked") == 1


def test_deactivation_revokes_keys_for_good(doors: Doors) -> None:
    text, _ = doors.keys.add(doors.people.get("ann"), label="a", scopes=["read"])
    assert doors.keys.find(text)
    doors.people.change("ann", active=False)
    assert doors.keys.find(text) is None
    doors.people.change("ann", active=True)
    assert doors.keys.find(text) is None


def test_when_a_key_was_used_is_known_to_the_minute(doors: Doors, clock: TurnedClock) -> None:
    text, _ = doors.keys.add(doors.people.get("ann"), label="a", scopes=["read"])
    assert doors.keys.of("ann")[0].used_at is None
    doors.keys.find(text)
    first = clock.now
    clock.turn(seconds=59)
    doors.keys.find(text)
    assert doors.keys.of("ann")[0].used_at == first
    clock.turn(seconds=1)
    doors.keys.find(text)
    assert doors.keys.of("ann")[0].used_at == clock.now


def test_a_key_that_makes_no_sense_is_refused(doors: Doors, clock: TurnedClock) -> None:
    ann = doors.people.get("ann")
    for label in ("", " ", "x" * 101, "a\nb", "\ud800", "a\0"):
        with pytest.raises(PeopleError, match="label of 1 to 100"):
            doors.keys.add(ann, label=label, scopes=["read"])
    with pytest.raises(PeopleError, match="needs a scope: read, annotate, admin"):
        doors.keys.add(ann, label="a", scopes=[])
    with pytest.raises(PeopleError, match="no scope 'write'"):
        doors.keys.add(ann, label="a", scopes=["write"])
    with pytest.raises(PeopleError, match='"ann" is no admin'):
        doors.keys.add(ann, label="a", scopes=["admin"])
    with pytest.raises(PeopleError, match="is past"):
        doors.keys.add(ann, label="a", scopes=["read"], expires_at=clock.now)
    with pytest.raises(PeopleError, match="no time zone"):
        at = clock.now.replace(tzinfo=None)
        doors.keys.add(ann, label="a", scopes=["read"], expires_at=at)
    assert doors.keys.of("ann") == []


def test_nobody_revokes_anothers_key(doors: Doors) -> None:
    text, key = doors.keys.add(doors.people.get("ann"), label="a", scopes=["read"])
    for wrong in (key.id, "no\0such", "\ud800"):
        with pytest.raises(PeopleError, match='"boss" has no API key'):
            doors.keys.revoke(wrong, owner="boss")
    assert doors.keys.find(text)


def test_a_person_has_so_many_keys(doors: Doors) -> None:
    ann = doors.people.get("ann")
    made = [doors.keys.add(ann, label=str(n), scopes=["read"])[1] for n in range(MOST)]
    with pytest.raises(PeopleError, match="Revoke one first"):
        doors.keys.add(ann, label="more", scopes=["read"])
    doors.keys.revoke(made[0].id, owner="ann")
    doors.keys.add(ann, label="more", scopes=["read"])


def test_a_link_opens_once(
    doors: Doors,
    other_process: Doors,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "Carla")
    token = doors.link_token()
    with database.reading() as connection:
        assert token not in str(connection.execute(select(one_time_tokens)).all())
    entered = other_process.open_link(token, address=HERE)
    assert entered.person.name == "carla"
    assert entered.person.roles == ALL_ROLES
    assert not entered.person.has_password
    assert doors.sessions.find(entered.token)
    for again in (token, "", "x", "\ud800"):
        with pytest.raises(SignInError, match="used already, or is too old"):
            doors.open_link(again, address=HERE)
    assert doors.open_link(doors.link_token(), address=HERE).person == entered.person


def test_a_link_is_too_old_after_ten_minutes(doors: Doors, clock: TurnedClock) -> None:
    early, late = doors.link_token(), doors.link_token()
    clock.turn(minutes=9, seconds=59)
    assert doors.open_link(early, address=HERE)
    clock.turn(seconds=1)
    with pytest.raises(SignInError):
        doors.open_link(late, address=HERE)


def test_a_token_opens_only_what_it_is_for(doors: Doors) -> None:
    token = doors.tokens.issue(Purpose.LINK, person="ann")
    assert doors.tokens.use(token, Purpose.OIDC) is None
    assert doors.tokens.use(token, Purpose.LINK) == "ann"


def test_a_token_is_spent_once(doors: Doors, other_process: Doors) -> None:
    token = "made elsewhere"
    with ThreadPoolExecutor(4) as threads:
        sides = [doors, other_process] * 2
        spent = list(threads.map(lambda side: side.tokens.spend(token, Purpose.OIDC), sides))
    assert sorted(spent) == [False, False, False, True]
    assert doors.tokens.spend("another", Purpose.OIDC)
    # What was spent is no link.
    assert doors.tokens.use(token, Purpose.LINK) is None


@pytest.mark.parametrize("user", ["DOMAIN\\user name", "", "imported"])
def test_who_has_no_usable_name_is_me(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: user)
    assert doors.local_person().name == "me"
    assert doors.local_person() == doors.people.get("me")


def test_an_account_of_the_users_name_keeps_its_roles(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    assert doors.local_person() == doors.people.get("ann")
    doors.people.change("ann", active=False)
    with pytest.raises(PeopleError, match="people change ann --activate"):
        doors.link_token()


def test_who_works_alone_is_not_the_last_admin(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "carla")
    doors.local_person()
    with pytest.raises(PeopleError, match="last active admin"):
        doors.people.change("boss", roles=[])
    doors.people.change("carla", active=False)
    doors.sign_in("boss", PASSWORD, address=HERE)
