"""What a round and a simulation leave behind for the report, as JSON files.

``models/round-XXXX/metrics.json`` holds a ``RoundMetrics`` and ``reports/simulation.json`` a
``SimulationRecord``. Both carry their format version and are checked on loading.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from productnet.errors import ModelError, UsageError
from productnet.evaluation.metrics import (
    Calibration,
    ConfusedPair,
    accuracy_by_level,
    calibration,
    confused_pairs,
    truth_columns,
)
from productnet.evaluation.table import MASTER, Scored, TableRow, table_row
from productnet.files import write_atomically

FORMAT_VERSION: Final = 1

# In the folder of a round, and of reports.
METRICS_FILE: Final = "metrics.json"
SIMULATION_FILE: Final = "simulation.json"

T = TypeVar("T")


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
    """How the master model of one round did on the test side of gold.

    Attributes:
        round: Number of the round, from 1.
        finished_at: When it was evaluated, ISO 8601 in UTC.
        table: Table 1: the master model first, then what it is compared with.
        levels: Accuracy at each level of the tree, the top level first.
        calibration: Of the master model's confidence in its first guess.
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
    seconds: dict[str, float] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def master(self) -> TableRow:
        """The master model's own row."""
        return next(row for row in self.table if row.name == MASTER)

    def save(self, path: Path) -> None:
        """Write as JSON, replacing the file whole."""
        write_atomically(path, _dump(RoundMetrics, self))

    @classmethod
    def load(cls, path: Path) -> "RoundMetrics":
        """Read a saved file; raises ModelError if it is missing, damaged or of another format."""
        return _load(cls, path, made_by="productnet round")


@dataclass(frozen=True, slots=True)
class FoundCurve:
    """Positives found while looking through one source's candidates for one leaf.

    Attributes:
        category: Category id of the leaf.
        source: Name of the source.
        views: How many candidates had been looked at, rising.
        positives: How many positives had been found by then.
    """

    category: str
    source: str
    views: tuple[int, ...]
    positives: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The first page a source proposed for a leaf (paper figure 3).

    Attributes:
        category: Category id of the leaf.
        source: Name of the source.
        products: Product ids in the order shown.
        correct: Whether each belongs to the leaf by reference; None where unknown.
    """

    category: str
    source: str
    products: tuple[str, ...]
    correct: tuple[bool | None, ...]


@dataclass(frozen=True, slots=True)
class SimulationRecord:
    """What simulated people saw and found.

    Attributes:
        curves: Positives found against candidates viewed, for leaves and sources.
        pages: First pages, for a few leaves and all sources.
        reference_counts: Category id to the number of its products in the pool by reference.
    """

    curves: tuple[FoundCurve, ...] = ()
    pages: tuple[FirstPage, ...] = ()
    reference_counts: dict[str, int] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def save(self, path: Path) -> None:
        """Write as JSON, replacing the file whole."""
        write_atomically(path, _dump(SimulationRecord, self))

    @classmethod
    def load(cls, path: Path) -> "SimulationRecord":
        """Read a saved file; raises ModelError if it is missing, damaged or of another format."""
        return _load(cls, path, made_by="productnet simulate")


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
    """
    truth = list(test_labels.values())
    best = scored.scores.argmax(axis=1)  # (N,)
    confidence = scored.scores.max(axis=1)  # (N,)
    predicted = [scored.classes[column] for column in best]
    correct = np.asarray(best == truth_columns(truth, scored.classes))
    own = table_row(MASTER, scored, truth, seconds=seconds.get("train", 0.0), n_train=n_train)
    return RoundMetrics(
        round=round,
        finished_at=finished_at,
        table=(own, *baselines),
        levels=accuracy_by_level(
            [paths[leaf] for leaf in truth], [paths[leaf] for leaf in predicted]
        ),
        calibration=calibration(confidence, correct),
        confused=confused_pairs(list(test_labels), truth, predicted, confidence=confidence),
        history=tuple(history),
        seconds=dict(seconds),
    )


def _dump(kind: type[T], record: T) -> str:
    return TypeAdapter(kind).dump_json(record, indent=1).decode() + "\n"


def _load(kind: type[T], path: Path, *, made_by: str) -> T:
    if not path.is_file():
        raise ModelError(f"There is no {path}. `{made_by}` writes it.")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        version = raw.get("format_version") if isinstance(raw, dict) else None
        if version != FORMAT_VERSION:
            raise ModelError(
                f"{path} has format {version}; this version of ProductNet reads format "
                f"{FORMAT_VERSION}. Make it anew with `{made_by}`."
            )
        return TypeAdapter(kind).validate_python(raw)
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise ModelError(f"{path} is damaged ({error}). Make it anew with `{made_by}`.") from error


def random_views(wanted: int, *, positives: int, pool: int) -> float:
    """Products a person would have to look at, at random, to find so many positives.

    Expected draws without replacement until the k-th success, k (N + 1) / (P + 1), the mean of
    the negative hypergeometric distribution.

    Args:
        wanted: Positives wanted, k.
        positives: How many the pool holds, P.
        pool: Products in the pool, N.

    Raises:
        UsageError: More are wanted than the pool holds.
    """
    if not 0 <= wanted <= positives <= pool:
        raise UsageError(
            f"{wanted} positives cannot be found among {positives} in a pool of {pool}."
        )
    return wanted * (pool + 1) / (positives + 1)
