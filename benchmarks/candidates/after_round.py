"""Our loop's own answer: a round on what the first views brought, and the views after it."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

import productnet
from benchmarks.candidates.pools import Ground
from benchmarks.candidates.trials import Rows, digest_of
from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.embeddings.active import read_active
from productnet.progress import SILENT
from productnet.rounds.record import Step, new_record
from productnet.rounds.steps import STEPS, Turn
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

# What people do and what a round leaves behind is not taken over from the pool's project; what is
# large and only read is shared with it.
_LEFT = ("active.json", "decisions.db", "models", "reports")
_SHARED = ("pool.lance", "features")

_PACKAGES = ("master", "rounds")


def project_after_round(
    ground: Ground, trials: Mapping[tuple[int, int], Rows], *, seed: int, views: int, folder: Path
) -> Project:
    """A project of the same pool in which people decided on the first views, and a round was run.

    All answers are labelled, positives are audited too. The round is ``productnet round`` without
    its evaluation: it trains the master, embeds the pool and recommends categories.

    Args:
        ground: The pool.
        trials: Seed and leaf to the rows shown.
        seed: Whose trials people decided on.
        views: How many of each.
        folder: Where such projects are kept; one made before is opened again.
    """
    seen = {
        leaf: np.concatenate([ground.bench.starts[seed, leaf], rows[:views]])
        for (of, leaf), rows in sorted(trials.items())
        if of == seed
    }
    root = folder / f"{ground.name}-{digest_of(ground.version, seed, sorted(seen), *seen.values())}"
    root /= _version()
    root.mkdir(parents=True, exist_ok=True)
    for part in ground.project.root.iterdir():
        if part.name in _LEFT or (root / part.name).exists():
            continue
        if part.name in _SHARED:
            (root / part.name).symlink_to(part.resolve())
        elif part.is_dir():
            shutil.copytree(part, root / part.name)
        else:
            shutil.copy(part, root / part.name)
    project = Project.open(root)
    if read_active(project) is not None:
        return project
    with DecisionLog.open(project.database_url) as log:
        if not log.state().categories():
            log.append(*_decisions(ground, seen))
    record = new_record(
        project,
        number=1,
        preset=None,
        image=None,
        taxonomy_hash=Taxonomy.load(project.taxonomy_path).hash,
    )
    for step, work in STEPS.items():
        if step is not Step.EVALUATE:
            work(Turn(project, record, SILENT))
    return project


def _decisions(ground: Ground, seen: Mapping[int, Rows]) -> Iterator[Decision]:
    """The score of a trial's candidates is not known; closeness to the positives stands for it."""
    bench = ground.bench
    for leaf, rows in seen.items():
        belongs = bench.labels[rows] == leaf
        centre = bench.vectors[rows[belongs]].mean(axis=0)
        for row, positive in zip(rows, belongs, strict=True):
            answer = {
                "product": bench.ids[row],
                "category": bench.leaves[leaf],
                "verdict": Verdict.POSITIVE if positive else Verdict.NEGATIVE,
            }
            closeness = max(0.0, float(bench.vectors[row] @ centre))
            yield decide(Role.LABEL, **answer, annotator="labeler", source="mixed", score=closeness)
            if positive:
                yield decide(Role.AUDIT, **answer, annotator="auditor")


def _version() -> str:
    root = Path(productnet.__file__).parent
    return digest_of(*(path for name in _PACKAGES for path in sorted((root / name).rglob("*.py"))))
