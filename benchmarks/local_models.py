"""What a page of the local model costs: refit, score the pool, pick 50, beside scikit-learn's own.

Ours is what an annotator waits for: ``next_page`` of the source ``active`` in a project, from the
decisions to the cards. The plain library is scikit-learn as it comes, ``fit`` on the same
labelled rows and ``predict_proba`` of the same memory-mapped matrix, without picking anything.
They take turns. Vectors are generated: 2,000 clusters on the unit sphere. A leaf is forty
clusters, 2% of the pool; a fifth of its labels are positive, and every repetition has other
labels. First the pool grows, then the labels. Products have no text unless ``--words`` gives
them some, which a page then reads beside the vectors. The last line printed is one JSON object; a
ratio is our median over scikit-learn's.

    python benchmarks/local_models.py --plot local-models.png
    python benchmarks/local_models.py --sizes 200000 1000000 --labels 500 --words 20
"""

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.exceptions import ConvergenceWarning

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.active import Active as InUse
from productnet.embeddings.active import activate
from productnet.embeddings.initial import NAME
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.local.model import Floats, Rows
from productnet.local.registry import LOCAL_MODELS
from productnet.retrieval.active import Active
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.page import next_page
from productnet.retrieval.resources import Resources
from productnet.settings import CatalogSettings, Project, Settings
from productnet.taxonomy.tree import Category

CLUSTERS = 2_000
CLUSTERS_OF_LEAF = 40
DIMENSION = 256
PAGE = 50
BLOCK = 50_000

Figures = dict[str, dict[str, float]]


def main() -> None:
    """Measure, print, plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = [10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes, help="products of the pool")
    labels = [10, 30, 100, 300, 1_000, 3_000, 10_000]
    parser.add_argument("--labels", type=int, nargs="+", default=labels, help="labels of the leaf")
    parser.add_argument("--size", type=int, default=200_000, help="pool while labels grow")
    parser.add_argument("--label", type=int, default=500, help="labels while the pool grows")
    parser.add_argument("--repetitions", type=int, default=100, help="pages; p99 needs many")
    parser.add_argument("--plain", type=int, default=10, help="of them beside scikit-learn's own")
    parser.add_argument("--words", type=int, default=0, help="words of a product's title")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, help="picture to write")
    arguments = parser.parse_args()
    # scikit-learn's perceptron stops after 200 epochs, as it comes.
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    by_size: dict[int, Figures] = {}
    by_labels: dict[int, Figures] = {}
    for size in sorted({*arguments.sizes, arguments.size}):
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder), size, words=arguments.words, seed=arguments.seed)
            measured = (arguments.repetitions, arguments.plain)
            if size in arguments.sizes:
                by_size[size] = bench.measure(arguments.label, *measured)
            if size == arguments.size:
                by_labels = {count: bench.measure(count, *measured) for count in arguments.labels}
    if arguments.plot:
        panels = {
            (f"{arguments.label:,} labels", "products in the pool"): by_size,
            (f"{arguments.size:,} products", "labels of the leaf"): by_labels,
        }
        plot(arguments.plot, panels)
    report = {"benchmark": "local models", "dimension": DIMENSION, "page": PAGE}
    print(json.dumps(report | {"by_size": by_size, "by_labels": by_labels}))


class Bench:
    """A generated project, and a leaf of it to be labelled."""

    def __init__(self, folder: Path, size: int, *, words: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._cluster = self._rng.integers(0, CLUSTERS, size)
        settings = Settings(catalog=CatalogSettings(fields=("title",)))
        project = Project.create(folder / "generated", settings)
        ids = [f"product-{row:07}" for row in range(size)]
        pool = Pool.create(project.pool_path, settings.catalog.fields)
        products = self._products(ids, words)
        pool.append(products_to_table(products, settings.catalog.fields))
        stamp = Stamp(NAME, "generated", DIMENSION, size, 1, None, seed, "2026-01-01")
        write_embedding_set(
            project.embeddings_path / stamp.name,
            ids=pa.array(ids),
            vectors=self._vectors(),
            stamp=stamp,
        )
        activate(project, InUse(round=None, embedding_set=stamp.name))
        self._resources = Resources(project)

    def measure(self, count: int, repetitions: int, plain: int) -> Figures:
        """Milliseconds of a page after so many decisions, and of the plain library."""
        figures: Figures = {}
        for name in LOCAL_MODELS:
            ours: list[float] = []
            theirs: list[float] = []
            for repetition in range(-1, repetitions):
                positives, negatives = self._labels(count)
                ours.append(milliseconds(self._page(name, positives, negatives)))
                if repetition < plain:
                    theirs.append(milliseconds(self._plain(name, positives, negatives)))
            # The first of each only warms up.
            p50, p99 = np.percentile(ours[1:], [50, 99])
            usual = np.median(theirs[1:])
            figures[name] = {
                "p50_ms": round(float(p50), 1),
                "p99_ms": round(float(p99), 1),
                "sklearn_p50_ms": round(float(usual), 1),
                "ratio": round(float(p50 / usual), 2),
            }
            print(f"{len(self._cluster):,} products, {count:,} labels, {name}: {figures[name]}")
        return figures

    def _page(self, name: str, positives: Rows, negatives: Rows) -> Callable[[], object]:
        ids = self._resources.embeddings.ids
        yes, no = (ids.take(pa.array(rows)).to_pylist() for rows in (positives, negatives))
        leaf = Leaf(Category("leaf", ("Leaf",)), yes, no, frozenset([*yes, *no]))
        rng = np.random.default_rng(0)
        source = Active(model=name)
        return lambda: next_page(source, leaf, self._resources, count=PAGE, rng=rng)

    def _plain(self, name: str, positives: Rows, negatives: Rows) -> Callable[[], object]:
        vectors = self._resources.embeddings.vectors
        rows = np.concatenate([positives, negatives])
        labels = np.arange(len(rows)) < len(positives)
        return lambda: plain_model(name).fit(vectors[rows], labels).predict_proba(vectors)

    def _labels(self, count: int) -> tuple[Rows, Rows]:
        """Rows of positives and of negatives, one to four."""
        inside = self._cluster < CLUSTERS_OF_LEAF
        positives = min(max(count // 5, 1), int(np.count_nonzero(inside)))
        drawn = self._rng.permutation(len(inside))
        return drawn[inside[drawn]][:positives], drawn[~inside[drawn]][: count - positives]

    def _products(self, ids: list[str], words: int) -> list[Product]:
        """Titles of words drawn as in language, one of them of the cluster; none of no words."""
        ranks = self._rng.zipf(1.3, (len(ids), words)).clip(max=30_000)
        titles = (
            " ".join([f"kind{cluster}", *(f"word{rank}" for rank in drawn[1:])])
            for cluster, drawn in zip(self._cluster, ranks, strict=True)
        )
        return [
            Product(id, {"title": title} if words else {}, fingerprint=b"12345678")
            for id, title in zip(ids, titles, strict=True)
        ]

    def _vectors(self) -> Iterator[Floats]:
        """Around their cluster's centre; the embedding set scales them to length one."""
        centres = self._rng.standard_normal((CLUSTERS, DIMENSION), np.float32)
        for start in range(0, len(self._cluster), BLOCK):
            block = centres[self._cluster[start : start + BLOCK]]
            yield block + 0.7 * self._rng.standard_normal(block.shape, np.float32)


def plain_model(name: str) -> Any:
    """scikit-learn's own classifier of this kind."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neural_network import MLPClassifier

    return {
        "logistic-regression": LogisticRegression,
        "naive-bayes": GaussianNB,
        "mlp": lambda: MLPClassifier(64, random_state=0),
    }[name]()


def milliseconds(work: Callable[[], object]) -> float:
    """How long one piece of work takes."""
    start = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - start)


def plot(path: Path, panels: dict[tuple[str, str], dict[int, Figures]]) -> None:
    """A panel of cost against each thing that grows; its title says what does not.

    Bands reach from p50 to p99; dotted lines are scikit-learn's.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D

    figure, axes = plt.subplots(
        1, len(panels), figsize=(11, 4.2), layout="constrained", sharey=True, squeeze=False
    )
    for axis, ((title, grows), measured) in zip(axes[0], panels.items(), strict=True):
        for number, name in enumerate(LOCAL_MODELS):
            ours, slowest, plain = (
                [figures[name][key] for figures in measured.values()]
                for key in ("p50_ms", "p99_ms", "sklearn_p50_ms")
            )
            colour, sizes = f"C{number}", list(measured)
            axis.plot(sizes, ours, "o-", color=colour, markersize=4, linewidth=2.2, label=name)
            axis.fill_between(sizes, ours, slowest, color=colour, alpha=0.2, linewidth=0)
            axis.plot(sizes, plain, ":", color=colour)
        axis.set(title=title, xscale="log", yscale="log", xlabel=grows)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("milliseconds a page")
    lines, names = axes[0][0].get_legend_handles_labels()
    dotted = Line2D([], [], linestyle=":", color="0.4")
    figure.legend(
        [*lines, dotted],
        [*names, "scikit-learn's own, without picking"],
        loc="outside upper center",
        ncols=4,
        fontsize=8,
        frameon=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    main()
