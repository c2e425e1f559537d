"""A race: every strategy on one pool, each trial once, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.candidates.after_round import project_after_round
from benchmarks.candidates.figures import Trials, figures_of
from benchmarks.candidates.master import Accuracy, Masters, Training, collected, mean_accuracy
from benchmarks.candidates.ours import OURS, OurTrials, our_version
from benchmarks.candidates.peers import PEERS_VERSION, SLOW
from benchmarks.candidates.pools import Ground, spread
from benchmarks.candidates.runs import Job, Keep, Shown, run_here, run_peers
from benchmarks.candidates.trials import Rows, digest_of
from productnet.files import drafted
from productnet.progress import Progress

# ``mixed`` once more, with a round of ours after the first checkpoint.
AFTER_ROUND = "mixed-after-round"

Run = Callable[[Sequence[Job], Keep], None]


@dataclass(frozen=True, kw_only=True)
class Race:
    """What is run on a pool.

    Attributes:
        work: Where everything is kept.
        strategies: Their names.
        seeds: How many: 0, 1 ...; peers that take seconds a page get the first only.
        leaves: How many leaves, from the rarest to the commonest; all when None.
        pages: The size of each page.
        checkpoints: Views after which is counted, the last being all.
        python: The Python that peers run in.
        workers: Processes side by side.
        mastered: Strategies that masters are trained for.
        master_seeds: How many seeds masters are trained for, and rounds run.
        master_views: Of the checkpoints those after which masters are trained.
        progress: Who watches.
    """

    work: Path
    strategies: Sequence[str]
    seeds: int
    leaves: int | None
    pages: tuple[int, ...]
    checkpoints: Sequence[int]
    python: Path
    workers: int
    mastered: Sequence[str]
    master_seeds: int
    master_views: Sequence[int]
    progress: Progress

    def on(self, ground: Ground) -> tuple[dict[str, Any], dict[str, Trials]]:
        """The figures of a pool, and what every strategy showed."""
        bench = self.work / "benches" / f"{ground.name}-{ground.version}-{self.seeds}.npz"
        bench.parent.mkdir(parents=True, exist_ok=True)
        if not bench.exists():
            with drafted(bench) as draft:
                ground.bench.save(draft)
        shown = {name: self._trials(ground, name, bench) for name in self.strategies}
        later = {}
        if "mixed" in shown and self.master_seeds:
            shown[AFTER_ROUND] = self._after_round(ground, shown["mixed"], bench)
            later = self._later(ground, shown)
        strategies = {
            name: figures_of(ground, trials, checkpoints=self.checkpoints)
            for name, trials in shown.items()
        }
        for name, accuracies in self._accuracies(ground, shown).items():
            strategies[name]["master"] = accuracies
        report = {"products": len(ground.bench.ids), "strategies": strategies, "later": later}
        return report, shown

    def _trials(self, ground: Ground, strategy: str, bench: Path) -> Trials:
        seeds = 1 if strategy in SLOW else self.seeds
        jobs = [
            Job(strategy, seed, leaf, self.pages)
            for seed in range(seeds)
            for leaf in spread(ground, self.leaves)
        ]
        if strategy in OURS:
            trials = partial(OurTrials, bench, ground.project.root)
            run: Run = partial(run_here, trials, workers=self.workers)
            return self._run(ground, strategy, jobs, run, version=our_version())
        run = partial(run_peers, self.python, bench, workers=self.workers)
        return self._run(ground, strategy, jobs, run, version=PEERS_VERSION)

    def _run(
        self, ground: Ground, name: str, jobs: Sequence[Job], run: Run, *, version: object
    ) -> Trials:
        """What these jobs show, those done before being known."""
        store = Shown(self.work / "shown" / ground.name)
        key = digest_of(ground.version, self.pages, name, version)
        known = store.of(name, key=key)
        missing = [job for job in jobs if (job.seed, job.leaf) not in known]
        if missing:
            with self.progress.task(f"{ground.name}: {name}", total=len(missing)) as advance:

                def keep(job: Job, rows: Rows) -> None:
                    store.add(name, job, rows, key=key)
                    known[job.seed, job.leaf] = rows
                    advance(1)

                run(missing, keep)
        return {(job.seed, job.leaf): known[job.seed, job.leaf] for job in jobs}

    def _after_round(self, ground: Ground, mixed: Trials, bench: Path) -> Trials:
        """``mixed`` gone on with after a round on what it showed until the first checkpoint."""
        begun = self.checkpoints[0]
        after: dict[tuple[int, int], Rows] = {}
        for seed in range(min(self.seeds, self.master_seeds)):
            with self.progress.task(f"{ground.name}: a round, seed {seed}", total=None):
                project = project_after_round(
                    ground, mixed, seed=seed, views=begun, folder=self.work / "rounds"
                )
            jobs = [
                Job(
                    "mixed",
                    seed,
                    leaf,
                    _pages_after(self.pages, begun),
                    tuple(rows[:begun].tolist()),
                )
                for (of, leaf), rows in mixed.items()
                if of == seed
            ]
            trials = partial(OurTrials, bench, project.root)
            run = partial(run_here, trials, workers=self.workers)
            version = (our_version(), str(project.root.relative_to(self.work)))
            after |= self._run(ground, AFTER_ROUND, jobs, run, version=version)
        return after

    def _later(self, ground: Ground, shown: dict[str, Trials]) -> dict[str, Any]:
        """Figures of the views after the first checkpoint, with a round before them and without."""
        begun = self.checkpoints[0]
        with_round = shown[AFTER_ROUND]
        without = {trial: rows for trial, rows in shown["mixed"].items() if trial in with_round}
        later = [views - begun for views in self.checkpoints[1:]]
        if not later:
            return {}
        return {
            "begun_with_views": begun,
            "mixed": figures_of(ground, without, checkpoints=later, begun=begun),
            AFTER_ROUND: figures_of(ground, with_round, checkpoints=later, begun=begun),
        }

    def _accuracies(self, ground: Ground, shown: dict[str, Trials]) -> dict[str, Any]:
        """Strategy to views to the accuracy of masters trained on what it had found by then."""
        trainings = [
            Training(name, seed, views, collected(ground, trials, seed=seed, views=views))
            for name, trials in shown.items()
            if name in self.mastered
            for seed in range(min(self.seeds, self.master_seeds))
            for views in self.master_views
        ]
        if not trainings:
            return {}
        found: dict[tuple[str, int], list[Accuracy]] = {}
        with self.progress.task(f"{ground.name}: masters", total=len(trainings)) as advance:

            def keep(training: Training, accuracy: Accuracy) -> None:
                found.setdefault((training.strategy, training.views), []).append(accuracy)
                advance(1)

            masters = partial(Masters, ground, self.work / "masters")
            run_here(masters, trainings, keep, workers=self.workers)
        return {
            name: {
                str(views): mean_accuracy(found[name, views])
                for views in self.master_views
                if (name, views) in found
            }
            for name in {name for name, _ in found}
        }


def _pages_after(pages: Sequence[int], views: int) -> tuple[int, ...]:
    """The pages left after so many views."""
    place, seen = 0, 0
    while seen < views:
        seen += pages[place]
        place += 1
    return tuple(pages[place:])
