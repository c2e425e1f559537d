from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from productnet.evaluation.records import FoundCurve
from productnet.evaluation.report.collect import mean_curves
from productnet.evaluation.report.plane import embedding_map, principal_plane
from productnet.evaluation.report.svg import Canvas, Scale, spread, tick

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


def test_curves_are_averaged_over_leaves_up_to_the_views_all_reached() -> None:
    [mean] = mean_curves(
        [
            FoundCurve("mugs", "random", (10, 20, 30), (2, 4, 6)),
            FoundCurve("sofas", "random", (20,), (8,)),
            FoundCurve("empty", "random", (), ()),
        ]
    )
    assert (mean.source, mean.leaves) == ("random", 2)
    assert mean.views == (10.0, 20.0)
    assert mean.positives == (3.0, 6.0)
