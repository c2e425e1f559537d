"""The race of presets: splits that do not leak, trials that are kept, figures that add up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.quality.grounds import Damage, Ground, View, few_of_each, folds
from benchmarks.quality.race import Contender, Kept, Trial, race, score_of
from benchmarks.quality.report import errors_beside_rivals, figures_of, table_of
from productnet.progress import SILENT

LABELS = np.array([*"aaaaaaaaaabbbbbbbbbb"])
GROUPS = np.repeat(np.arange(10), 2)


def ground() -> Ground:
    """Twenty products in pairs; only what a race asks of a set."""
    made = SimpleNamespace(name="toy", version="1", labels=LABELS, groups=GROUPS)
    made.split = lambda seed: next(iter(folds(LABELS, GROUPS, count=5, seed=seed)))
    made.view = lambda rows, damage: View(cast(Ground, made), rows, damage)
    return cast(Ground, made)


@dataclass
class Says:
    """Always says one thing, unless asked about damaged products."""

    label: str
    fits: list[int] = field(default_factory=list)
    needs_images: bool = False
    needs_text: bool = False

    def can_read(self, ground: Ground) -> bool:
        return True

    def fit(self, view: View, *, seed: int) -> tuple[Any, Mapping[str, float]]:
        self.fits.append(len(view.rows))
        return (
            lambda other: np.array(["b" if other.damage.fields() else self.label] * len(other.rows))
        ), {"C": 1.0}


def run(path: Path, contenders: dict[str, Any], trials: list[Trial]) -> Any:
    return race(
        trials,
        grounds={"toy": ground()},
        contenders=cast("dict[str, Contender]", contenders),
        kept=Kept(path),
        progress=SILENT,
    )


def test_folds_keep_groups_on_one_side_and_every_leaf_on_both() -> None:
    tested = []
    for train, test in folds(LABELS, GROUPS, count=5, seed=3):
        assert not set(GROUPS[train]) & set(GROUPS[test])
        assert set(LABELS[train]) == set(LABELS[test]) == {"a", "b"}
        tested += test.tolist()
    assert sorted(tested) == list(range(20))


def test_a_few_of_each_leaf_are_as_many_as_asked_and_follow_the_seed() -> None:
    places = few_of_each(LABELS, 3, seed=1)
    assert LABELS[places].tolist() == [*"aaabbb"]
    assert few_of_each(LABELS, 3, seed=1).tolist() == places.tolist()
    assert few_of_each(LABELS, 3, seed=2).tolist() != places.tolist()
    assert len(few_of_each(LABELS, 99, seed=1)) == 20


def test_a_trial_is_run_once_even_if_a_kill_tore_the_file(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    damages = (Damage(), Damage(dropped=("title",)), Damage(swapped="description"))
    trials = [Trial("toy", "tfidf-svm", 0, damages=damages), Trial("toy", "tfidf-svm", 0, 4)]
    first = Says("a")
    before = run(path, {"tfidf-svm": first}, trials)
    assert first.fits == [16, 8]
    assert [*before[0].scores] == ["whole", "no title", "swapped description"]
    with path.open("a") as file:
        file.write('\n{"key": "torn')
    again = Says("b")
    after = run(path, {"tfidf-svm": again}, trials)
    assert again.fits == []
    assert [one.scores for one in after] == [one.scores for one in before]


def test_figures_are_means_over_seeds_and_errors_stand_beside_the_best_rival(
    tmp_path: Path,
) -> None:
    trials = [Trial("toy", name, seed) for name in ("best", "tfidf-svm") for seed in range(2)]
    outcomes = run(tmp_path / "o.jsonl", {"best": Says("a"), "tfidf-svm": Says("x")}, trials)
    told = figures_of(outcomes)["toy"]["whole"]
    assert told["best"]["accuracy"] == {"mean": 0.5, "spread": 0.0}
    assert told["best"]["macro_f1"]["mean"] == pytest.approx(1 / 3)
    assert (told["best"]["seeds"], told["best"]["train"], told["best"]["test"]) == (2, 16, 4)
    assert errors_beside_rivals(told) == 0.5
    table = table_of({"toy": {"whole": told}})
    assert "Errors of `best` over those of the best rival: 0.50." in table
    assert table.index("| **best** | 50.0") < table.index("| tfidf-svm | 0.0")


def test_scores_count_leaves_alike() -> None:
    said = score_of(["a", "a", "a", "b"], ["a", "a", "b", "b"])
    assert said.accuracy == 0.75
    assert said.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
