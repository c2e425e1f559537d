"""Our own sources as strategies, asked exactly as the portal asks them."""

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from pathlib import Path

import numpy as np

import productnet
from benchmarks.candidates.runs import Job
from benchmarks.candidates.trials import Asked, Bench, Rows, digest_of, run_trial
from productnet.evaluation.trials import without_targets
from productnet.local.registry import LOCAL_MODELS
from productnet.retrieval.active import Active
from productnet.retrieval.candidates import Leaf, Source
from productnet.retrieval.page import next_page
from productnet.retrieval.registry import SOURCES
from productnet.retrieval.resources import Resources
from productnet.settings import Project

# ``mixed`` as people meet it: a leaf that has its positives is shown other products.
TO_TARGET = "mixed-to-target"

OURS: dict[str, Callable[[], Source]] = {
    "mixed": SOURCES["mixed"],
    TO_TARGET: SOURCES["mixed"],
    **{f"active-{name}": partial(Active, model=name) for name in LOCAL_MODELS},
    "nearest": SOURCES["nearest"],
    "keyword": SOURCES["keyword"],
    "random": SOURCES["random"],
}

# The packages a page depends on; a trial counts for as long as they stay as they are.
_PACKAGES = ("embeddings", "local", "retrieval")


class FromSource:
    """A source, asked for the next page of a leaf.

    Args:
        source: One of ours.
        resources: Of the project.
        ids: Product ids, by row of the bench.
    """

    def __init__(self, source: Source, resources: Resources, ids: Sequence[str]) -> None:
        self._source = source
        self._resources = resources
        self._ids = np.array(ids)
        self._rows = {product: row for row, product in enumerate(ids)}

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """What an annotator would be shown."""
        leaf = Leaf(
            category=self._resources.taxonomy[asked.leaf],
            positives=self._ids[asked.positives].tolist(),
            negatives=self._ids[asked.negatives].tolist(),
            hidden=frozenset(np.delete(self._ids, asked.free).tolist()),
        )
        page = next_page(self._source, leaf, self._resources, count=count, rng=rng)
        return np.array([self._rows[candidate.product] for candidate in page], np.int64)


class OurTrials:
    """Runs trials of our sources on one project; made once in each process.

    Args:
        bench: The file of the bench.
        project: The folder of the project.
    """

    def __init__(self, bench: Path, project: Path) -> None:
        self._bench = Bench.load(bench)
        opened = Project.open(project)
        # But for one, strategies are after as many positives as they can get.
        self._to_target = Resources(opened)
        self._resources = copy(self._to_target)
        self._resources.project = without_targets(opened)

    def run(self, job: Job) -> Rows:
        """Everything that the source shows."""
        resources = self._to_target if job.strategy == TO_TARGET else self._resources
        return run_trial(
            FromSource(OURS[job.strategy](), resources, self._bench.ids),
            self._bench,
            leaf=job.leaf,
            seed=job.seed,
            pages=job.pages,
            shown=job.shown,
        )


def our_version() -> str:
    """Names the code that our sources are."""
    root = Path(productnet.__file__).parent
    return digest_of(*(path for name in _PACKAGES for path in sorted((root / name).rglob("*.py"))))
