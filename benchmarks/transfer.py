"""What a trained body is worth for another target: labels, yes or no, or a number.

A master learns the categories of a real set (fashion: article types; mwpd: the first level) from
three quarters of its products. Then another target is learnt from a few of these: fashion's
gender, colour, usage, and whether a product is black; mwpd's third level; flipkart's brand. All
are tested on the last quarter, title groups kept whole.

    finetune  MasterModel.finetune: the whole body, or its encoders, as a short trial says
    scratch   the same preset trained on these few products alone
    linear    logistic regression on the body's embedding as it is, C = 1, 10 and 100

    python -m benchmarks.transfer --work ../transfer --sets fashion mwpd --seeds 5

PRODUCTNET_DATA names the folder of the real sets (default ../shared/data). Progress is told on
stderr; the last line printed is one JSON object. ``--plot FILE`` draws the learning curves.
"""

import argparse
import gzip
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from benchmarks.candidates.pools import prepare
from productnet.catalog.pool import Pool
from productnet.evaluation.reference import read_reference
from productnet.master.model import MasterModel
from productnet.master.sources import PoolPart
from productnet.release.groups import pool_groups
from productnet.release.splits import Side, sides_by_group
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

TEST_SHARE = 0.25
# A label of fewer products in all is left out.
FEWEST = 40
STRENGTHS = (1.0, 10.0, 100.0)

# Product id to label.
Labels = Mapping[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where projects are prepared")
    parser.add_argument("--sets", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--targets", nargs="+", help="some of the targets [default: all]")
    parser.add_argument("--labels", type=int, nargs="+", default=[4, 8, 16, 32])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.3], help="of the body")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")).resolve()
    report: dict[str, object] = {"benchmark": "transfer"}
    for name in arguments.sets:
        project = prepare(name, data=data, folder=arguments.work / "projects")
        targets = TARGETS[name](data)
        if arguments.targets:
            targets = {one: targets[one] for one in arguments.targets if one in targets}
        runs = [
            run
            for seed in range(arguments.seeds)
            for run in one_seed(project, targets, arguments.labels, arguments.rates, seed=seed)
        ]
        report[name] = summary(runs)
    if arguments.plot:
        draw(report, arguments.plot)
    print(json.dumps(report))


def one_seed(
    project: Project,
    targets: Mapping[str, Labels],
    sizes: Sequence[int],
    rates: Sequence[float],
    *,
    seed: int,
) -> list[dict[str, object]]:
    """Every target and number of labels with one split and one body."""
    taxonomy = Taxonomy.load(project.taxonomy_path)
    truth = read_reference(project, taxonomy)
    if project.root.name == "mwpd":  # the body knows the first level only
        truth = {product: taxonomy[leaf].path[0] for product, leaf in truth.items()}
    groups = pool_groups(Pool.open(project.pool_path), truth)
    sides = sides_by_group(truth, groups, test_share=TEST_SHARE, seed=seed)
    train = {product: leaf for product, leaf in truth.items() if sides[product] is Side.TRAIN}
    body = MasterModel("fast", seed=seed).fit(project, train)
    runs: list[dict[str, object]] = []
    for target, labels in targets.items():
        common = {label for label, count in Counter(labels.values()).items() if count >= FEWEST}
        known = {p: one for p, one in labels.items() if one in common and p in sides}
        test = {p: one for p, one in known.items() if sides[p] is Side.TEST}
        for size in sizes:
            few = draw_few(known, train, size, seed=seed)
            for contender, predicted, seconds in compete(
                project, body, few, list(test), rates, seed=seed
            ):
                wanted = list(test.values())
                run = {
                    "target": target,
                    "labels": size,
                    "contender": contender,
                    "seed": seed,
                    "accuracy": float(np.mean(np.array(wanted) == np.array(predicted))),
                    "macro_f1": float(
                        f1_score(wanted, predicted, average="macro", zero_division=0)
                    ),
                    "seconds": seconds,
                }
                runs.append(run)
                print(json.dumps(run), file=sys.stderr)
    return runs


def draw_few(known: Labels, train: Labels, size: int, *, seed: int) -> dict[str, str]:
    """So many training products of each label."""
    rng = np.random.default_rng([seed, size])
    few: dict[str, str] = {}
    for label in sorted(set(known.values())):
        products = sorted(p for p, one in known.items() if one == label and p in train)
        for product in rng.permutation(products)[:size]:
            few[str(product)] = label
    return few


def compete(
    project: Project,
    body: MasterModel,
    few: Labels,
    test: Sequence[str],
    rates: Sequence[float],
    *,
    seed: int,
) -> list[tuple[str, list[str], float]]:
    """What each contender says of the test products, and the seconds it learnt for."""
    asked, found = PoolPart(project, test), []
    for rate in rates:
        began = time.perf_counter()
        tuned = body.finetune(project, few, kind="labels", body_rate=rate, seed=seed)
        seconds = time.perf_counter() - began
        name = "finetune" if len(rates) == 1 else f"finetune {rate:g}"
        found.append((name, tuned.predict(asked), seconds))
    began = time.perf_counter()
    scratch = MasterModel("fast", seed=seed).fit(project, few)
    found.append(("scratch", scratch.predict(asked), time.perf_counter() - began))
    vectors, others = body.encode(PoolPart(project, list(few))), body.encode(asked)
    for strength in STRENGTHS:
        began = time.perf_counter()
        linear = LogisticRegression(C=strength, max_iter=2_000).fit(vectors, list(few.values()))
        said = [str(one) for one in linear.predict(others)]
        found.append((f"linear C={strength:g}", said, time.perf_counter() - began))
    return found


def summary(runs: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Means and standard deviations over seeds."""
    keys = sorted({(str(r["target"]), int(str(r["labels"])), str(r["contender"])) for r in runs})
    rows: list[dict[str, object]] = []
    for target, size, contender in keys:
        own = [
            run
            for run in runs
            if (run["target"], run["labels"], run["contender"]) == (target, size, contender)
        ]
        row: dict[str, object] = {"target": target, "labels": size, "contender": contender}
        for measure in ("accuracy", "macro_f1", "seconds"):
            values = [float(str(run[measure])) for run in own]
            row[measure] = round(mean(values), 4)
            row[f"{measure}_sd"] = round(stdev(values), 4) if len(values) > 1 else None
        rows.append(row)
    return rows


def fashion(data: Path) -> dict[str, Labels]:
    """Gender, colour, usage, and whether a product is black."""
    table = pq.read_table(data / "fashion/products.parquet")
    ids = [str(one) for one in table["id"].to_pylist()]
    columns = {
        name: {p: one for p, one in zip(ids, table[name].to_pylist(), strict=True) if one}
        for name in ("gender", "colour", "usage")
    }
    black = {p: "yes" if one == "Black" else "no" for p, one in columns["colour"].items()}
    return {**columns, "black": black}


def flipkart(data: Path) -> dict[str, Labels]:
    """Brand."""
    table = pa_csv(data / "flipkart/products.csv")
    pairs = zip(table["id"].to_pylist(), table["brand"].to_pylist(), strict=True)
    return {"brand": {str(p): one for p, one in pairs if one}}


def mwpd(data: Path) -> dict[str, Labels]:
    """The third level of the category path."""
    with gzip.open(data / "mwpd/products.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {"level 3": {str(row["id"]): row["category"] for row in rows if row.get("category")}}


def pa_csv(file: Path) -> pa.Table:
    """A CSV file whose texts may hold line breaks."""
    options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(file, parse_options=options)


def draw(report: Mapping[str, object], file: Path) -> None:
    """Macro F1 against labels, a panel a target."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    panels = [
        (name, target, [row for row in rows if row["target"] == target])
        for name, rows in report.items()
        if isinstance(rows, list)
        for target in sorted({row["target"] for row in rows})
    ]
    figure, axes = pyplot.subplots(1, len(panels), figsize=(3.4 * len(panels), 3.2), squeeze=False)
    for axis, (name, target, rows) in zip(axes[0], panels, strict=True):
        for contender in sorted({row["contender"] for row in rows}):
            own = [row for row in rows if row["contender"] == contender]
            axis.errorbar(
                [row["labels"] for row in own],
                [row["macro_f1"] for row in own],
                yerr=[row["macro_f1_sd"] or 0 for row in own],
                label=contender,
                capsize=2,
            )
        axis.set(title=f"{name}: {target}", xlabel="products a label", xscale="log")
        axis.set_xticks(sorted({row["labels"] for row in rows}))
        axis.get_xaxis().set_major_formatter(mpl.ticker.ScalarFormatter())
    axes[0][0].set_ylabel("macro F1")
    axes[0][-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=120)


TARGETS = {"fashion": fashion, "flipkart": flipkart, "mwpd": mwpd}

if __name__ == "__main__":
    main()
