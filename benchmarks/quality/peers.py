"""Rivals whose libraries do not fit beside ours: they run in a Python of their own."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.quality.grounds import Ground, View, folds
from benchmarks.quality.rivals import INNER_FOLDS, Fitted, Labels
from productnet.errors import ProductNetError

_ROOT = Path(__file__).parents[2]


class PeerFailed(ProductNetError):
    """A library's process ended early."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A library that reads texts.

    Attributes:
        name: In ``libraries.py``.
        python: That has the library.
        folds: How many inner folds its settings are chosen by; 0 where there is nothing to choose.
        most: Training products at most that it is asked to learn from: it would take hours.
    """

    name: str
    python: Path
    folds: int = INNER_FOLDS
    most: int | None = None
    needs_images: bool = False
    needs_text: bool = True

    def can_read(self, ground: Ground) -> bool:
        """Every set has text."""
        return True

    def fit(self, view: View, *, seed: int) -> Fitted:
        """A process for each answer: it learns, says, and ends."""
        inner = folds(view.labels, view.groups, count=self.folds, seed=seed) if self.folds else []
        task = {
            "contender": self.name,
            "seed": seed,
            "texts": view.texts,
            "labels": view.labels.tolist(),
            "folds": [(train.tolist(), test.tolist()) for train, test in inner],
        }
        chosen: dict[str, float] = {}

        def predict(other: View) -> Labels:
            done = subprocess.run(
                [str(self.python), "-W", "ignore", "-m", "benchmarks.quality.libraries"],
                cwd=_ROOT,
                input=json.dumps({**task, "asked": [other.texts]}),
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise PeerFailed(f"{self.name} failed in {self.python}: {done.stderr[-2000:]}")
            answer = json.loads(done.stdout.splitlines()[-1])
            chosen.update(answer["chosen"])
            return np.array(answer["predictions"][0])

        return predict, chosen
