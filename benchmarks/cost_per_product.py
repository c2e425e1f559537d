"""What a product costs as pools grow: import, text encoding, near-duplicates, index.

Pools are of the generated store, texts without pictures. Each step of each size runs in a process
of its own on one thread, after it has done the same for a few products, so that loading libraries
and models counts for nothing. Processor time is the figure, since others may use the machine too;
wall time stands beside it, and the most memory that was resident. A step that is dear at any size
(the map's landmarks) is told apart, by the labels that people see on the progress bars.

    python benchmarks/cost_per_product.py --work ../cost --products 10000 30000 100000
    python benchmarks/cost_per_product.py --work ../cost --products 3000000 --plot cost.png

Figures are kept in the folder ``--work``: what is there already is not measured again. Three
million products take 8 GB of disk there, given back when all steps of that size are done. Prints
one JSON object; ``spread`` is the largest processor time a product over the smallest.
Processor time itself grows by a third when others are busy, so a yardstick, work that is always the
same, is measured before and after each step: ``spread_by_yardstick`` is of the ratio to it.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from productnet.catalog.hashes import text_hash
from productnet.catalog.importer import import_feed
from productnet.catalog.store.files import write_store
from productnet.embeddings import sets
from productnet.embeddings.initial import NAME, embed_initial
from productnet.embeddings.near_duplicates import find_near_duplicates
from productnet.embeddings.sets import EmbeddingSet, build_index
from productnet.encoders.features import compute_features
from productnet.files import write_atomically
from productnet.progress import Advance
from productnet.settings import EncoderSettings, Project, Settings

TEXT = "static"
DEAR_TEXT = "minilm"
DEAR = f"encode with {DEAR_TEXT}"
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
WARM = 300

# Of sizes up to here a step is measured so often, and its least processor time counts.
REPEATED_UP_TO = 100_000
REPETITIONS = 3
# MiniLM costs 14 ms of one thread a product, whatever the size.
DEAR_UP_TO = 30_000

FEED = "products.parquet"

# What a step cost, each time that it was measured; of every step of every size.
Turns = list[dict[str, Any]]
Sizes = dict[int, dict[str, Turns]]


class Clock:
    """Progress that notes the processor seconds of each task."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
        """See ``Progress.task``."""
        begun = processor_seconds()
        yield lambda done, note="": None
        self.seconds[label] += processor_seconds() - begun


def bring_in(project: Project, clock: Clock) -> None:
    summary = import_feed(project, project.root.parent / FEED, progress=clock)
    if summary.bad_rows:
        sys.exit(f"The import is not clean, so the times say nothing: {summary}")


def encode(project: Project, clock: Clock) -> None:
    compute_features(project, TEXT, modality="text", progress=clock)


def encode_dear(project: Project, clock: Clock) -> None:
    compute_features(project, DEAR_TEXT, modality="text", progress=clock)


def embed(project: Project, clock: Clock) -> None:
    """All that ``embed`` does between encoding and the index: the set and its map."""
    sets.INDEXED_FROM = sys.maxsize
    embed_initial(project, progress=clock)


def duplicates(project: Project, clock: Clock) -> None:
    find_near_duplicates(project, progress=clock)


def index(project: Project, clock: Clock) -> None:
    sets.INDEXED_FROM = 1
    build_index(EmbeddingSet.open(project.embeddings_path / NAME), progress=clock)


class Step(NamedTuple):
    """A step, and what it makes: removed before it is measured, should it be there."""

    run: Callable[[Project, Clock], None]
    made: Callable[[Project], Path]


STEPS = {
    "import": Step(bring_in, lambda project: project.root / "pool.lance"),
    "encode": Step(encode, lambda project: project.features_path),
    DEAR: Step(encode_dear, lambda project: project.features_path / "minilm.lance"),
    "embed": Step(embed, lambda project: project.embeddings_path),
    "near-duplicates": Step(duplicates, lambda project: project.near_duplicates_path),
    "index": Step(index, lambda project: project.embeddings_path / NAME / "index"),
}
# Measured once at any size: the one is dear, of the other nothing is asked.
ONCE = (DEAR, "embed")
# Those that are wanted flat: the map costs the same whatever the size.
FLAT = ("import", "encode", DEAR, "near-duplicates", "index")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="keeps figures, and pools so long")
    parser.add_argument("--products", type=int, nargs="*", default=SIZES)
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--keep", action="store_true", help="leave the pools for further steps")
    parser.add_argument("--plot", type=Path, help="draw cost against pool size into this file")
    parser.add_argument("--step", nargs=2, metavar=("STEP", "FOLDER"), help="one process")
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(run_step(arguments.step[0], Path(arguments.step[1]))))
        return
    arguments.work.mkdir(parents=True, exist_ok=True)
    for size in arguments.products:
        measure(arguments.work, size, arguments.steps, keep=arguments.keep)
    sizes = {size: figures for size in SIZES if (figures := known(arguments.work, size))}
    if arguments.plot:
        plot(sizes, arguments.plot)
    result = {
        "cores": os.cpu_count(),
        "spread": spread(sizes, by_yardstick=False),
        "spread_by_yardstick": spread(sizes, by_yardstick=True),
        "sizes": sizes,
    }
    print(json.dumps(result))


def measure(work: Path, size: int, steps: Sequence[str], *, keep: bool) -> None:
    """Take the figures of one size that are not there yet."""
    pool = work / f"pool-{size}"
    for turn in range(REPETITIONS if size <= REPEATED_UP_TO else 1):
        wanted = [step for step in steps if len(known(work, size).get(step, [])) <= turn]
        if turn:
            wanted = [step for step in wanted if step not in ONCE]
        if DEAR in wanted and size > DEAR_UP_TO:
            wanted.remove(DEAR)
        if wanted and not (pool / FEED).exists():
            write_store(pool, size=size, images=False)
            # Each needs those before it, of which only the dear one leaves nothing to the others.
            last = max(list(STEPS).index(step) for step in wanted)
            wanted = [step for step in list(STEPS)[: last + 1] if step != DEAR or step in wanted]
        for step in wanted:
            told = in_process(step, pool)
            figures = known(work, size)
            figures.setdefault(step, []).append(told)
            write_atomically(work / f"{size}.json", json.dumps(figures, indent=1))
            print(size, step, told, file=sys.stderr, flush=True)
    if not keep:
        shutil.rmtree(pool, ignore_errors=True)


def known(work: Path, size: int) -> dict[str, Turns]:
    """The figures of one size: of each step, one for each time it was measured."""
    path = work / f"{size}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def in_process(step: str, pool: Path) -> dict[str, Any]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    told = subprocess.run(
        [sys.executable, __file__, "--work", str(pool), "--step", step, str(pool)],
        env=os.environ | one_thread,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    figures: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return figures


def run_step(step: str, pool: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        write_store(Path(folder), size=WARM, images=False)
        few = shop(Path(folder))
        for name in STEPS:
            if name != DEAR or name == step:
                STEPS[name].run(few, Clock())
            if name == step:
                break
    project, clock = shop(pool), Clock()
    made = STEPS[step].made(project)
    made.unlink() if made.is_file() else shutil.rmtree(made, ignore_errors=True)
    before = yardstick()
    wall, processor = time.perf_counter(), processor_seconds()
    STEPS[step].run(project, clock)
    seconds, processor = time.perf_counter() - wall, processor_seconds() - processor
    return {
        "processor_seconds": round(processor, 2),
        "seconds": round(seconds, 2),
        "yardstick": round((before + yardstick()) / 2, 3),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2),
        "tasks": {name: round(seconds, 2) for name, seconds in clock.seconds.items()},
    }


def yardstick() -> float:
    """Processor seconds of a work that is always the same: they too grow when others are busy."""
    begun = processor_seconds()
    numbers = np.random.default_rng(0).integers(0, 2**62, 1_000_000)
    for _ in range(5):
        numbers = numbers[np.argsort(numbers ^ numbers[0], kind="stable")][::-1].copy()
    for number in range(15_000):
        text_hash([f"{number} word {each}" for each in range(20)])
    return processor_seconds() - begun


def shop(folder: Path) -> Project:
    root = folder / "shop"
    if root.exists():
        return Project.open(root)
    return Project.create(root, Settings(encoders=EncoderSettings(text=TEXT)))


def processor_seconds() -> float:
    """Of this process, all its threads, and those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def least(turns: Turns) -> dict[str, Any]:
    """The turn that others on the machine disturbed least."""
    return min(turns, key=lambda turn: float(turn["processor_seconds"]))


def spread(sizes: Sizes, *, by_yardstick: bool) -> dict[str, float]:
    """How far each step is from flat, the dearest size over the cheapest: 1.15 is wanted at most.

    By the yardstick, each step's processor time is divided by the yardstick's, then the least of a
    size counts; what others on the machine cost is out of it.
    """
    found = {}
    for step in FLAT:
        each = []
        for size, figures in sizes.items():
            turns = [one for one in figures.get(step, []) if not by_yardstick or "yardstick" in one]
            scaled = [one["processor_seconds"] / one.get("yardstick", 1) for one in turns]
            plain = [one["processor_seconds"] for one in turns]
            if turns:
                each.append(min(scaled if by_yardstick else plain) / size)
        if each and min(each):
            found[step] = round(max(each) / min(each), 2)
    return found


def plot(sizes: Sizes, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (cost, memory) = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for step in FLAT:
        taken = [size for size, figures in sizes.items() if step in figures]
        if not taken:
            continue
        turns = [least(sizes[size][step]) for size in taken]
        each = [
            1e6 * turn["processor_seconds"] / size for size, turn in zip(taken, turns, strict=True)
        ]
        cost.plot(taken, each, marker="o", label=step)
        memory.plot(taken, [turn["peak_gb"] for turn in turns], marker="o", label=step)
    cost.set(xscale="log", xlabel="products", ylabel="processor microseconds a product", ylim=0)
    memory.set(xscale="log", xlabel="products", ylabel="most memory resident, GB", ylim=0)
    for axes in (cost, memory):
        axes.grid(alpha=0.3, which="both")
    figure.legend(*cost.get_legend_handles_labels(), loc="outside upper center", ncols=5)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
