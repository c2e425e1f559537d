"""The engines: Ray with one worker and with two, beside this process; and a node that is lost.

Each case is a process of its own that encodes the images of generated products, or categorizes a
file of products with images and texts by a model. A worker has one thread for each of its
functions, and so has the local engine beside it. Rates are counted from the fourth batch on, when
every worker is there and has done as much as the others; ``seconds`` are of the whole case.

    python -m benchmarks.engine --work encode --products 2048
    python -m benchmarks.engine --work categorize --products 4096
    python -m benchmarks.engine --lose-a-node --products 600

Prints one JSON object. ``scaling`` is two workers over one, wanted at least 1.7; ``of_local`` one
worker over the local engine with one core, wanted at least 0.85; ``difference`` the largest
between vectors, wanted at most 1e-5.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.embed_throughput import generated, make_project
from productnet.encoders.feature_store import FeatureTable
from productnet.encoders.features import compute_features, read_features
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.engine.base import Engine
from productnet.engine.cores import grant
from productnet.engine.registry import open_engine
from productnet.progress import Advance
from productnet.settings import EngineSettings, Project, Settings

IMAGE_ENCODER = "efficientnet-lite0"
WORK = ("encode", "categorize")
CASES = ("local", "ray-1", "ray-2")
# Products between two commits, and of a batch; by itself eight times as many, of a larger pool.
ENCODED = 64
CATEGORIZED = 256
# Batches before the clock starts; each of two workers has done as many then.
WARM = 4


class Clock:
    """Progress that notes when each batch was through; tasks are seen by label."""

    def __init__(self) -> None:
        self.told: list[tuple[float, int]] = []

    @contextmanager
    def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
        """See ``Progress.task``."""

        def advance(done: int, /, note: str = "") -> None:
            self.told.append((time.perf_counter(), done))

        yield advance if label.startswith(("Encoding", "Categorizing")) else _nothing

    @property
    def rate(self) -> float:
        """Products a second, once it is warm."""
        seconds = self.told[-1][0] - self.told[WARM - 1][0]
        return sum(done for _, done in self.told[WARM:]) / seconds


def _nothing(done: int, /, note: str = "") -> None:
    pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=1_500)
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--work", choices=WORK, nargs="+", default=WORK)
    parser.add_argument("--lose-a-node", action="store_true")
    parser.add_argument("--case", nargs=3, metavar=("WORK", "CASE", "FOLDER"), help="One process")
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(run_case(*arguments.case)))
        return
    # Made ready before the clock starts, as on every run but a machine's first.
    image_encoder(IMAGE_ENCODER)
    text_encoder("minilm")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.lose_a_node:
            print(json.dumps(lose_a_node(folder, arguments.products)))
        else:
            print(json.dumps(compare(folder, arguments)))


def compare(folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    prepare(folder, arguments.products)
    result: dict[str, object] = {"products": arguments.products, "cores": os.cpu_count()}
    for work in arguments.work:
        rates: dict[str, list[float]] = {case: [] for case in CASES}
        seconds: dict[str, list[float]] = {case: [] for case in CASES}
        for _ in range(arguments.repetitions):
            for case in CASES:
                told = in_process(work, case, folder)
                rates[case].append(told["rate"])
                seconds[case].append(told["seconds"])
                print(f"{work} {case}: {told}", file=sys.stderr)
        median = {case: statistics.median(values) for case, values in rates.items()}
        result[work] = {
            "products_per_second": {case: round(rate, 1) for case, rate in median.items()},
            "seconds": {case: [round(one, 1) for one in some] for case, some in seconds.items()},
            "scaling": round(median["ray-2"] / median["ray-1"], 2),
            "of_local": round(median["ray-1"] / median["local"], 2),
            "difference": max(difference(work, case, folder) for case in CASES[1:]),
        }
    return result


def in_process(work: str, case: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.engine", "--case", work, case, str(folder)]
    # A thread for each worker, and for the local engine beside one of them.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return answer


def prepare(folder: Path, count: int) -> None:
    """A project for each case, a feed, and a model of a few products."""
    from productnet.master.model import MasterModel

    products = [generated(number) for number in range(count)]
    for case in CASES:
        make_project(folder / case, products)
    feed: dict[str, list[object]] = {
        "id": [product.id for product in products],
        "title": [product.texts["title"] for product in products],
        "image": [product.image for product in products],
    }
    pq.write_table(pa.table(feed), folder / "feed.parquet")
    few = pa.table({name: values[:60] for name, values in feed.items()})
    labels = ["even" if number % 2 else "odd" for number in range(60)]
    MasterModel("fast", epochs=1).fit(few, labels).save(folder / "model")


def run_case(work: str, case: str, folder_name: str) -> dict[str, float]:
    folder = Path(folder_name)
    clock, begun = Clock(), time.perf_counter()
    with engine_of(case) as engine:
        if work == "encode":
            compute_features(
                Project.open(folder / case),
                IMAGE_ENCODER,
                modality="image",
                progress=clock,
                chunk_products=ENCODED,
                engine=engine,
            )
        else:
            categorize(folder, case, clock, engine)
    return {"rate": clock.rate, "seconds": time.perf_counter() - begun}


def categorize(folder: Path, case: str, clock: Clock, engine: Engine) -> None:
    from productnet.master.model import MasterModel
    from productnet.serving import resumed
    from productnet.serving.categorize import categorize_feed
    from productnet.serving.feeds import FeedProducts

    resumed.write_resumed.__kwdefaults__["part"] = CATEGORIZED  # type: ignore[index]
    model = MasterModel.load(folder / "model")
    categorize_feed(
        model,
        FeedProducts(folder / "feed.parquet", Settings()),
        folder / f"{case}.parquet",
        top=1,
        progress=clock,
        engine=engine,
        folder=folder / "model",
    )


def engine_of(case: str) -> AbstractContextManager[Engine]:
    if case == "local":
        grant(1)
        return open_engine(EngineSettings())
    return open_engine(EngineSettings(workers=int(case[-1])), name="ray")


def difference(work: str, case: str, folder: Path) -> float:
    """The largest between vectors or confidences of a case and those of this process alone.

    Infinite where ids or categories are not the same.
    """
    if work == "encode":
        ours, theirs = (
            read_features(Project.open(folder / one), IMAGE_ENCODER, modality="image")
            for one in (case, "local")
        )
        same = np.array_equal(ours[1], theirs[1])
        return float(np.abs(ours[0] - theirs[0]).max()) if same else float("inf")
    tables = [pq.read_table(folder / f"{one}.parquet") for one in (case, "local")]
    numbers = [table.column("confidence").to_numpy() for table in tables]
    named = [table.drop_columns(["confidence"]) for table in tables]
    return float(np.abs(numbers[0] - numbers[1]).max()) if named[0] == named[1] else float("inf")


def lose_a_node(folder: Path, count: int) -> dict[str, object]:
    """Three nodes encode a pool; one is killed when a third of the pool is done."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["OMP_NUM_THREADS"] = "1"
    from ray.cluster_utils import Cluster

    products = [generated(number) for number in range(count)]
    projects = [make_project(folder / name, products) for name in ("local", "cluster")]
    compute_features(projects[0], IMAGE_ENCODER, modality="image", chunk_products=ENCODED)
    alike = {"num_cpus": 1, "object_store_memory": 256 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**alike, "include_dashboard": False})
    lost, _ = (cluster.add_node(**alike) for _ in range(2))
    cluster.wait_for_nodes()
    begun, done, killed = time.perf_counter(), 0, 0

    class Killing(Clock):
        @contextmanager
        def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
            def advance(rows: int, /, note: str = "") -> None:
                nonlocal done, killed
                done += rows
                if not killed and done >= count / 3:
                    killed = done
                    cluster.remove_node(lost, allow_graceful=False)

            yield advance if label.startswith("Encoding") else _nothing

    with open_engine(EngineSettings(), address=cluster.address) as engine:
        compute_features(
            projects[1],
            IMAGE_ENCODER,
            modality="image",
            progress=Killing(),
            chunk_products=ENCODED,
            engine=engine,
        )
    seconds = time.perf_counter() - begun
    cluster.shutdown()
    keys = [FeatureTable.open(one, IMAGE_ENCODER).keys().to_pylist() for one in projects]
    return {
        "nodes": 3,
        "products": count,
        "killed_after": killed,
        "seconds": round(seconds, 1),
        "difference": difference("encode", "cluster", folder),
        "lost": len(set(keys[0]) - set(keys[1])),
        "doubled": len(keys[1]) - len(set(keys[1])),
    }


if __name__ == "__main__":
    main()
