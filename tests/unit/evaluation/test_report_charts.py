from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from productnet.evaluation.report.compared import compared
from productnet.evaluation.report.plane import embedding_map, principal_plane
from productnet.evaluation.report.source_charts import hours, style_of, views_to_target
from productnet.evaluation.report.svg import Canvas, Scale, spread, tick
from productnet.evaluation.simulation_record import Found, SimulationRecord

PATHS = {"mugs": ("Kitchen", "Mugs"), "sofas": ("Home", "Sofas")}


def test_what_is_drawn_is_escaped() -> None:
    canvas = Canvas(10, 10, title="<b>", description='"&')
    canvas.text(0, 0, "<script>")
    canvas.mark("circle", tip="<i>", cls='"><x')
    svg = str(canvas.render())
    assert "<script>" not in svg
    assert "<b>" not in svg
    assert '"><x' not in svg
    assert 'class="&#34;&gt;&lt;x"' in svg


@given(st.lists(st.floats(0, 300), min_size=1, max_size=12))
def test_labels_are_spread_without_overlap_and_keep_their_order(wanted: list[float]) -> None:
    placed = spread(wanted, gap=17, low=0, high=300)
    assert max(placed) <= 300 + 1e-9
    ordered = sorted(zip(wanted, placed, strict=True))
    positions = sorted(placed)
    assert all(b - a > 16.9 for a, b in pairwise(positions))
    by_wish = [place for _, place in ordered]
    if len(set(wanted)) == len(wanted):
        assert by_wish == sorted(by_wish)


@given(st.floats(0.01, 1e6))
def test_ticks_are_few_round_and_inside(high: float) -> None:
    ticks = Scale(0, high, 0, 100).ticks()
    assert 2 <= len(ticks) <= 8
    assert all(0 <= value <= high * 1.001 for value in ticks)


def test_a_logarithmic_scale_ticks_at_powers_of_ten() -> None:
    scale = Scale(10, 10_000, 0, 300, logarithmic=True)
    assert scale.ticks() == [10, 100, 1_000, 10_000]
    assert [scale(value) for value in scale.ticks()] == pytest.approx([0, 100, 200, 300])
    assert tick(10_000) == "10,000"
    assert tick(0.25, percent=True) == "25%"


@given(seed=st.integers(0, 99), rows=st.integers(4, 40))
def test_the_plane_is_that_of_principal_component_analysis(seed: int, rows: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(rows, 6)) * [9, 5, 1, 1, 1, 1]
    plane, share = principal_plane(vectors.astype(np.float32))
    expected = PCA(2).fit(vectors.astype(np.float32))
    assert share == pytest.approx(expected.explained_variance_ratio_.sum(), rel=1e-3)
    assert np.abs(plane) == pytest.approx(np.abs(expected.transform(vectors)), abs=1e-2)


def test_a_map_groups_gold_by_top_level_category_and_names_its_leaves() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 8)).astype(np.float32)
    labels = ["mugs"] * 20 + ["sofas"] * 10
    found = embedding_map(vectors, labels, PATHS)
    assert found is not None
    assert [(group.name, len(group.points)) for group in found.groups] == [
        ("Kitchen", 20),
        ("Home", 10),
    ]
    assert [(label.name, label.group, label.count) for label in found.labels] == [
        ("Mugs", "Kitchen", 20),
        ("Sofas", "Home", 10),
    ]
    assert embedding_map(vectors[:2], labels[:2], PATHS) is None


def test_identical_vectors_make_a_map_too() -> None:
    found = embedding_map(np.ones((5, 4), np.float32), ["mugs"] * 5, PATHS)
    assert found is not None
    assert found.share == 0.0


def found(category: str, source: str, hits: tuple[int, ...], *, seed: int = 0) -> Found:
    return Found(category, source, seed, findable=8, pool=500, viewed=40, hits=hits)


def test_curves_are_means_over_leaves_of_means_over_seeds() -> None:
    record = SimulationRecord(
        found=(
            found("mugs", "mixed", (1, 2, 3, 4)),
            found("mugs", "mixed", (1, 40), seed=1),
            found("sofas", "mixed", (1,)),
        ),
        views=40,
        after=(20,),
    )
    shown = compared(record)
    assert shown is not None
    assert (shown.leaves, shown.seeds) == (2, 2)
    [curve] = shown.curves
    assert (curve.views[0], curve.views[-1]) == (0, 40)
    assert curve.positives[0] == 0
    assert curve.positives[-1] == (3 + 1) / 2
    assert curve.errors[-1] == pytest.approx(np.std([3, 1], ddof=1) / np.sqrt(2))
    assert shown.ceiling.positives[-1] == 8
    assert all(np.diff(curve.positives) >= 0)


def test_quartiles_of_views_are_told_as_far_as_leaves_were_done() -> None:
    whole = tuple(range(1, 9))
    record = SimulationRecord(
        found=(
            found("mugs", "mixed", whole),
            found("sofas", "mixed", (*whole[:-1], 30)),
            found("desks", "mixed", ()),
            found("beds", "mixed", ()),
            found("mugs", "random", ()),
        ),
        views=40,
        after=(20,),
    )
    shown = compared(record)
    assert shown is not None
    mixed, random = shown.spreads
    assert (mixed.low, mixed.median, mixed.high) == (8, 30, None)
    assert (random.low, random.median, random.high) == (None, None, None)
    assert "over 40" in views_to_target(shown)
    assert "random" in hours(shown)


def test_without_a_comparison_nothing_is_shown_of_one() -> None:
    assert compared(SimulationRecord()) is None


def test_a_variant_has_the_colour_of_its_source() -> None:
    assert style_of("mixed") == "source-mixed"
    assert style_of("mixed, no master") == "source-mixed variant"
    assert style_of('"><script>') == "source- variant"
