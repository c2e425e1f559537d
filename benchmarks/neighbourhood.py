"""Big pools: nearest neighbours, and a leaf's next page from the whole pool or around the leaf.

Pools of generated vectors, 256-d float32 in 2,000 clusters, are written as embedding sets with
their indexes and memory-mapped. Ten clusters that are a little alike make a leaf, from 17% of the
pool (the most frequent) down to 0.09%. Of each pool:

- ``nearest``: one exact query, and the source ``nearest`` with one positive, beside one NumPy
  matrix-vector product over the same vectors, in alternating repetitions; then single queries to
  the index, and its recall.
- ``page``: a decision arrives at a leaf of 500 labels, its logistic regression is fitted again,
  the neighbourhood or the whole pool is scored, and a page of 50 made. The first page after
  opening knows no neighbour yet. ``peak_gb`` is the most that was resident, mapped pages
  included, in a process that does nothing else.
- ``found``, up to a million products: pages of 20 for the rarest leaves, answered by an oracle,
  from one positive and one negative on. Positives and islands (clusters of the leaf) found, and
  the share kept of the positives among the whole pool's 50 surest products.

    python benchmarks/neighbourhood.py --products 200000 1000000
    python benchmarks/neighbourhood.py --products 200000 1000000 10000000 --plot cost.png

Ten million products take 13 GB of disk, given back at the end. Prints one JSON object.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from productnet.embeddings.sets import EmbeddingSet, build_index, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.local.ask import Ask
from productnet.local.registry import DEFAULT
from productnet.retrieval.active import Active, answers
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.neighbourhood import Neighbourhoods
from productnet.retrieval.page import next_page
from productnet.retrieval.resources import Resources
from productnet.settings import CandidateSettings, Project, Settings
from productnet.taxonomy.tree import Category

DIMENSION = 256
LEAVES, ISLANDS = 200, 10
BLOCK = 65_536

# The cosine of a cluster's centre with its leaf's, and of a product with its cluster's centre.
ISLAND_COSINE = 0.5
PRODUCT_COSINE = 0.7

LABELS, PAGE = 500, 50
QUERIES, NEIGHBOURS = 1_000, 10
ORACLE_PAGE = 20
MOST_FOR_ORACLE = 1_000_000

WHOLE, AROUND = "whole pool", "neighbourhood"

# In pools of a million, some 500 neighbours of each positive reach all of a rare leaf. Few of them,
# which stay few when all are decided, show what products by chance are worth where they do not.
FEW, FEW_WITHOUT_CHANCE = "25 neighbours", "25 neighbours, few by chance"
SPARSE = {
    FEW: {"each": 25, "most": 25, "outside": 1_000},
    FEW_WITHOUT_CHANCE: {"each": 25, "most": 25, "outside": 100},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=5, help="leaves the oracle labels")
    parser.add_argument("--pages", type=int, default=45, help="pages of each the oracle answers")
    parser.add_argument("--folder", type=Path, help="where pools are written for the time being")
    parser.add_argument("--plot", type=Path, help="draw cost against pool size into this file")
    arguments = parser.parse_args()

    pools = []
    for products in arguments.products:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            pools.append(measure(Path(folder) / "clusters", products, arguments))
    if arguments.plot:
        plot(pools, arguments.plot)
    print(json.dumps({"cores": os.cpu_count(), "labels": LABELS, "page": PAGE, "pools": pools}))


def measure(path: Path, products: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Every figure of one pool."""
    needed = products * (5 * DIMENSION + 64)
    if shutil.disk_usage(path.parent).free < needed:
        sys.exit(f"{products} products need {needed / 1e9:.0f} GB of disk. Name another --folder.")
    figures: dict[str, Any] = {"products": products}
    figures["write"] = apart(write, path, products)
    figures["index"] = apart(index, path)
    figures["nearest"] = apart(nearest, path, arguments.repetitions)
    figures[f"page, {AROUND}"] = apart(pages, path, AROUND, arguments.repetitions)
    # A pool of ten million takes seconds each time.
    most = arguments.repetitions if products <= MOST_FOR_ORACLE else 10
    figures[f"page, {WHOLE}"] = apart(pages, path, WHOLE, most)
    if products <= MOST_FOR_ORACLE:
        figures["found"] = apart(found, path, arguments.leaves, arguments.pages)
    return figures


def apart(step: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """The figures of a step in a process of its own, whose memory is nobody else's."""
    print(step.__name__, *arguments[1:], file=sys.stderr)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(watched, step, *arguments).result()


def watched(step: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    start = time.perf_counter()
    figures = step(*arguments)
    figures["seconds"] = round(time.perf_counter() - start, 1)
    figures["peak_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2)
    return figures


def write(path: Path, products: int) -> dict[str, Any]:
    ids = pa.array(np.arange(products)).cast(pa.string())
    stamp = Stamp(path.name, "generated", DIMENSION, products, 1, None, 0, "2026-11-01")
    write_embedding_set(path, ids=ids, vectors=clusters(products), stamp=stamp)
    return {}


def index(path: Path) -> dict[str, Any]:
    build_index(EmbeddingSet.open(path))
    return {"gb": round((path / "index" / "index.faiss").stat().st_size / 1024**3, 2)}


def nearest(path: Path, repetitions: int) -> dict[str, Any]:
    embeddings = EmbeddingSet.open(path)
    vectors = embeddings.vectors
    rng = np.random.default_rng(0)
    queries = embeddings.read(np.sort(rng.choice(len(vectors), QUERIES, replace=False)))
    pool = resources(embeddings, WHOLE)
    leaf = leaf_of([0], [])
    ways: dict[str, Callable[[], object]] = {
        "matrix_vector": lambda: vectors @ queries[0],
        "exact": lambda: embeddings.nearest(queries[:1], k=PAGE, exact=True),
        "source": lambda: Nearest().rank(leaf, pool, count=PAGE, rng=rng),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + repetitions // 5):
        for name, run in ways.items():
            times[name].append(timed(run))
    median = {name: float(np.median(each[1:])) for name, each in times.items()}
    embeddings.nearest(queries[:1], k=NEIGHBOURS)
    single = [timed(partial(embeddings.nearest, one, k=NEIGHBOURS)) for one in queries[:, None]]
    some = queries[:300]
    approximate, _ = embeddings.nearest(some, k=NEIGHBOURS)
    exact, _ = embeddings.nearest(some, k=NEIGHBOURS, exact=True)
    hits = sum(len(set(a) & set(b)) for a, b in zip(approximate, exact, strict=True))
    return {
        **{f"{name}_ms": round(time, 1) for name, time in median.items()},
        "exact_ratio": round(median["exact"] / median["matrix_vector"], 2),
        "source_ratio": round(median["source"] / median["matrix_vector"], 2),
        "approximate": percentiles(single),
        "recall_at_10": round(hits / exact.size, 4),
    }


def pages(path: Path, way: str, repetitions: int) -> dict[str, Any]:
    """Each repetition has one decision more than the one before; the last has ``LABELS``."""
    embeddings = EmbeddingSet.open(path)
    pool = resources(embeddings, way)
    rng = np.random.default_rng(0)
    belongs = kinds(len(embeddings)) // ISLANDS == LEAVES // 2
    yes = rng.permutation(np.flatnonzero(belongs))[: LABELS // 2]
    no = rng.permutation(np.flatnonzero(~belongs))[: LABELS - len(yes)]
    told = rng.permutation(np.concatenate([yes, no]))

    def leaf(labels: int) -> Leaf:
        some = told[:labels]
        return leaf_of(some[belongs[some]], some[~belongs[some]])

    def page(labels: int) -> float:
        known = leaf(labels)
        return timed(lambda: next_page(Active(), known, pool, count=PAGE, rng=rng))

    load_scikit_learn()
    first = page(LABELS - repetitions)
    times = [page(labels) for labels in range(LABELS - repetitions + 1, LABELS + 1)]
    scored = pool.scorer(leaf(LABELS), pool, model=DEFAULT)
    assert scored is not None
    return {"first_ms": round(first), **percentiles(times), "scored": len(scored.scores)}


def found(path: Path, leaves: int, count: int) -> dict[str, Any]:
    embeddings = EmbeddingSet.open(path)
    figures: dict[str, Any] = {}
    for way in (WHOLE, AROUND, FEW, FEW_WITHOUT_CHANCE):
        rarest = range(LEAVES - leaves, LEAVES)
        runs = [label(embeddings, leaf, way=way, count=count) for leaf in rarest]
        figures[way] = {name: round(np.mean([run[name] for run in runs]), 3) for name in runs[0]}
    return figures


def label(embeddings: EmbeddingSet, leaf: int, *, way: str, count: int) -> dict[str, float]:
    """What an oracle has found after so many pages of the local model's surest products."""
    pool, whole = resources(embeddings, way), resources(embeddings, WHOLE)
    kind = kinds(len(embeddings))
    belongs = kind // ISLANDS == leaf
    rng = np.random.default_rng(leaf)
    yes = [int(rng.choice(np.flatnonzero(belongs)))]
    no = [int(rng.choice(np.flatnonzero(~belongs)))]
    kept = []
    for number in range(count):
        known = leaf_of(yes, no)
        page = next_page(Active(), known, pool, count=ORACLE_PAGE, rng=rng)
        right = (
            {one for one in surest(known, whole) if belongs[int(one)]} if number % 5 == 0 else set()
        )
        if right:
            kept.append(len(right & surest(known, pool)) / len(right))
        for row in (int(candidate.product) for candidate in page):
            (yes if belongs[row] else no).append(row)
    islands = len(set(kind[yes].tolist()))
    return {"positives": len(yes) - 1, "islands": islands, "surest_kept": float(np.mean(kept))}


def surest(leaf: Leaf, pool: Resources) -> set[str]:
    scored = pool.scorer(leaf, pool, model=DEFAULT)
    assert scored is not None
    best = answers(scored, Ask.POSITIVES, leaf, pool, count=PAGE)
    return {candidate.product for candidate in best}


class Untitled(Resources):
    """Vectors without a pool: every product is called by its id."""

    def titles(self, products: Collection[str]) -> dict[str, str]:
        """The ids."""
        return {product: product for product in products}


def resources(embeddings: EmbeddingSet, way: str) -> Resources:
    exact_up_to = len(embeddings) if way == WHOLE else 1
    settings = Settings(candidates=CandidateSettings(exact_up_to=exact_up_to))
    pool = Untitled(Project(embeddings.path, settings))
    pool.embeddings = embeddings
    pool.ids = embeddings.ids
    if way in SPARSE:
        pool.neighbourhoods = Neighbourhoods(embeddings, **SPARSE[way])
    return pool


def leaf_of(positives: Sequence[int], negatives: Sequence[int]) -> Leaf:
    """A leaf with these rows, whose numbers are their products' ids."""
    yes, no = [str(row) for row in positives], [str(row) for row in negatives]
    return Leaf(Category("leaf", ("Leaf",)), yes, no, frozenset([*yes, *no]))


def clusters(products: int) -> Iterator[np.ndarray]:
    """The pool's vectors, in blocks (n, D)."""
    rng = np.random.default_rng(0)
    leaves, islands = unit(rng, LEAVES, 1, DIMENSION), unit(rng, LEAVES, ISLANDS, DIMENSION)
    centres = blend(ISLAND_COSINE, leaves, islands).reshape(-1, DIMENSION)
    kind = kinds(products)
    for start in range(0, products, BLOCK):
        of = kind[start : start + BLOCK]
        yield blend(PRODUCT_COSINE, centres[of], unit(rng, len(of), DIMENSION))


def kinds(products: int) -> np.ndarray:
    """The cluster of each product (N,); the n-th leaf has 1/n of the first one's products."""
    shares = np.repeat(1 / np.arange(1, LEAVES + 1), ISLANDS)
    rng = np.random.default_rng(1)
    chosen: np.ndarray = rng.choice(len(shares), products, p=shares / shares.sum())
    return chosen.astype(np.int16)


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    drawn = rng.standard_normal(shape, np.float32)
    scaled: np.ndarray = drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)
    return scaled


def blend(cosine: float, towards: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Vectors of about this cosine with the first ones."""
    blended: np.ndarray = np.float32(cosine) * towards + np.float32(np.sqrt(1 - cosine**2)) * own
    return blended


def timed(run: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    run()
    return 1_000 * (time.perf_counter() - start)


def percentiles(times: Sequence[float]) -> dict[str, float]:
    return {f"p{share}_ms": round(float(np.percentile(times, share)), 2) for share in (50, 99)}


def load_scikit_learn() -> None:
    """Importing it takes seconds, once a process."""
    import sklearn.linear_model  # noqa: F401


def plot(pools: Sequence[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    sizes = [pool["products"] for pool in pools]
    for way, marker in ((WHOLE, "s"), (AROUND, "o")):
        of_way = [pool[f"page, {way}"] for pool in pools]
        axes.plot(sizes, [one["p50_ms"] for one in of_way], marker=marker, label=f"{way}, p50")
        axes.plot(
            sizes,
            [one["p99_ms"] for one in of_way],
            marker=marker,
            linestyle=":",
            color=axes.lines[-1].get_color(),
            label=f"{way}, p99",
        )
    axes.set(xscale="log", yscale="log", xlabel="products", ylabel="milliseconds")
    axes.set_title(f"A page of {PAGE} after a decision, {LABELS} labels")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
