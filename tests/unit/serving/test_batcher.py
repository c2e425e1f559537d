"""The batcher: who shares a batch, who is refused, and that nobody is hurt by a neighbour."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, wait

import pytest

from productnet.errors import ImageError, Overloaded, ServiceClosed
from productnet.serving.service.batcher import Batcher, Lane, Outcome

PATIENT = {Lane.QUICK: 60.0, Lane.BULK: 60.0}


class Kitchen:
    """Doubles numbers, and notes the batches they came in; holds still while its door is shut."""

    def __init__(self) -> None:
        self.batches: list[tuple[Hashable, list[int]]] = []
        self.door = threading.Event()
        self.door.set()
        self.entered = threading.Event()

    def __call__(self, key: Hashable, items: list[int]) -> Sequence[Outcome[int]]:
        self.entered.set()
        assert self.door.wait(10)
        self.batches.append((key, list(items)))
        if 13 in items:
            raise RuntimeError("13 breaks the whole batch")
        return [ImageError("4 has a bad picture") if item == 4 else 2 * item for item in items]


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


Opening = Callable[..., Batcher[int, int]]


@pytest.fixture
def opened(kitchen: Kitchen) -> Iterator[Opening]:
    batchers: list[Batcher[int, int]] = []

    def make(**options: object) -> Batcher[int, int]:
        options = {"patience": PATIENT, **options}
        batcher: Batcher[int, int] = Batcher(kitchen, **options)  # type: ignore[arg-type]
        batchers.append(batcher)
        return batcher

    yield make
    kitchen.door.set()
    for batcher in batchers:
        batcher.close()


def block(kitchen: Kitchen, batcher: Batcher[int, int]) -> "Future[list[Outcome[int]]]":
    """Have a batch of one run that does not end until the door is opened."""
    kitchen.door.clear()
    kitchen.entered.clear()
    running = batcher.submit([0])
    assert kitchen.entered.wait(10)
    return running


def test_who_asks_at_once_is_computed_together(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(wait=0.2, most=8)
    asked = [batcher.submit([number]) for number in (1, 2, 3)]
    assert [future.result(10) for future in asked] == [[2], [4], [6]]
    assert kitchen.batches == [(None, [1, 2, 3])]


def test_nobody_waits_long_for_company(opened: Opening) -> None:
    batcher = opened(wait=0.01, most=1_000)
    began = time.monotonic()
    assert batcher.submit([5]).result(10) == [10]
    assert time.monotonic() - began < 5


def test_those_who_came_while_a_batch_ran_are_the_next(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(wait=0.0, most=3)
    block(kitchen, batcher)
    asked = [batcher.submit([number]) for number in (1, 2, 3, 5)]
    assert batcher.waiting[Lane.QUICK] == 4
    kitchen.door.set()
    wait(asked, timeout=10)
    assert [items for _, items in kitchen.batches] == [[0], [1, 2, 3], [5]]


def test_a_long_list_is_cut_and_comes_back_whole(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(most=8)
    numbers = [number for number in range(30) if number not in (4, 13)]
    assert batcher.submit(numbers, lane=Lane.BULK).result(10) == [2 * one for one in numbers]
    assert max(len(items) for _, items in kitchen.batches) == 8
    assert batcher.submit([]).result(10) == []


def test_lists_leave_room_for_single_ones_and_get_a_share(
    kitchen: Kitchen, opened: Opening
) -> None:
    batcher = opened(wait=0.0, most=8)
    block(kitchen, batcher)
    bulk = batcher.submit(range(100, 140), lane=Lane.BULK)
    quick = [batcher.submit([number]) for number in range(20, 32)]
    kitchen.door.set()
    wait([bulk, *quick], timeout=10)
    second, third = kitchen.batches[1][1], kitchen.batches[2][1]
    assert [one for one in second if one < 100] == [20, 21, 22, 23, 24, 25]
    assert [one for one in second if one >= 100] == [100, 101]
    assert [one for one in third if one < 100] == [26, 27, 28, 29, 30, 31]


def test_an_item_that_fails_hurts_no_neighbour(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(wait=0.2, most=8)
    asked = [batcher.submit([number]) for number in (1, 4, 13, 6)]
    one, bad, broken, other = (future.result(10)[0] for future in asked)
    assert (one, other) == (2, 12)
    assert isinstance(bad, ImageError)
    assert isinstance(broken, RuntimeError)
    assert batcher.submit([7]).result(10) == [14]


def test_only_one_key_shares_a_batch(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(wait=0.0, most=8)
    block(kitchen, batcher)
    old = [batcher.submit([number], key="old") for number in (1, 2)]
    lists = batcher.submit([5, 6], key="old", lane=Lane.BULK)
    new = [batcher.submit([number], key="new") for number in (3, 7)]
    kitchen.door.set()
    wait([*old, lists, *new], timeout=10)
    assert kitchen.batches[1:] == [("old", [1, 2, 5, 6]), ("new", [3, 7])]


def test_what_could_not_be_answered_in_time_is_refused(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(wait=0.0, patience={Lane.QUICK: 0.012, Lane.BULK: 60.0})
    block(kitchen, batcher)  # an item is taken to need 5 ms before one was computed
    batcher.submit([1])
    batcher.submit([2, 3])
    assert not batcher.has_room(Lane.QUICK)
    with pytest.raises(Overloaded, match=r"3 products wait already, and 1 more .* in 1 s") as error:
        batcher.submit([5])
    assert error.value.wait == 1
    assert batcher.has_room(Lane.BULK)


def test_nobody_is_refused_for_a_batch_that_runs(kitchen: Kitchen, opened: Opening) -> None:
    # A batch of slow items takes longer than anybody is promised to wait.
    batcher = opened(wait=0.0, patience={Lane.QUICK: 0.001, Lane.BULK: 0.002})
    block(kitchen, batcher)
    assert batcher.has_room(Lane.QUICK)
    assert batcher.has_room(Lane.BULK)
    batcher.submit([1])
    assert not batcher.has_room(Lane.QUICK)


def test_room_is_bounded_whatever_the_patience(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(wait=0.0, room=10)
    block(kitchen, batcher)
    batcher.submit(range(20, 28), lane=Lane.BULK)
    with pytest.raises(Overloaded):
        batcher.submit([1, 2, 3], lane=Lane.BULK)
    batcher.submit([1, 2], lane=Lane.BULK)
    with pytest.raises(Overloaded):
        batcher.submit([3])


def test_what_nobody_waits_for_any_more_is_not_computed(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(wait=0.0, room=4)
    block(kitchen, batcher)
    gone = batcher.submit([1, 2, 3])
    stays = batcher.submit([5])
    assert gone.cancel()
    kitchen.door.set()
    assert stays.result(10) == [10]
    assert kitchen.batches[1:] == [(None, [5])]
    assert batcher.submit([6, 7, 8, 9]).result(10) == [12, 14, 16, 18]


def test_closing_answers_what_waits_and_takes_no_more(kitchen: Kitchen, opened: Opening) -> None:
    batcher = opened(wait=30.0, most=100)
    asked = batcher.submit([1])
    batcher.close()
    assert asked.result(0) == [2]
    assert not batcher.is_alive()
    with pytest.raises(ServiceClosed, match="closing down"):
        batcher.submit([2])


def test_batches_are_told_of(kitchen: Kitchen, opened: Opening) -> None:
    told: list[int] = []
    batcher = opened(wait=0.2, told=lambda items, seconds: told.append(items))
    wait([batcher.submit([number]) for number in (1, 2)], timeout=10)
    batcher.close()
    assert told == [2]
