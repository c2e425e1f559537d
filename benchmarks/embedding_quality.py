"""Retrieval by the embedding, at every dimension, beside the encoders that start the loop.

Of each real set a quarter of the leaves is unknown to the master, which learns the others from
three quarters of their products. Then products of known leaves that were set aside look for one
another, and so do all products of unknown leaves: *recall@k* is the share of products that have
one of their own leaf among the k nearest, *MAP* the mean average precision of all products of the
leaf over the whole ranking (Manning et al. 2008, section 8.4).

    nested    one model, trained for 64, 128, 256 and 512 dimensions at once, cut off
    plain     one model of 512 dimensions, trained for these alone, and cut off all the same
    single    a model for each dimension (with --single)
    initial   what the loop starts from: the pretrained encoders joined, and each by itself

    python -m benchmarks.embedding_quality --work ../embedding-quality --seeds 5 --plot map.png

PRODUCTNET_DATA names the folder of the real sets (default ../shared/data). Progress is told on
stderr; the last line printed is one JSON object.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from benchmarks.candidates.pools import POOLS, prepare
from productnet.catalog.pool import Pool
from productnet.embeddings.initial import NAME
from productnet.embeddings.sets import EmbeddingSet
from productnet.encoders.features import open_features
from productnet.evaluation.reference import read_reference
from productnet.master.model import MasterModel
from productnet.master.sources import PoolPart
from productnet.release.groups import pool_groups
from productnet.release.splits import Side, sides_by_group
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

TEST_SHARE = 0.25
UNSEEN = 0.25
DIMENSIONS = (64, 128, 256, 512)
AT = (1, 10)
# Products that look for others at most, so that a set of thousands takes seconds.
MOST = 3_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where projects are prepared")
    parser.add_argument("--sets", nargs="+", choices=list(POOLS), default=["masked", "mwpd"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--single", action="store_true", help="a model for each dimension, too")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")).resolve()
    report: dict[str, object] = {"benchmark": "embedding_quality", "preset": arguments.preset}
    for name in arguments.sets:
        project = prepare(name, data=data, folder=arguments.work / "projects")
        rows = []
        for seed in range(arguments.seeds):
            for row in one_seed(project, arguments.preset, single=arguments.single, seed=seed):
                rows.append({**row, "seed": seed})
                print(json.dumps({"set": name, **rows[-1]}), file=sys.stderr)
        report[name] = summary(rows)
    if arguments.plot:
        draw(report, arguments.plot)
    print(json.dumps(report))


def one_seed(
    project: Project, preset: str, *, single: bool, seed: int
) -> Iterator[dict[str, object]]:
    """Every contender on one split of products and leaves."""
    truth = read_reference(project, Taxonomy.load(project.taxonomy_path))
    pool = Pool.open(project.pool_path)
    sides = sides_by_group(truth, pool_groups(pool, truth), test_share=TEST_SHARE, seed=seed)
    rng = np.random.default_rng(seed)
    leaves = sorted(set(truth.values()))
    unseen = set(rng.permutation(leaves)[: round(UNSEEN * len(leaves))])
    train = {p: one for p, one in truth.items() if one not in unseen and sides[p] is Side.TRAIN}
    asked = {
        "seen": [p for p, one in truth.items() if one not in unseen and sides[p] is Side.TEST],
        "unseen": [p for p, one in truth.items() if one in unseen],
    }
    asked = {
        group: sorted(str(p) for p in rng.permutation(products)[:MOST])
        for group, products in asked.items()
    }
    place = {product: row for row, product in enumerate(pool.ids().to_pylist())}

    def rows(contender: str, vectors: Mapping[str, np.ndarray], seconds: float) -> Iterator[dict]:
        for group, found in vectors.items():
            labels = np.array([truth[product] for product in asked[group]])
            yield {
                "contender": contender,
                "dimension": found.shape[1],
                "leaves": group,
                **retrieval(found, labels),
                "train_seconds": round(seconds, 2),
            }

    for name, matrix in initial(project).items():
        own = {g: matrix[[place[p] for p in products]] for g, products in asked.items()}
        yield from rows(name, own, 0.0)
    trained = [("nested", DIMENSIONS[-1], DIMENSIONS[:-1]), ("plain", DIMENSIONS[-1], ())]
    if single:
        trained += [("single", dimension, ()) for dimension in DIMENSIONS[:-1]]
    for name, dimension, nested in trained:
        began = time.perf_counter()
        model = MasterModel(preset, dimension=dimension, nested=nested, seed=seed)
        model.fit(project, train)
        seconds = time.perf_counter() - began
        whole = {g: model.encode(PoolPart(project, products)) for g, products in asked.items()}
        cuts = [dimension] if name == "single" else DIMENSIONS
        for cut in cuts:
            yield from rows(name, {g: unit(one[:, :cut]) for g, one in whole.items()}, seconds)


def initial(project: Project) -> dict[str, np.ndarray]:
    """The initial embedding set of the whole pool, and its encoders' own features."""
    found = {"initial": np.asarray(EmbeddingSet.open(project.embeddings_path / NAME).vectors)}
    encoders = project.settings.encoders
    for modality, encoder in (("image", encoders.image), ("text", encoders.text)):
        features = open_features(project, encoder, modality=modality)  # type: ignore[arg-type]
        if features.present.any():
            values = features.take(np.arange(len(features.present)))
            found[f"initial {encoder}"] = unit(np.asarray(values))
    return found


def retrieval(vectors: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Recall@k and MAP of products (N, D) that look for others of their label among each other.

    Products that are the only ones of their label look for nobody.
    """
    likeness = vectors @ vectors.T  # (N, N)
    np.fill_diagonal(likeness, -np.inf)
    order = np.argsort(-likeness, axis=1, kind="stable")[:, :-1]  # (N, N - 1)
    right = labels[order] == labels[:, None]
    right = right[right.any(axis=1)]
    ranks = np.arange(1, right.shape[1] + 1)
    precision = np.cumsum(right, axis=1) / ranks
    average = (precision * right).sum(axis=1) / right.sum(axis=1)
    recalls = {f"recall@{k}": float(right[:, :k].any(axis=1).mean()) for k in AT}
    return {**recalls, "map": float(average.mean())}


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row of zeros stays."""
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    return scaled


def summary(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Means and standard deviations over seeds."""
    keys = sorted({(r["leaves"], r["contender"], r["dimension"]) for r in rows}, key=str)
    found: list[dict[str, object]] = []
    for leaves, contender, dimension in keys:
        own = [
            row
            for row in rows
            if (row["leaves"], row["contender"], row["dimension"]) == (leaves, contender, dimension)
        ]
        one: dict[str, object] = {
            "leaves": leaves,
            "contender": contender,
            "dimension": dimension,
        }
        for measure in (*(f"recall@{k}" for k in AT), "map", "train_seconds"):
            values = [float(str(row[measure])) for row in own]
            one[measure] = round(mean(values), 4)
            one[f"{measure}_sd"] = round(stdev(values), 4) if len(values) > 1 else None
        found.append(one)
    return found


def draw(report: Mapping[str, object], file: Path) -> None:
    """MAP against dimension, a panel a set and kind of leaf."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    panels = [
        (name, leaves, [row for row in rows if row["leaves"] == leaves])
        for name, rows in report.items()
        if isinstance(rows, list)
        for leaves in ("seen", "unseen")
    ]
    figure, axes = pyplot.subplots(1, len(panels), figsize=(3.4 * len(panels), 3.2), squeeze=False)
    for axis, (name, leaves, rows) in zip(axes[0], panels, strict=True):
        for contender in sorted({str(row["contender"]) for row in rows}):
            own = sorted(
                (row for row in rows if row["contender"] == contender),
                key=lambda row: int(row["dimension"]),
            )
            sizes, values = [r["dimension"] for r in own], [r["map"] for r in own]
            if len(own) == 1:
                axis.axhline(values[0], label=f"{contender} ({sizes[0]})", ls="--", lw=1, c="grey")
            else:
                axis.plot(sizes, values, marker="o", label=contender)
        axis.set(title=f"{name}, {leaves} leaves", xlabel="dimensions", xscale="log", ylim=(0, 1))
        axis.set_xticks(DIMENSIONS, [str(one) for one in DIMENSIONS])
        axis.minorticks_off()
    axes[0][0].set_ylabel("MAP of same-leaf neighbours")
    axes[0][-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
