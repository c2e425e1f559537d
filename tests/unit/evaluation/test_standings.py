import pytest

from productnet.evaluation.simulation_record import Found, SimulationRecord
from productnet.evaluation.standings import BEST, CHANCE, Standing, standings, trial_table
from productnet.settings import CostSettings

COST = CostSettings(label_seconds=3, audit_seconds=2)


def record(*found: Found) -> SimulationRecord:
    return SimulationRecord(found=found, views=50, after=(10, 50), cost=COST)


def standing(record: SimulationRecord, source: str) -> Standing:
    return next(one for one in standings(record) if one.source == source)


FOUND = record(
    # Both mugs at once; one sofa of four.
    Found("mugs", "mixed", 0, findable=2, pool=299, viewed=20, hits=(1, 5)),
    Found("sofas", "mixed", 0, findable=4, pool=299, viewed=50, hits=(30,)),
    # One mug, no sofa.
    Found("mugs", "random", 0, findable=2, pool=299, viewed=50, hits=(45,)),
    Found("sofas", "random", 0, findable=4, pool=299, viewed=50, hits=()),
)


def test_positives_are_means_over_leaves() -> None:
    assert standing(FOUND, "mixed").positives == (1.0, 1.5)
    assert standing(FOUND, "random").positives == (0.0, 0.5)


def test_a_leaf_counts_until_it_is_done_or_the_views_are_spent() -> None:
    mixed = standing(FOUND, "mixed")
    # 5 views and 2 audits of the mugs, 50 views and an audit of the sofas.
    assert mixed.minutes == pytest.approx((5 * 3 + 2 * 2 + 50 * 3 + 2) / 2 / 60)
    assert mixed.reached == 0.5


def test_speed_up_is_against_the_views_that_chance_takes_for_as_many_positives() -> None:
    mixed = standing(FOUND, "mixed")
    by_chance = 2 * 300 / 3 + 1 * 300 / 5
    assert mixed.speed_up == pytest.approx(by_chance / (5 + 50))
    assert mixed.random_minutes == pytest.approx((by_chance * 3 + 3 * 2) / 2 / 60)


def test_the_median_leaf_tells_the_views_where_half_are_done() -> None:
    assert standing(FOUND, "mixed").views == 5
    assert standing(FOUND, "random").views is None


def test_who_finds_nothing_is_no_faster_than_chance() -> None:
    nothing = record(Found("mugs", "keyword", 0, findable=2, pool=299, viewed=50, hits=()))
    assert standing(nothing, "keyword").speed_up == 0
    silent = record(Found("mugs", "keyword", 0, findable=2, pool=299, viewed=0, hits=()))
    assert standing(silent, "keyword").speed_up == 0


def test_chance_and_the_best_are_told_beside_the_sources() -> None:
    assert [one.source for one in standings(FOUND)] == ["mixed", "random", CHANCE, BEST]
    chance, best = standing(FOUND, CHANCE), standing(FOUND, BEST)
    assert chance.speed_up == pytest.approx(1.0)
    assert chance.positives == pytest.approx((10 * 3 / 299, 50 * 3 / 299))
    assert chance.views == pytest.approx(2 * 300 / 3)
    assert best.positives == (3.0, 3.0)
    assert best.views == 2
    assert all(best.speed_up >= one.speed_up for one in standings(FOUND))


def test_a_hundred_positives_are_enough_of_a_big_leaf() -> None:
    big = record(Found("mugs", "mixed", 0, findable=300, pool=900, viewed=50, hits=(1, 2, 3)))
    assert big.found[0].target == 100
    assert standing(big, BEST).views == 100


def test_without_a_comparison_there_are_no_standings() -> None:
    assert standings(SimulationRecord()) == ()


def test_the_table_has_a_row_a_trial_with_its_own_figures() -> None:
    rows = trial_table(FOUND, {"mugs": "Kitchen > Mugs", "sofas": "Sofas"}).to_pylist()
    assert [row["path"] for row in rows] == ["Kitchen > Mugs", "Sofas"] * 2
    mugs, sofas = rows[:2]
    assert (mugs["positives_after_10"], mugs["views_to_target"]) == (2, 5)
    assert mugs["speed_up"] == pytest.approx(2 * 300 / 3 / 5)
    assert (sofas["views_to_target"], sofas["views"], sofas["positives"]) == (None, 50, 1)
