"""Sessions end when they should, everywhere, and give nothing away."""

import pytest
from sqlalchemy import delete, event, select

from productnet.database.database import Database
from productnet.errors import PeopleError, SignInError
from productnet.people.doors import Doors
from productnet.people.recent import FRESH, LONGEST_KEPT
from productnet.people.schema import sessions as table
from productnet.people.sessions import SignedIn

from .conftest import PASSWORD, TurnedClock

HERE = "192.0.2.7"


def sign_in(doors: Doors, name: str = "ann", **others: str) -> SignedIn:
    return doors.sign_in(name, PASSWORD, address=HERE, **others)


def count_statements(database: Database) -> list[str]:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    for engine in {database.engine, database.readers}:
        event.listen(engine, "before_cursor_execute", note)
    return seen


def test_who_signed_in_is_found_with_the_roles_of_now(
    doors: Doors, other_process: Doors, clock: TurnedClock
) -> None:
    entered = sign_in(doors, agent="Firefox")
    found = other_process.sessions.find(entered.token)
    assert found == entered
    assert found.session.expires_at == clock.now.replace(day=15)
    doors.people.change("ann", roles=["auditor"])
    here = doors.sessions.find(entered.token)
    assert here is not None
    assert here.person.roles == {"auditor"}
    clock.turn(seconds=FRESH.total_seconds())
    there = other_process.sessions.find(entered.token)
    assert there is not None
    assert there.person.roles == {"auditor"}


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a\0b", "x" * 1_000_000])
def test_any_other_token_is_nobodys(doors: Doors, token: str) -> None:
    sign_in(doors)
    assert doors.sessions.find(token) is None


def test_only_hashes_are_at_rest(doors: Doors, database: Database) -> None:
    entered = sign_in(doors)
    with database.reading() as connection:
        stored = str(connection.execute(select(table)).all())
    assert entered.token not in stored
    assert entered.csrf not in stored
    assert entered.token not in repr(entered)


def test_the_csrf_token_belongs_to_one_session(doors: Doors) -> None:
    one, other = sign_in(doors), sign_in(doors)
    found = doors.sessions.find(one.token)
    assert found is not None
    assert found.sent_csrf(one.csrf)
    for sent in (None, "", other.csrf, one.token, one.csrf[:-1], "é\ud800"):
        assert not one.sent_csrf(sent)


def test_a_session_unused_is_over_and_a_used_one_goes_on(doors: Doors, clock: TurnedClock) -> None:
    entered = sign_in(doors)
    for _ in range(3):
        clock.turn(hours=11, minutes=59)
        assert doors.sessions.find(entered.token)
    clock.turn(hours=12)
    assert doors.sessions.find(entered.token) is None
    assert doors.sessions.of("ann") == []


def test_no_session_outlives_its_days_however_much_it_is_used(
    doors: Doors, clock: TurnedClock
) -> None:
    entered = sign_in(doors)
    for _ in range(14 * 4 - 1):
        clock.turn(hours=6)
        assert doors.sessions.find(entered.token)
    clock.turn(hours=6)
    assert doors.sessions.find(entered.token) is None


def test_a_remembered_session_ends_on_time_too(doors: Doors, clock: TurnedClock) -> None:
    entered = sign_in(doors)
    clock.now = entered.session.expires_at
    clock.turn(seconds=-1)
    assert doors.sessions.find(entered.token) is None, "idle"
    entered = sign_in(doors)
    while clock.now < entered.session.expires_at:
        clock.turn(hours=1)
        if clock.now >= entered.session.expires_at:
            clock.now = entered.session.expires_at
            clock.turn(seconds=-1)
            assert doors.sessions.find(entered.token)
            clock.turn(seconds=1)
        doors.sessions.find(entered.token)
    assert doors.sessions.find(entered.token) is None


def test_a_request_costs_no_query_while_the_session_is_remembered(
    doors: Doors, database: Database, clock: TurnedClock
) -> None:
    entered = sign_in(doors)
    doors.sessions.find(entered.token)
    statements = count_statements(database)
    for _ in range(100):
        assert doors.sessions.find(entered.token)
    assert statements == []
    for _ in range(120):
        clock.turn(seconds=1)
        for _ in range(3):
            assert doors.sessions.find(entered.token)
    writes = [one for one in statements if one.startswith("UPDATE")]
    assert len(writes) == 2, "seen is written once a minute"
    assert doors.sessions.of("ann")[0].seen_at == clock.now


def test_whether_anything_changed_is_asked_once_for_everybody(
    doors: Doors, other_process: Doors, database: Database, clock: TurnedClock
) -> None:
    entered = [sign_in(doors) for _ in range(3)]
    for one in entered:
        doors.sessions.find(one.token)
    statements = count_statements(database)
    clock.turn(seconds=FRESH.total_seconds())
    assert [doors.sessions.find_at_once(one.token) for one in entered] == [None] * 3
    for one in entered:
        assert doors.sessions.find(one.token)
        assert doors.sessions.find_at_once(one.token)
    asked = [one for one in statements if one != "BEGIN"]
    assert len(asked) == 1, "nothing else was read anew"
    assert "door_changes" in asked[0]
    other_process.sessions.end(entered[0].token)
    clock.turn(seconds=FRESH.total_seconds())
    assert doors.sessions.find(entered[0].token) is None
    assert doors.sessions.find(entered[1].token)


def test_a_session_idle_here_and_used_at_another_process_goes_on(
    doors: Doors, other_process: Doors, clock: TurnedClock
) -> None:
    entered = sign_in(doors)
    assert doors.sessions.find(entered.token)
    clock.turn(minutes=4)
    assert other_process.sessions.find(entered.token)
    clock.turn(hours=11, minutes=57)
    assert doors.sessions.find_at_once(entered.token) is None
    assert doors.sessions.find(entered.token)


def test_what_was_ended_by_hand_is_over_within_minutes(
    doors: Doors, database: Database, clock: TurnedClock
) -> None:
    entered = sign_in(doors)
    assert doors.sessions.find(entered.token)
    with database.writing() as connection:
        connection.execute(delete(table))
    clock.turn(seconds=LONGEST_KEPT.total_seconds())
    assert doors.sessions.find(entered.token) is None


def test_signing_out_is_at_once_here_and_soon_in_other_processes(
    doors: Doors, other_process: Doors, clock: TurnedClock
) -> None:
    entered = sign_in(doors)
    stays = sign_in(doors)
    assert other_process.sessions.find(entered.token)
    doors.sessions.end(entered.token)
    assert doors.sessions.find(entered.token) is None
    clock.turn(seconds=FRESH.total_seconds())
    assert other_process.sessions.find(entered.token) is None
    assert other_process.sessions.find(stays.token)


def test_every_sign_in_has_a_token_of_its_own_and_ends_the_one_before(doors: Doors) -> None:
    before = sign_in(doors, "boss")
    after = sign_in(doors, replacing=before.token)
    assert after.token != before.token
    assert doors.sessions.find(before.token) is None
    planted = "x" * 43
    entered = sign_in(doors, replacing=planted)
    assert entered.token != planted
    assert doors.sessions.find(planted) is None


@pytest.mark.parametrize("change", [{"password": "another vase, a blue mug"}, {"active": False}])
def test_a_new_password_or_deactivation_signs_out_everywhere(
    doors: Doors, other_process: Doors, clock: TurnedClock, change: dict
) -> None:
    entered = [sign_in(doors), sign_in(other_process)]
    boss = sign_in(doors, "boss")
    doors.people.change("ann", **change)
    assert doors.sessions.find(entered[1].token) is None
    clock.turn(seconds=FRESH.total_seconds())
    assert [other_process.sessions.find(one.token) for one in entered] == [None, None]
    assert doors.sessions.find(boss.token)
    doors.people.change("ann", active=True)
    assert doors.sessions.find(entered[0].token) is None


@pytest.mark.parametrize("change", [{"password": "another vase, a blue mug"}, {"active": False}])
def test_a_password_checked_before_it_changed_opens_nothing_after(
    doors: Doors, change: dict
) -> None:
    checked = doors.people.with_password("ann", PASSWORD)
    assert checked is not None
    doors.people.change("ann", **change)
    with pytest.raises(SignInError, match="changed a moment ago"):
        doors.sessions.begin(checked, address=HERE)


def test_changing_ones_password_needs_the_old_one_and_gives_a_new_session(doors: Doors) -> None:
    entered, elsewhere = sign_in(doors), sign_in(doors)
    new = "another vase, a blue mug"
    with pytest.raises(SignInError, match="old password"):
        doors.change_password(entered, old="not this one", new=new, address=HERE)
    with pytest.raises(PeopleError, match="at least 10"):
        doors.change_password(entered, old=PASSWORD, new="short", address=HERE)
    assert doors.sessions.find(elsewhere.token)
    after = doors.change_password(entered, old=PASSWORD, new=new, address=HERE)
    assert doors.sessions.find(after.token)
    assert doors.sessions.find(entered.token) is None
    assert doors.sessions.find(elsewhere.token) is None
    assert doors.people.with_password("ann", new)


def test_a_person_sees_and_ends_their_own_sessions(doors: Doors, clock: TurnedClock) -> None:
    first = sign_in(doors, agent="Firefox\0" + "x" * 1000)
    clock.turn(minutes=5)
    second = sign_in(doors)
    other = sign_in(doors, "boss").session
    assert {one.id for one in doors.sessions.all()} == {
        first.session.id,
        second.session.id,
        other.id,
    }
    listed = doors.sessions.of("ann")
    assert [one.id for one in listed] == [second.session.id, first.session.id]
    assert listed[1].agent.startswith("Firefoxxx")
    assert len(listed[1].agent) < 300
    assert not doors.sessions.end_one("boss", first.session.id)
    assert doors.sessions.end_one("ann", first.session.id)
    assert doors.sessions.find(first.token) is None
    assert not doors.sessions.end_one("ann", "no\0such")
    doors.sessions.end_all("ann")
    assert doors.sessions.of("ann") == []
    assert doors.sessions.all() == [other]


def test_what_was_read_before_a_sign_out_is_not_remembered_after_it(
    doors: Doors, other_process: Doors, database: Database
) -> None:
    entered = sign_in(doors)
    ended: list[bool] = []

    def end_meanwhile(*arguments: object) -> None:
        if not ended and "FROM sessions" in str(arguments[2]):
            ended.append(True)
            other_process.sessions.end(entered.token)
            doors.sessions.forget()

    doors.sessions.forget()
    event.listen(database.readers, "after_cursor_execute", end_meanwhile)
    doors.sessions.find(entered.token)
    assert ended
    assert doors.sessions.find(entered.token) is None
