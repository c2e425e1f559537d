"""A race: every contender on every split, each trial once and kept as soon as it is done."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.quality.grounds import Damage, Ground, View, few_of_each
from benchmarks.quality.ours import Ours, our_version
from benchmarks.quality.rivals import Fitted
from productnet.evaluation.metrics import macro_f1, truth_columns
from productnet.progress import Progress

# Raise it when what rivals do changes.
RIVALS_VERSION = 1


class Contender(Protocol):
    """Whoever can learn from products."""

    @property
    def needs_images(self) -> bool:
        """Whether it makes no sense without images."""
        ...

    @property
    def needs_text(self) -> bool:
        """Whether it makes no sense without text."""
        ...

    def can_read(self, ground: Ground) -> bool:
        """Whether the set has what it needs."""
        ...

    def fit(self, view: View, *, seed: int) -> Fitted:
        """Learn, and give back what predicts."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """One training and what it is tested on.

    Attributes:
        ground: Name of the set.
        contender: Its name.
        seed: Of the split and the training.
        per_leaf: Training products of each leaf at most; all when None.
        without: Fields that training products and tests lack: for who does not use them.
        damages: What is wrong with test products, one test each.
    """

    ground: str
    contender: str
    seed: int
    per_leaf: int | None = None
    without: tuple[str, ...] = ()
    damages: tuple[Damage, ...] = (Damage(),)

    def key(self, ground: Ground, contender: Contender) -> str:
        """Names all that its outcome depends on."""
        version = our_version() if isinstance(contender, Ours) else str(RIVALS_VERSION)
        return json.dumps([asdict(self), ground.version, version])


@dataclass(frozen=True, slots=True)
class Score:
    """How one test went."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial went.

    Attributes:
        trial: Which.
        scores: By the name of the damage.
        seconds: Of training, choosing included, on the wall.
        processor: The same in processor time of this process.
        chosen: What was chosen on the way.
        products: Trained on and tested on.
    """

    trial: Trial
    scores: Mapping[str, Score]
    seconds: float
    processor: float
    chosen: Mapping[str, float]
    products: tuple[int, int]


@dataclass
class Kept:
    """Outcomes in a file, a line a trial.

    Attributes:
        path: The file.
        lines: What it holds, by the trial's key.
    """

    path: Path
    lines: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            try:
                read = json.loads(line)
            except ValueError:
                continue  # the kill came while it was written
            self.lines[read["key"]] = read

    def get(self, trial: Trial, key: str) -> Outcome | None:
        """The outcome of a trial that was run before."""
        line = self.lines.get(key)
        if line is None:
            return None
        return Outcome(
            trial,
            {name: Score(*scores) for name, scores in line["scores"].items()},
            line["seconds"],
            line["processor"],
            line["chosen"],
            tuple(line["products"]),
        )

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep one."""
        line = {
            "key": key,
            "scores": {name: (one.accuracy, one.macro_f1) for name, one in outcome.scores.items()},
            "seconds": outcome.seconds,
            "processor": outcome.processor,
            "chosen": dict(outcome.chosen),
            "products": outcome.products,
        }
        self.lines[key] = line
        with self.path.open("a") as file:
            # Whatever line a kill tore ends here.
            file.write(f"\n{json.dumps(line)}")


def race(
    trials: Iterable[Trial],
    *,
    grounds: Mapping[str, Ground],
    contenders: Mapping[str, Contender],
    kept: Kept,
    progress: Progress,
) -> list[Outcome]:
    """Every trial's outcome, those known from before included."""
    wanted = [one for one in trials if contenders[one.contender].can_read(grounds[one.ground])]
    outcomes = []
    with progress.task("Trials", total=len(wanted)) as advance:
        for trial in wanted:
            ground, contender = grounds[trial.ground], contenders[trial.contender]
            key = trial.key(ground, contender)
            outcome = kept.get(trial, key)
            if outcome is None:
                outcome = run(trial, ground, contender)
                kept.add(key, outcome)
            outcomes.append(outcome)
            advance(1)
    return outcomes


def run(trial: Trial, ground: Ground, contender: Contender) -> Outcome:
    """Train and test once."""
    train, test = ground.split(trial.seed)
    if trial.per_leaf is not None:
        train = train[few_of_each(ground.labels[train], trial.per_leaf, seed=trial.seed)]
    view = ground.view(train, Damage(dropped=trial.without))
    started, worked = time.perf_counter(), time.process_time()
    predict, chosen = contender.fit(view, seed=trial.seed)
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    scores = {}
    for damage in trial.damages:
        asked = ground.view(test, Damage((*trial.without, *damage.dropped), damage.swapped))
        scores[str(damage)] = score_of(predict(asked).tolist(), asked.labels.tolist())
    return Outcome(trial, scores, seconds, processor, chosen, (len(train), len(test)))


def score_of(said: Sequence[str], truth: Sequence[str]) -> Score:
    """Accuracy and macro-F1 over the leaves that occur."""
    names = sorted({*said, *truth})
    columns = truth_columns(truth, names)
    predicted = truth_columns(said, names)
    return Score(float(np.mean(predicted == columns)), macro_f1(predicted, columns))
