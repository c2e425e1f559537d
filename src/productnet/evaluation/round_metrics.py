"""How the master model of a round did on the test side of gold: ``metrics.json`` of the round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from productnet.evaluation.certainty import (
    CertaintyMetrics,
    measure_certainty,
    measured_calibration,
)
from productnet.evaluation.hierarchy import Kinship, LevelScores, kinship, level_scores
from productnet.evaluation.metrics import (
    ConfusedPair,
    Floats,
    accuracy_by_level,
    confused_pairs,
    truth_columns,
)
from productnet.evaluation.records import load_record, save_record
from productnet.evaluation.reliability import Calibration
from productnet.evaluation.table import MASTER, Scored, TableRow, table_row
from productnet.master.certainty import Certainty

FORMAT_VERSION: Final = 1

# In the folder of a round.
METRICS_FILE: Final = "metrics.json"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass of the master model over its training products.

    Attributes:
        loss: Mean training loss.
        accuracy: Share of validation products classified rightly, 0 to 1.
        validation_loss: Mean loss on them.
    """

    loss: float
    accuracy: float | None = None
    validation_loss: float | None = None


@dataclass(frozen=True, slots=True)
class RoundMetrics:
    """What the report tells of a round.

    Attributes:
        round: Number of the round, from 1.
        finished_at: When it was evaluated, ISO 8601 in UTC.
        table: Table 1: the master model first, then what it is compared with.
        levels: Accuracy at each level of the tree, the top level first.
        hierarchy: The same levels with hierarchical precision, recall and F1.
        kinship: How near the embedding keeps relatives among test products.
        calibration: Of the master model's confidence in its first guess.
        certainty: What its promises are worth; None where it makes none.
        confused: The most confused pairs of leaves, most frequent first.
        history: The learning curve.
        seconds: Wall-clock seconds of each step of the round.
    """

    round: int
    finished_at: str
    table: tuple[TableRow, ...]
    levels: tuple[float, ...]
    calibration: Calibration
    confused: tuple[ConfusedPair, ...]
    history: tuple[Epoch, ...] = ()
    hierarchy: tuple[LevelScores, ...] = ()
    kinship: Kinship | None = None
    certainty: CertaintyMetrics | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def master(self) -> TableRow:
        """The master model's own row."""
        return next(row for row in self.table if row.name == MASTER)

    def save(self, path: Path) -> None:
        """Write as JSON, replacing the file whole."""
        save_record(path, self, kind=RoundMetrics)

    @classmethod
    def load(cls, path: Path) -> "RoundMetrics":
        """Read a saved file; raises ModelError if it is missing, damaged or of another format."""
        return load_record(
            path, kind=cls, format_version=FORMAT_VERSION, made_by="productnet round"
        )


def measure_round(
    scored: Scored,
    test_labels: Mapping[str, str],
    paths: Mapping[str, tuple[str, ...]],
    *,
    round: int,
    finished_at: str,
    n_train: int,
    seconds: Mapping[str, float],
    baselines: Sequence[TableRow] = (),
    history: Sequence[Epoch] = (),
    vectors: Floats | None = None,
    certainty: Certainty | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> RoundMetrics:
    """Everything the report tells of a round, from the master model's test probabilities.

    Args:
        scored: (N, K) calibrated probabilities, rows in the order of ``test_labels``.
        test_labels: Product id to category id.
        paths: Category id to path, for every leaf of truth or prediction.
        round: Number of the round.
        finished_at: ISO 8601 in UTC.
        n_train: Products trained on.
        seconds: Wall-clock seconds of each step; "train" becomes the master row's.
        baselines: The other rows of table 1.
        history: The learning curve.
        vectors: (N, D) embeddings of the same products, of length one.
        certainty: What the model promises.
        temperature: Of its calibration.
        seed: Of what is drawn to estimate.
    """
    truth = list(test_labels.values())
    best = scored.scores.argmax(axis=1)  # (N,)
    confidence = scored.scores.max(axis=1)  # (N,)
    predicted = [scored.classes[column] for column in best]
    columns = truth_columns(truth, scored.classes)  # (N,)
    true_paths = [paths[leaf] for leaf in truth]
    said_paths = [paths[leaf] for leaf in predicted]
    own = table_row(MASTER, scored, truth, seconds=seconds.get("train", 0.0), n_train=n_train)
    return RoundMetrics(
        round=round,
        finished_at=finished_at,
        table=(own, *baselines),
        levels=accuracy_by_level(true_paths, said_paths),
        calibration=measured_calibration(scored.scores, columns, seed=seed),
        confused=confused_pairs(list(test_labels), truth, predicted, confidence=confidence),
        history=tuple(history),
        hierarchy=level_scores(true_paths, said_paths),
        kinship=(
            kinship(vectors.astype(np.float32), truth, paths, seed=seed)
            if vectors is not None and len(vectors) > 1
            else None
        ),
        certainty=(
            measure_certainty(
                certainty,
                scored.scores,
                columns,
                true_paths,
                paths,
                temperature=temperature,
                seed=seed,
            )
            if certainty is not None
            else None
        ),
        seconds=dict(seconds),
    )
