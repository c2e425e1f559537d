"""Guessing gets slower and slower; nobody is kept out of their own account by it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from productnet.database.database import Database
from productnet.errors import SignInError, TooManyAttempts
from productnet.people.doors import Doors
from productnet.people.schema import sign_in_attempts as table

from .conftest import PASSWORD, TurnedClock

HERE = "192.0.2.7"
STRANGER = "203.0.113.9"


def fail(doors: Doors, name: str = "ann", address: str = STRANGER) -> int:
    """Seconds to wait that a wrong attempt was answered with; 0 if it was heard."""
    with pytest.raises(SignInError) as refused:
        doors.sign_in(name, "not this one at all", address=address)
    return refused.value.wait if isinstance(refused.value, TooManyAttempts) else 0


@pytest.mark.parametrize("name", ["ann", "nobody-of-this-name", "x" * 10_000, "a\0\ud800"])
def test_waits_grow_after_five_failures_alike_for_any_name(
    doors: Doors, clock: TurnedClock, name: str
) -> None:
    assert [fail(doors, name) for _ in range(6)] == [0, 0, 0, 0, 0, 2]
    waits = []
    for number in range(12):
        # From another address each time, so that this is the name's wait alone.
        address = f"203.0.113.{number}"
        waits.append(wait := fail(doors, name, address))
        clock.turn(seconds=wait - 1)
        assert fail(doors, name, address) == 1
        clock.turn(seconds=1)
        assert fail(doors, name, address) == 0
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_the_error_says_how_long(doors: Doors, clock: TurnedClock) -> None:
    for _ in range(5):
        fail(doors)
    with pytest.raises(TooManyAttempts, match=r"failed too often\. Try again in 2 seconds"):
        doors.sign_in("ann", PASSWORD, address=STRANGER)
    for _ in range(9):
        clock.turn(minutes=15)
        fail(doors)
    with pytest.raises(TooManyAttempts, match="Try again in 15 minutes"):
        doors.sign_in("ann", PASSWORD, address=STRANGER)


def test_success_starts_the_count_anew(doors: Doors) -> None:
    for _ in range(3):
        for _ in range(4):
            assert fail(doors, address=HERE) == 0
        doors.sign_in("ann", PASSWORD, address=HERE)


def test_an_address_that_tries_many_names_waits(doors: Doors) -> None:
    assert sum(fail(doors, f"name{number}") == 0 for number in range(30)) == 20
    assert fail(doors, "name-of-its-own", HERE) == 0
    # An IPv6 user has 2 to the 64 addresses.
    tried = [fail(doors, f"other{n}", f"2001:db8:1:2::{n:x}") for n in range(1, 31)]
    assert tried.count(0) == 20
    assert fail(doors, "another", "2001:db8:1:3::1") == 0


def test_people_behind_one_socket_do_not_share_one_count(doors: Doors) -> None:
    # A socket that takes IPv6 and IPv4 alike writes all of IPv4 into one /64.
    tried = [fail(doors, f"name{number}", "::ffff:198.51.100.7") for number in range(21)]
    assert tried.count(0) == 20
    assert fail(doors, "another", "198.51.100.7") > 0
    assert fail(doors, "another", "::ffff:198.51.100.8") == 0


def test_ones_own_account_does_not_reset_the_address(doors: Doors, clock: TurnedClock) -> None:
    heard = 0
    for number in range(60):
        heard += fail(doors, f"name{number}") == 0
        if number % 4 == 0:
            try:
                doors.sign_in("ann", PASSWORD, address=STRANGER)
            except TooManyAttempts:
                break
    assert heard <= 20


def test_a_stranger_cannot_keep_somebody_out_who_signed_in_from_there(
    doors: Doors, clock: TurnedClock
) -> None:
    doors.sign_in("boss", PASSWORD, address=HERE)
    for number in range(40):
        fail(doors, "boss", f"203.0.113.{number}")
        clock.turn(minutes=15)
    assert fail(doors, "boss", "203.0.113.200") in (0, 900)
    doors.sign_in("boss", PASSWORD, address=HERE)
    # Nor does a colleague's typing at the same address.
    for number in range(25):
        fail(doors, f"name{number}", HERE)
    doors.sign_in("boss", PASSWORD, address=HERE)
    # Where the owner signs in, guessing is as slow.
    assert [fail(doors, "boss", HERE) for _ in range(6)] == [0, 0, 0, 0, 0, 2]


def test_who_waits_long_enough_is_heard_whatever_was_tried(
    doors: Doors, clock: TurnedClock
) -> None:
    for number in range(200):
        fail(doors, "boss", f"203.0.113.{number % 250}")
        clock.turn(seconds=60)
    clock.turn(minutes=15)
    assert doors.sign_in("boss", PASSWORD, address=HERE).person.name == "boss"


def test_an_admin_at_the_machine_can_clear_it(doors: Doors) -> None:
    for _ in range(6):
        fail(doors, "boss")
    doors.throttle.clear("boss")
    assert doors.sign_in("boss", PASSWORD, address=STRANGER)


def test_many_at_once_gain_nothing(doors: Doors, other_process: Doors) -> None:
    with ThreadPoolExecutor(8) as threads:
        sides = [doors, other_process] * 12
        heard = list(threads.map(lambda side: fail(side) == 0, sides))
    assert sum(heard) == 5


def test_guessing_the_old_password_is_throttled_too(doors: Doors) -> None:
    entered = doors.sign_in("ann", PASSWORD, address=HERE)
    for _ in range(5):
        with pytest.raises(SignInError, match="old password"):
            doors.change_password(entered, old="wrong", new="long enough", address=HERE)
    with pytest.raises(TooManyAttempts):
        doors.change_password(entered, old=PASSWORD, new="long enough", address=HERE)


def test_what_was_typed_is_not_kept_and_counts_are_let_go(
    doors: Doors, database: Database, clock: TurnedClock
) -> None:
    fail(doors, "my-secret-password")
    doors.sign_in("ann", PASSWORD, address=HERE)

    def kept() -> list[str]:
        with database.reading() as connection:
            return [row.subject for row in connection.execute(select(table))]

    assert len(kept()) == 4  # the name, two addresses, and where ann signs in
    assert not any("secret" in subject or "192" in subject for subject in kept())
    clock.turn(days=2)
    fail(doors, "other", "2001:db8::1")
    assert len(kept()) == 3
    clock.turn(days=40)
    fail(doors, "other", "2001:db8::1")
    assert len(kept()) == 2


@pytest.mark.parametrize("password", ["not this one at all", "x" * 100_000, "\ud800", "\0"])
def test_all_refusals_read_the_same(doors: Doors, password: str) -> None:
    doors.people.add("gone", roles=[], password=PASSWORD)
    doors.people.change("gone", active=False)
    doors.people.add("waiting", roles=[])
    tried = [("ann", password), ("nobody", password), ("gone", PASSWORD), ("waiting", password)]
    texts = set()
    for name, word in tried:
        with pytest.raises(SignInError) as refused:
            doors.sign_in(name, word, address=STRANGER)
        texts.add(str(refused.value))
    assert len(texts) == 1
