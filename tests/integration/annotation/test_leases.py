"""Leases keep two people apart, between threads and between processes, on every database."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from productnet.annotation.decisions import Task
from productnet.annotation.leases import Lease, Leases
from productnet.database.database import Database
from productnet.errors import LeaseHeld, UsageError

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
LIFETIME = timedelta(minutes=5)
PEOPLE = ("ann", "bob", "cy")
LEAVES = ("mugs", "cups")
TASKS = (Task.LABEL, Task.AUDIT)


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(database: Database, clock: Clock) -> Leases:
    return Leases(database, lifetime=LIFETIME, clock=clock)


def test_taken_renewed_released(leases: Leases, clock: Clock) -> None:
    first = leases.take("mugs", Task.LABEL, "ann")
    assert first == Lease("mugs", Task.LABEL, "ann", START, START + LIFETIME)
    clock.now += timedelta(minutes=4)
    renewed = leases.take("mugs", Task.LABEL, "ann")
    assert renewed == replace(first, expires_at=clock.now + LIFETIME)
    assert leases.current() == leases.current("mugs") == [renewed]
    assert leases.current("cups") == []
    assert not leases.release("mugs", Task.LABEL, "bob")
    assert leases.release("mugs", Task.LABEL, "ann")
    assert not leases.release("mugs", Task.LABEL, "ann")
    assert leases.current() == []


def test_somebody_elses_is_refused_until_it_expires(leases: Leases, clock: Clock) -> None:
    leases.take("mugs", Task.LABEL, "ann")
    with pytest.raises(LeaseHeld, match=r'ann is at work on leaf "mugs" \(label\) until 12:05:00'):
        leases.take("mugs", Task.LABEL, "bob")
    clock.now += LIFETIME - timedelta(microseconds=1)
    with pytest.raises(LeaseHeld):
        leases.take("mugs", Task.LABEL, "bob")
    clock.now += timedelta(microseconds=1)
    assert leases.take("mugs", Task.LABEL, "bob").taken_at == clock.now
    with pytest.raises(LeaseHeld, match="bob is at work"):
        leases.take("mugs", Task.LABEL, "ann")


def test_nobody_labels_and_audits_a_leaf_at_once(leases: Leases) -> None:
    leases.take("mugs", Task.LABEL, "ann")
    leases.take("mugs", Task.AUDIT, "bob")
    leases.take("cups", Task.LABEL, "ann")
    with pytest.raises(LeaseHeld, match=r"ann holds leaf \"cups\" to label .* Leave it there"):
        leases.take("cups", Task.AUDIT, "ann")
    assert leases.release_all("ann") == 2
    assert [lease.holder for lease in leases.current()] == ["bob"]


def test_disputes_need_none(leases: Leases) -> None:
    with pytest.raises(UsageError, match="disputes are settled one by one"):
        leases.take("mugs", Task.ADJUDICATE, "ann")


Move = tuple[str, str, Task, str, int]
moves = st.lists(
    st.tuples(
        st.sampled_from(["take", "release", "wait"]),
        st.sampled_from(LEAVES),
        st.sampled_from(TASKS),
        st.sampled_from(PEOPLE),
        st.integers(1, 400),
    ),
    max_size=25,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves)
def test_as_a_table_of_holders_would_have_it(
    database: Database, clock: Clock, moves: list[Move]
) -> None:
    leases = Leases(database, lifetime=LIFETIME, clock=clock)
    for person in PEOPLE:
        leases.release_all(person)
    held: dict[tuple[str, Task], tuple[str, datetime]] = {}
    for what, leaf, task, person, seconds in moves:
        if what == "wait":
            clock.now += timedelta(seconds=seconds)
            held = {key: value for key, value in held.items() if value[1] > clock.now}
        elif what == "release":
            had = held.get((leaf, task), ("",))[0] == person
            assert leases.release(leaf, task, person) == had
            if had:
                del held[leaf, task]
        else:
            other = TASKS[1 - TASKS.index(task)]
            free = held.get((leaf, task), (person,))[0] == person
            free = free and held.get((leaf, other), ("",))[0] != person
            try:
                leases.take(leaf, task, person)
            except LeaseHeld:
                assert not free
            else:
                assert free
                held[leaf, task] = person, clock.now + LIFETIME
        now_held = {(lease.leaf, lease.task): lease.holder for lease in leases.current()}
        assert now_held == {key: value[0] for key, value in held.items()}


def test_of_many_threads_one_gets_it(database_url: str) -> None:
    def race(person: str, round_: int, barrier: Callable[[], object]) -> str | None:
        with Database.open(database_url) as own:
            barrier()
            try:
                return (
                    Leases(own, lifetime=LIFETIME).take(f"leaf{round_}", Task.LABEL, person).holder
                )
            except LeaseHeld:
                return None

    from threading import Barrier

    Database.open(database_url).close()
    with ThreadPoolExecutor(6) as pool:
        for round_ in range(5):
            wait = Barrier(6).wait
            racers = [pool.submit(race, f"p{number}", round_, wait) for number in range(6)]
            winners = [racer.result() for racer in racers if racer.result()]
            assert len(winners) == 1


RACER = """
import sys
from datetime import timedelta
from productnet.annotation.decisions import Task
from productnet.annotation.leases import Leases
from productnet.database.database import Database
from productnet.errors import LeaseHeld
person = sys.argv[2]
with Database.open(sys.argv[1]) as database:
    leases = Leases(database, lifetime=timedelta(minutes=1))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(40):
        try:
            leases.take(f"leaf{number}", Task.LABEL, person)
            print(number, flush=True)
        except LeaseHeld:
            pass
"""


def test_of_many_processes_one_gets_each(database_url: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    Database.open(database_url).close()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, database_url, f"person{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    won = [racer.communicate()[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sorted(int(number) for mine in won for number in mine) == list(range(40))
    with Database.open(database_url) as database:
        assert len(Leases(database, lifetime=LIFETIME).current()) == 40


def test_many_who_ask_for_the_same_leaves_are_each_given_another(database_url: str) -> None:
    leaves = [f"leaf-{number}" for number in range(12)]
    started = Barrier(8)

    def ask(number: int) -> list[str]:
        with Database.open(database_url) as own:
            mine = Leases(own, lifetime=LIFETIME)
            started.wait(timeout=60)
            found = [mine.take_first(leaves[place:], Task.LABEL, f"p{number}") for place in (0, 6)]
        return [lease.leaf for lease in found if lease]

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(ask, range(8)))
    with Database.open(database_url) as own:
        holders = {lease.leaf: lease.holder for lease in Leases(own, lifetime=LIFETIME).current()}
    assert len({leaf for one in given for leaf in one}) == len(holders)
    for number, mine in enumerate(given):
        assert all(holders[leaf] == f"p{number}" for leaf in mine)
    # Nobody who asked went without while there were leaves that nobody had.
    assert len(holders) == 12 or all(given)


def test_the_first_free_leaf_is_taken_and_none_where_all_are(leases: Leases, clock: Clock) -> None:
    leases.take("mugs", Task.LABEL, "bob")
    leases.take("cups", Task.AUDIT, "ann")
    given = leases.take_first(["mugs", "cups", "bowls"], Task.LABEL, "ann")
    assert given == Lease("bowls", Task.LABEL, "ann", START, START + LIFETIME)
    assert leases.take_first(["mugs", "bowls"], Task.LABEL, "cy") is None
    assert leases.take_first(["mugs"], Task.ADJUDICATE, "cy") is None
    clock.now += LIFETIME
    taken = leases.take_first(["mugs", "bowls"], Task.LABEL, "cy")
    assert taken is not None
    assert taken.leaf == "mugs"
