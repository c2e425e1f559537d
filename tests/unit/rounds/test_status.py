from dataclasses import replace

import pytest

from productnet.annotation.state import LeafProgress
from productnet.rounds.status import LeafStatus, ProjectStatus

DONE = LeafStatus(
    "home/mugs",
    "Home > Mugs",
    LeafProgress(gold=60, hard_negatives=58, decisions=150),
    coverage=0.93,
)
BEGUN = LeafStatus("home/vases", "Home > Vases", LeafProgress(gold=4, to_audit=3, decisions=30))

STATUS = ProjectStatus(
    name="shop",
    products=1_000,
    taxonomy="google 2021-09-21",
    all_leaves=40,
    target=60,
    leaves=(DONE, BEGUN),
    embedding_set="round-0001",
    not_embedded=0,
    not_indexed=0,
    rounds=1,
    unfinished_round=None,
)


def test_the_total_is_the_sum_over_leaves() -> None:
    assert STATUS.total.gold == 64
    assert STATUS.total.decisions == 180
    total = STATUS.as_dict()["total"]
    assert isinstance(total, dict)
    assert total["gold"] == 64


def test_machines_read_how_much_of_a_leaf_is_covered() -> None:
    leaves = STATUS.as_dict()["leaves"]
    assert isinstance(leaves, tuple)
    assert [leaf["coverage"] for leaf in leaves] == [0.93, None]


def test_people_read_it_in_five_lines() -> None:
    lines = list(STATUS.lines())
    assert lines[0] == "shop: 1,000 products, taxonomy google 2021-09-21"
    assert lines[1] == "Leaves: 40, begun 2, with 60 gold positives 1"
    assert "64 positives" in lines[2]
    assert lines[-1] == "Next: productnet round, then productnet report"


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (replace(STATUS, taxonomy=None), "productnet taxonomy FILE"),
        (replace(STATUS, products=None), "productnet import FEED"),
        (replace(STATUS, embedding_set=None), "productnet embed"),
        (replace(STATUS, unfinished_round=2), "productnet round (goes on with round 2)"),
        (replace(STATUS, not_embedded=7), "productnet embed (takes in 7 new products)"),
        (replace(STATUS, not_indexed=7), "productnet embed (puts 7 products into the index)"),
        (replace(STATUS, leaves=()), "productnet simulate, or import labels"),
    ],
)
def test_the_next_step_follows_from_what_is_missing(status: ProjectStatus, step: str) -> None:
    assert status.next_step.startswith(step)
