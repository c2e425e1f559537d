"""Planted errors: what inspections find of them, and what else they take for one.

Labels of real sets are flipped, at random or to a leaf that is like the true one, and the suspects
are counted among the first tenth, beside logistic regression as anybody would run it and, where
``--cleanlab`` names a Python that has it, beside cleanlab's rankings of the same products. Copies,
broken fields, brand variants, merged leaves and cut leaves are planted, too.

    python -m benchmarks.planted_errors --work ../planted --cleanlab peers/bin/python

Prints one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import numpy.typing as npt

from benchmarks import near_duplicates as planted_copies
from benchmarks.candidates.pools import prepare
from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.state import State
from productnet.catalog.images import load_image
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.catalog.store.faults import StoreNoise
from productnet.catalog.store.leaves import store_taxonomy
from productnet.catalog.store.stream import generate_products
from productnet.embeddings.initial import initial_set
from productnet.embeddings.near_duplicates import read_near_duplicates
from productnet.errors import UsageError
from productnet.evaluation.reference import read_reference
from productnet.evaluation.suspects import judge_gold
from productnet.inspection.flaws import Flaw
from productnet.inspection.registry import INSPECTIONS
from productnet.inspection.subject import Subject
from productnet.progress import SILENT
from productnet.settings import PAPER_FIELDS, Project, Settings
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Taxonomy

SETS = ("flipkart", "fashion", "masked")
FEWEST_PRODUCTS = 10
FLIPPED = 0.05
LOOKED_AT = 0.1
# Leaves that a label may be flipped to where it is flipped to one like its own.
NEAREST = 3
# Share of products that each fault of a field is planted in.
BROKEN = 0.05
# Leaves merged or cut at a time; with more there would be little of the taxonomy left.
LEAVES_CHANGED = 4

Labels = dict[str, str]
Figures = dict[str, float]
Floats = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where projects are prepared")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--products", type=int, default=4_000, help="of the generated shop")
    parser.add_argument("--cleanlab", type=Path, help="a Python that has cleanlab")
    arguments = parser.parse_args()
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")).resolve()
    result: dict[str, object] = {"benchmark": "planted_errors", "seeds": arguments.seeds}
    for name in arguments.sets:
        try:
            project = prepare(name, data=data, folder=arguments.work / "projects")
        except UsageError as reason:
            print(f"{name} is skipped: {reason}", file=sys.stderr)
            result[name] = {"skipped": str(reason)}
            continue
        seeds = range(arguments.seeds)
        result[name] = {
            "uniform": summary([flips(project, seed, arguments.cleanlab) for seed in seeds]),
            "alike": summary(
                [flips(project, seed, arguments.cleanlab, alike=True) for seed in seeds]
            ),
            "leaves": summary([changed_leaves(project, seed) for seed in seeds]),
        }
        print(name, json.dumps(result[name]), file=sys.stderr, flush=True)
    if arguments.products:
        result["copies"] = copies(arguments.products)
        result["fields"] = broken_fields(arguments.products)
    print(json.dumps(result))


def truth_of(project: Project) -> tuple[Labels, Taxonomy]:
    """The labels of leaves with enough products that are embedded."""
    taxonomy = Taxonomy.load(project.taxonomy_path)
    embedded = set(initial_set(project).ids.to_pylist())
    truth = {p: leaf for p, leaf in read_reference(project, taxonomy).items() if p in embedded}
    sizes = Counter(truth.values())
    return {
        p: leaf for p, leaf in sorted(truth.items()) if sizes[leaf] >= FEWEST_PRODUCTS
    }, taxonomy


def flipped(
    project: Project, truth: Labels, taxonomy: Taxonomy, *, seed: int, alike: bool
) -> Labels:
    """The products whose label is flipped, and to what."""
    rng = np.random.default_rng(seed)
    leaves = sorted(set(truth.values()))
    others = like_leaves(project, truth, taxonomy) if alike else dict.fromkeys(leaves, leaves)
    wrong = rng.choice(sorted(truth), round(FLIPPED * len(truth)), replace=False).tolist()
    return {
        product: str(
            rng.choice([leaf for leaf in others[truth[product]] if leaf != truth[product]])
        )
        for product in wrong
    }


def like_leaves(project: Project, truth: Labels, taxonomy: Taxonomy) -> dict[str, list[str]]:
    """The siblings of each leaf and those whose middles are nearest, of the true labels."""
    embeddings = initial_set(project)
    leaves = sorted(set(truth.values()))
    vectors = embeddings.read(embeddings.rows(list(truth)))
    given = np.array(list(truth.values()))
    middles = np.stack([vectors[given == leaf].mean(axis=0) for leaf in leaves])
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    cosines = middles @ middles.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = {
        leaf: [leaves[n] for n in np.argsort(-row)[:NEAREST]]
        for leaf, row in zip(leaves, cosines, strict=True)
    }
    above = {leaf: taxonomy[leaf].path[:-1] for leaf in leaves}
    return {
        leaf: sorted({*nearest[leaf], *near_siblings(leaf, leaves, above, cosines)})
        for leaf in leaves
    }


def near_siblings(
    leaf: str, leaves: Sequence[str], above: Mapping[str, tuple[str, ...]], cosines: Floats
) -> list[str]:
    """The siblings that are nearest."""
    row = cosines[leaves.index(leaf)]
    siblings = [n for n, one in enumerate(leaves) if above[one] == above[leaf] and one != leaf]
    return [leaves[n] for n in sorted(siblings, key=lambda n: -row[n])[:NEAREST]]


def flips(
    project: Project, seed: int, cleanlab: Path | None, *, alike: bool = False, others: bool = True
) -> Figures:
    """Shares of flipped labels among the first tenth of the suspects, by who ranks.

    Args:
        project: A real set.
        seed: Of the flips.
        cleanlab: A Python that has it.
        alike: Whether labels are flipped to leaves that are like their own.
        others: Whether others rank, too.
    """
    truth, taxonomy = truth_of(project)
    wrong = flipped(project, truth, taxonomy, seed=seed, alike=alike)
    labels = truth | wrong
    embeddings = initial_set(project)
    numbers = read_near_duplicates(project).groups_of(list(labels))
    kin = {
        product: int(number) if number >= 0 else -1 - place
        for place, (product, number) in enumerate(zip(labels, numbers, strict=True))
    }
    started = time.perf_counter()
    judged = judge_gold(labels, embeddings, seed=seed, copies=kin)
    assert judged is not None
    ranked = [one.product for one in judged.suspects()]
    figures: Figures = {
        "seconds": time.perf_counter() - started,
        "products": len(labels),
        "flipped": len(wrong),
        "ours": held(ranked, wrong, len(labels)),
        "ours_names_true_leaf": mean(
            one.rather == truth[one.product] for one in judged.suspects() if one.product in wrong
        ),
    }
    if not others:
        return figures
    vectors = embeddings.read(embeddings.rows(list(labels)))
    leaves = sorted(set(labels.values()))
    given = np.array([leaves.index(leaf) for leaf in labels.values()])
    plain = plain_probabilities(vectors, given, seed=seed)
    by_self = np.argsort(plain[np.arange(len(given)), given], kind="stable")
    order = list(labels)
    figures["logistic_regression"] = held([order[n] for n in by_self], wrong, len(labels))
    if cleanlab is not None:
        for name, ranking in rankings_of_cleanlab(cleanlab, plain, given).items():
            figures[f"cleanlab_{name}"] = held([order[n] for n in ranking], wrong, len(labels))
    return figures


def held(ranked: Sequence[str], wrong: Mapping[str, str], count: int) -> float:
    """The share of the wrong ones among the first tenth of all."""
    first = set(ranked[: round(LOOKED_AT * count)])
    return len(first & wrong.keys()) / len(wrong)


def plain_probabilities(vectors: npt.NDArray[np.float32], given: npt.NDArray[np.int64], *, seed: int
) -> Floats:  # fmt: skip
    """Out of fold, by logistic regression as shipped: what cleanlab's manual shows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    model = LogisticRegression(max_iter=200)
    found: Floats = cross_val_predict(model, vectors, given, cv=folds, method="predict_proba")
    return found


_CLEANLAB = """
import json, sys
import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
kept = np.load(sys.argv[1])
labels, said = kept["labels"], kept["said"]
told = {}
for how in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
    scores = get_label_quality_scores(labels, said, method=how)
    told[how] = np.argsort(scores, kind="stable").tolist()
found = find_label_issues(labels, said, return_indices_ranked_by="self_confidence", n_jobs=1)
rest = [row for row in told["self_confidence"] if row not in set(found.tolist())]
told["issues_first"] = [*found.tolist(), *rest]
print(json.dumps(told))
"""


def rankings_of_cleanlab(
    python: Path, said: Floats, given: npt.NDArray[np.int64]
) -> dict[str, list[int]]:
    """Cleanlab's rankings of rows, the likeliest errors first, from these probabilities."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "said.npz"
        np.savez(file, labels=given, said=said)
        done = subprocess.run(
            [str(python), "-c", _CLEANLAB, str(file)], check=True, capture_output=True, text=True
        )
    told: dict[str, list[int]] = json.loads(done.stdout)
    return told


def changed_leaves(project: Project, seed: int) -> Figures:
    """Pairs of leaves merged, and leaves cut in two by chance: which of them are told of."""
    truth, _ = truth_of(project)
    rng = np.random.default_rng(seed)
    sizes = Counter(truth.values())
    large = sorted(leaf for leaf, size in sizes.items() if size >= 3 * FEWEST_PRODUCTS)
    chosen = rng.permutation(large).tolist()
    changed = min(LEAVES_CHANGED, len(chosen) // 2)
    into = dict(zip(chosen[:changed], chosen[changed : 2 * changed], strict=True))
    merged = {product: into.get(leaf, leaf) for product, leaf in truth.items()}
    widest = flaws_of(project, merged, "wide")
    told = {flaw.leaves[0] for flaw in widest}
    untouched = {leaf for leaf in large if leaf not in {*into, *into.values()}}
    # A leaf cut in two by chance: half of it gets the label of another, whose products are left
    # out.
    cut = dict(zip(chosen[:changed], chosen[changed : 2 * changed], strict=True))
    halved = {
        product: cut[leaf] if leaf in cut and rng.random() < 0.5 else leaf
        for product, leaf in truth.items()
        if leaf not in cut.values()
    }
    pairs = {frozenset(flaw.leaves) for flaw in flaws_of(project, halved, "siblings")}
    before = {frozenset(flaw.leaves) for flaw in flaws_of(project, truth, "siblings")}
    return {
        "merged_found": mean(leaf in told for leaf in into.values()),
        "unmerged_told_of": len(told & untouched) / max(len(untouched), 1),
        "cut_found": mean(frozenset(pair) in pairs for pair in cut.items()),
        "pairs_told_of_before": len(before),
    }


def flaws_of(project: Project, labels: Labels, inspection: str) -> list[Flaw]:
    """What an inspection finds where these products are gold."""
    state = State()
    state.apply(
        (seq, decide(Role.IMPORT, product, leaf, verdict=Verdict.POSITIVE, annotator="imported"))
        for seq, (product, leaf) in enumerate(labels.items(), start=1)
    )
    return list(INSPECTIONS[inspection](Subject(project, state=state), SILENT))


def copies(count: int) -> dict[str, object]:
    """Near-duplicates planted in the generated shop: see near_duplicates.py."""
    with tempfile.TemporaryDirectory() as folder:
        project = planted_copies.generated(Path(folder) / "shop", count, seed=0)
        groups, cost = planted_copies.find(project, Path(folder) / "signatures.lance")
        return {**planted_copies.against_planted(project, planted_copies.pairs(groups)), **cost}


Texts = dict[str, str]
Break = Callable[[Texts, np.random.Generator], Texts]


def _garbled(texts: Texts, rng: np.random.Generator) -> Texts:
    wrong = "Café " + texts["title"] + " – naïve"
    return texts | {"title": wrong.encode().decode("cp1252", "replace")}


def _as_list(texts: Texts, rng: np.random.Generator) -> Texts:
    points = ["\n• " + line for line in ("Sturdy", "Easy to clean", "Made to last")]
    left = {name: text for name, text in texts.items() if name != "bullet_points"}
    return left | {"description": texts["description"] + "".join(points)}


def _without(name: str) -> Break:
    return lambda texts, rng: {field: text for field, text in texts.items() if field != name}


def _with(name: str, *values: str) -> Break:
    return lambda texts, rng: texts | {name: str(rng.choice(values))}


def _brand_in_title(texts: Texts, rng: np.random.Generator) -> Texts:
    title = f"{texts['brand']} {texts['title']}"
    return {name: text for name, text in texts.items() if name != "brand"} | {"title": title}


def _respelt(texts: Texts, rng: np.random.Generator) -> Texts:
    brand = texts["brand"]
    ways = (brand.upper(), brand.lower(), f"{brand} Inc.", f"{brand}®", brand.replace(" ", "-"))
    others = [way for way in ways if way != brand]
    return texts | {"brand": str(rng.choice(others))}


def _misspelt(texts: Texts, rng: np.random.Generator) -> Texts:
    brand = texts["brand"]
    at = int(rng.integers(1, len(brand) - 1))
    return texts | {"brand": brand[:at] + brand[at + 1 :]}


# What is planted: the kind that has to be told of, and how it is done.
BREAKS: Mapping[str, Break] = {
    "address in a text": lambda texts, rng: (
        texts | {"description": texts["description"] + " See www.shop.example/item"}
    ),
    "markup in a text": lambda texts, rng: (
        texts | {"description": f"<figure>{texts['description']}</figure>"}
    ),
    "wrong encoding": _garbled,
    "says that there is nothing": _with("description", "N/A", "none", "-", "Not available"),
    "number as a brand": _with("brand", "8801643", "19.99", "0042"),
    "sentence as a brand": lambda texts, rng: (
        texts | {"brand": "This is the best one that you can buy today"}
    ),
    "all capitals": lambda texts, rng: texts | {"title": texts["title"].upper()},
    "title as description": lambda texts, rng: texts | {"description": texts["title"] + "."},
    "bullet points in the description": _as_list,
    "brand in the title only": _brand_in_title,
    "several spellings": _respelt,
    "looks misspelt": _misspelt,
    "missing": _without("description"),
}


def broken_fields(count: int) -> dict[str, object]:
    """Faults planted in a shop that has none: recall by kind, and how many products else."""
    rng = np.random.default_rng(0)
    kinds = list(BREAKS)
    planted: dict[str, set[str]] = {kind: set() for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings()
        project = Project.create(Path(folder) / "shop", settings)
        file = Path(folder) / "taxonomy.txt"
        file.write_text(store_taxonomy(), encoding="utf-8")
        read_taxonomy(file).save(project.taxonomy_path)
        pool = Pool.create(project.pool_path, PAPER_FIELDS)
        pool.append(products_to_table(list(broken(count, rng, planted)), PAPER_FIELDS))
        started = time.perf_counter()
        flaws = [
            flaw
            for name in ("misplaced", "brands", "pictures")
            for flaw in INSPECTIONS[name](Subject(project), SILENT)
        ]
        seconds = time.perf_counter() - started
    told: dict[str, set[str]] = {}
    for flaw in flaws:
        told.setdefault(flaw.kind, set()).update(flaw.products)
    everything = set().union(*planted.values())
    found = {
        kind: {
            "planted": len(products),
            "recall": round(len(told.get(kind, set()) & products) / max(len(products), 1), 3),
            "false_alarms": len(told.get(kind, set()) - everything),
            "precision": round(
                len(told.get(kind, set()) & products) / max(len(told.get(kind, set())), 1), 3
            ),
        }
        for kind, products in planted.items()
        if kind != "missing"
    }
    return {"products": count, "seconds": round(seconds, 2), "kinds": found}


def broken(count: int, rng: np.random.Generator, planted: dict[str, set[str]]) -> Iterator[Product]:
    """A generated shop, one product in twenty with each fault, none with two."""
    kinds = list(BREAKS)
    limits = Settings().images
    placeholder: bytes | None = None
    planted["placeholder picture"] = set()
    for made in generate_products(count, noise=StoreNoise.none(), image_side=96):
        image = load_image(made.image, limits) if made.image else None
        thumbnail = image.thumbnail if image else None
        placeholder = placeholder or thumbnail
        place = int(rng.integers(0, round(1 / BROKEN)))
        texts = dict(made.texts)
        if place < len(kinds):
            texts = BREAKS[kinds[place]](texts, rng)
            planted[kinds[place]].add(made.id)
        elif place == len(kinds):
            thumbnail = placeholder
            planted["placeholder picture"].add(made.id)
        yield Product(made.id, texts, thumbnail=thumbnail, fingerprint=made.id.encode()[-8:])


def summary(trials: Sequence[Figures]) -> dict[str, object]:
    """Mean and standard deviation of each figure over the seeds."""
    found: dict[str, object] = {}
    for name in trials[0]:
        values = [one[name] for one in trials if name in one]
        spread = stdev(values) if len(values) > 1 else 0.0
        found[name] = {"mean": round(mean(values), 4), "sd": round(spread, 4)}
    return found


if __name__ == "__main__":
    main()
