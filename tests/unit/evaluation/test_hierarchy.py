import numpy as np
import pytest
from scipy.stats import spearmanr

from productnet.errors import UsageError
from productnet.evaluation.hierarchy import kinship, level_scores
from productnet.evaluation.metrics import accuracy_by_level

MUGS, CUPS, LAMPS = ("Home", "Kitchen", "Mugs"), ("Home", "Kitchen", "Cups"), ("Home", "Lamps")
SPADES = ("Garden", "Spades")
PATHS = {"mugs": MUGS, "cups": CUPS, "lamps": LAMPS, "spades": SPADES}


def test_a_tree_made_by_hand() -> None:
    # Right; a sibling; an uncle; a stranger.
    truth = [MUGS, MUGS, MUGS, LAMPS]
    said = [MUGS, CUPS, LAMPS, SPADES]
    one, two, three = level_scores(truth, said)
    assert (one.accuracy, one.precision, one.recall, one.f1) == (0.75,) * 4
    # Of two levels: Home Kitchen | Home Kitchen | Home | nothing are shared.
    assert two.precision == two.recall == pytest.approx(5 / 8)
    assert two.accuracy == 0.5
    # Down to the leaf: 3 + 2 + 1 + 0 shared of 3 + 3 + 2 + 2 said and 3 + 3 + 3 + 2 true.
    assert three.precision == pytest.approx(6 / 10)
    assert three.recall == pytest.approx(6 / 11)
    assert three.f1 == pytest.approx(12 / 21)
    assert three.accuracy == 0.25
    assert [level.products for level in (one, two, three)] == [4, 4, 3]


def test_accuracy_is_the_one_already_shown_and_stopping_early_costs_recall_only() -> None:
    truth, said = [MUGS, CUPS, SPADES], [MUGS, LAMPS, SPADES]
    levels = level_scores(truth, said)
    assert [level.accuracy for level in levels] == pytest.approx(accuracy_by_level(truth, said))
    [*_, last] = level_scores([MUGS, MUGS], [MUGS[:2], ()])
    assert last.precision == 1.0
    assert last.recall == pytest.approx(2 / 6)


def test_nothing_right_is_zero_and_not_an_error() -> None:
    [one, two] = level_scores([SPADES], [()])
    assert (one.f1, two.f1) == (0.0, 0.0)


def test_kinship_is_the_mean_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    leaves = ["mugs"] * 5 + ["cups"] * 4 + ["lamps"] * 3 + ["spades"] * 6
    vectors = rng.normal(size=(18, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = kinship(vectors, leaves, PATHS, seed=0)
    cosines = vectors @ vectors.T

    def mean(related: set[tuple[str, str]]) -> float:
        pairs = [
            cosines[a, b]
            for a in range(18)
            for b in range(18)
            if a != b and (leaves[a], leaves[b]) in related
        ]
        return float(np.mean(pairs))

    assert found.same_leaf == pytest.approx(mean({(leaf, leaf) for leaf in PATHS}), abs=1e-6)
    assert found.siblings == pytest.approx(mean({("mugs", "cups"), ("cups", "mugs")}), abs=1e-6)
    cousins = {(leaf, "lamps") for leaf in ("mugs", "cups")}
    cousins |= {pair[::-1] for pair in cousins}
    assert found.cousins == pytest.approx(mean(cousins), abs=1e-6)
    steps = {("mugs", "cups"): 2, ("mugs", "lamps"): 3, ("cups", "lamps"): 3,
             ("mugs", "spades"): 5, ("cups", "spades"): 5, ("lamps", "spades"): 4}  # fmt: skip
    away, near = [], []
    for a in range(18):
        for b in range(a):
            pair = (leaves[b], leaves[a])
            away.append(0 if pair[0] == pair[1] else steps.get(pair, steps.get(pair[::-1])))
            near.append(-cosines[a, b])
    assert found.correlation == pytest.approx(spearmanr(away, near).statistic, abs=0.02)


def test_an_embedding_that_is_the_tree_is_perfect_and_noise_is_even() -> None:
    leaves = np.repeat(["mugs", "cups", "lamps", "spades"], 40).tolist()
    names = sorted({name for path in PATHS.values() for name in path})
    tree = np.array([[name in PATHS[leaf] for name in names] for leaf in leaves], np.float32)
    tree /= np.linalg.norm(tree, axis=1, keepdims=True)
    assert kinship(tree, leaves, PATHS, seed=0).sibling_odds == 1.0
    noise = np.random.default_rng(0).normal(size=(160, 32)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    found = kinship(noise, leaves, PATHS, seed=0)
    assert found.sibling_odds == pytest.approx(0.5, abs=0.05)
    assert found.correlation == pytest.approx(0.0, abs=0.05)


def test_what_is_not_there_is_none() -> None:
    found = kinship(np.eye(2, dtype=np.float32), ["mugs", "spades"], PATHS, seed=0)
    assert found.same_leaf is found.siblings is found.cousins is found.sibling_odds is None
    assert found.strangers == 0.0


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="1 predictions but 2 true labels"):
        level_scores([MUGS, CUPS], [MUGS])
    with pytest.raises(UsageError, match="true path of row 1 is empty"):
        level_scores([MUGS, ()], [MUGS, MUGS])
    with pytest.raises(UsageError, match="two products or more; there is one"):
        kinship(np.ones((1, 2), np.float32), ["mugs"], PATHS, seed=0)
