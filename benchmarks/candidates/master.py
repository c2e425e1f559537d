"""What the products that were found are worth: the accuracy of a master model trained on them.

The master learns the positives that a strategy found in all leaves together, and is tested on
products that no strategy was shown.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import productnet
from benchmarks.candidates.figures import Trials
from benchmarks.candidates.pools import Ground
from benchmarks.candidates.trials import digest_of
from productnet.evaluation.metrics import macro_f1
from productnet.files import write_atomically
from productnet.master.model import MasterModel
from productnet.master.sources import PoolPart

PRESET = "fast"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well a master does on products set aside.

    Attributes:
        top1: Share of them whose leaf is its first guess.
        macro_f1: F1 averaged over leaves.
        n_train: Products it was trained on.
        n_test: Products it was tested on.
    """

    top1: float
    macro_f1: float
    n_train: int
    n_test: int


@dataclass(frozen=True, slots=True)
class Training:
    """A master to be trained.

    Attributes:
        strategy: Whose findings it learns.
        seed: Of the trials, and of the training.
        views: How many views of each leaf brought them.
        labels: Product to leaf.
    """

    strategy: str
    seed: int
    views: int
    labels: Mapping[str, str]


def collected(ground: Ground, trials: Trials, *, seed: int, views: int) -> dict[str, str]:
    """Product to leaf: the starts, and the positives among the first ``views`` of each leaf."""
    bench = ground.bench
    labels: dict[str, str] = {}
    for (of, leaf), rows in sorted(trials.items()):
        if of == seed:
            seen = np.concatenate([bench.starts[seed, leaf], rows[:views]])
            for row in seen[bench.labels[seen] == leaf]:
                labels[bench.ids[row]] = bench.leaves[leaf]
    return labels


class Masters:
    """Trains masters on products of one pool; made once in each process.

    Args:
        ground: The pool.
        folder: Where accuracies are kept; what was trained before is not trained again.
    """

    def __init__(self, ground: Ground, folder: Path) -> None:
        self._ground = ground
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, training: Training) -> Accuracy:
        """Train a master and test it on the products of its leaves that were set aside."""
        labels, seed = training.labels, training.seed
        key = digest_of(self._ground.version, sorted(labels.items()), seed, PRESET, _version())
        known = self._folder / f"{key}.json"
        if known.exists():
            return Accuracy(**json.loads(known.read_text()))
        found = self._test(labels, seed=seed)
        write_atomically(known, json.dumps(asdict(found)))
        return found

    def _test(self, labels: Mapping[str, str], *, seed: int) -> Accuracy:
        bench = self._ground.bench
        place = {leaf: number for number, leaf in enumerate(bench.leaves)}
        learnt = [place[leaf] for leaf in set(labels.values())]
        rows = np.flatnonzero(bench.test[seed] & np.isin(bench.labels, learnt))
        model = MasterModel(PRESET, seed=seed).fit(self._ground.project, labels)
        names = model.predict(PoolPart(self._ground.project, [bench.ids[row] for row in rows]))
        guesses = np.array([place[name] for name in names])
        truth = bench.labels[rows]
        return Accuracy(
            top1=round(float((guesses == truth).mean()), 4),
            macro_f1=round(macro_f1(guesses, truth), 4),
            n_train=len(labels),
            n_test=len(rows),
        )


def mean_accuracy(found: Sequence[Accuracy]) -> dict[str, object]:
    """Means over seeds and the standard error of top-1."""
    top1 = np.array([one.top1 for one in found])
    return {
        "seeds": len(found),
        "top1": round(float(top1.mean()), 4),
        "top1_error": (
            round(float(top1.std(ddof=1) / np.sqrt(len(top1))), 4) if len(top1) > 1 else None
        ),
        "macro_f1": round(float(np.mean([one.macro_f1 for one in found])), 4),
        "n_train": round(float(np.mean([one.n_train for one in found])), 1),
        "n_test": round(float(np.mean([one.n_test for one in found])), 1),
    }


def _version() -> str:
    """Names the code that the master model is."""
    root = Path(productnet.__file__).parent / "master"
    return digest_of(*sorted(root.rglob("*.py")))
