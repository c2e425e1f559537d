"""How well a search index answers: by words, by vectors, and by both together.

Takes embedded projects with reference labels. Queries are leaves' names, and titles of products,
each of which is left out of its own answer; a product is relevant that has the leaf. After a round
only titles of its test side are asked, since the model has learnt the others' categories. nDCG and
precision over the first ten, the mean over queries; milliseconds a query, the second time round.

    python -m benchmarks.search my-shop another-shop

Prints one JSON object.
"""

import argparse
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from time import perf_counter

import numpy as np

from productnet.catalog.pool import Pool
from productnet.embeddings.active import read_active
from productnet.evaluation.reference import read_reference, reference_counts
from productnet.release.splits import GOLD_FILE, Split
from productnet.serving.search.build import build_search_index
from productnet.serving.search.index import Mode, SearchIndex
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

PLACES = 10
FEWEST = 11
TITLES = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="+", type=Path, help="embedded, with reference labels")
    arguments = parser.parse_args()
    print(json.dumps({path.name: measure(Project.open(path)) for path in arguments.projects}))


def measure(project: Project) -> dict[str, object]:
    taxonomy = Taxonomy.load(project.taxonomy_path)
    truth = read_reference(project, taxonomy)
    counts = reference_counts(truth)
    asked = {leaf.id for leaf in taxonomy.leaves if counts.get(leaf.id, 0) >= FEWEST}
    names = [(taxonomy[leaf].name, leaf, "") for leaf in sorted(asked)]
    titles = list(_titles(project, truth, asked))
    with tempfile.TemporaryDirectory() as folder:
        started = perf_counter()
        built = build_search_index(project, Path(folder) / "index")
        seconds = perf_counter() - started
        index = SearchIndex.open(built.path)
        return {
            "embedding set": built.embedding_set,
            "products": built.products,
            "bytes a product": built.bytes / built.products,
            "seconds to build": seconds,
            "leaf names": {mode.value: _asked(index, names, truth, counts, mode) for mode in Mode},
            "titles": {mode.value: _asked(index, titles, truth, counts, mode) for mode in Mode},
        }


def _titles(
    project: Project, truth: Mapping[str, str], asked: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    active = read_active(project)
    among: Collection[str] = truth
    if active is not None and active.round is not None:
        among = Split.load(project.round_path(active.round) / GOLD_FILE).test
    products = sorted(one for one in among if truth.get(one) in asked)
    rng = np.random.default_rng(0)
    drawn = rng.choice(len(products), min(TITLES, len(products)), replace=False)
    chosen = [products[place] for place in sorted(drawn)]
    table = Pool.open(project.pool_path).take(chosen, columns=["title"])
    for product, title in zip(chosen, table.column("title").to_pylist(), strict=True):
        if title:
            yield title, truth[product], product


def _asked(
    index: SearchIndex,
    queries: list[tuple[str, str, str]],
    truth: Mapping[str, str],
    counts: Mapping[str, int],
    mode: Mode,
) -> dict[str, float]:
    gains, hits = [], []
    index.search(queries[0][0], mode=mode)  # loads what encodes
    started = perf_counter()
    answers = [index.search(text, count=PLACES + 1, mode=mode) for text, _, _ in queries]
    elapsed = perf_counter() - started
    discount = 1 / np.log2(np.arange(2, PLACES + 2))
    for (_, leaf, itself), found in zip(queries, answers, strict=True):
        shown = [one.product for one in found if one.product != itself][:PLACES]
        right = np.zeros(PLACES)
        right[: len(shown)] = [truth.get(product) == leaf for product in shown]
        ideal = discount[: min(PLACES, counts[leaf] - bool(itself))].sum()
        gains.append(float((right * discount).sum() / ideal))
        hits.append(float(right.mean()))
    return {
        "queries": len(queries),
        "ndcg@10": float(np.mean(gains)),
        "precision@10": float(np.mean(hits)),
        "milliseconds": 1000 * elapsed / len(queries),
    }


if __name__ == "__main__":
    main()
