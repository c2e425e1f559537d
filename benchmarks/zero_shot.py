"""What categories by name are worth before there is any label, and what they bring people first.

Four real sets with the taxonomies derived from their own categories, and outdoor_and_home with
Google's 4,719 leaves. Of each product the title, all text and the image are read, as
``productnet categorize --taxonomy`` does; beside it stand the same without pictures, BM25 (the
product's title and text as the query, leaves' names and paths as documents), the largest leaf and
chance. How much texts, words and pictures count was chosen on flipkart, the temperature fitted on
flipkart and fashion: their calibration errors flatter, those of the others do not.

``first`` counts positives that ``mixed`` shows of a leaf that nobody has labelled: on the first
page of 20, and in 50 views, answered page by page; with the guesses and without.

    python -m benchmarks.zero_shot --work ../race --google ../shared/data/taxonomies/google.txt

Prints one JSON object.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tantivy

from benchmarks.candidates.pools import prepare
from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE
from productnet.embeddings.nearest import unit_rows
from productnet.encoders.features import open_features
from productnet.encoders.registry import text_encoder
from productnet.encoders.texts import product_text
from productnet.errors import EncoderError
from productnet.evaluation.reference import read_reference, reference_counts
from productnet.master.calibration import equal_mass_error, fit_temperature
from productnet.master.hierarchy import Tree
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.guesses import refresh_guesses
from productnet.retrieval.keyword_query import stems_of
from productnet.retrieval.mixed import Mixed
from productnet.retrieval.page import next_page
from productnet.retrieval.resources import Resources
from productnet.retrieval.zero_shot import TEMPERATURE, Reading, ZeroShot, encode_texts
from productnet.serving.feeds.products import FeedProducts
from productnet.settings import Project, Settings
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Category, Taxonomy

SETS = ("flipkart", "fashion", "masked", "mwpd")
FITTED_ON = ("flipkart", "fashion")
FEWEST = 5
MOST_LEAVES = 60
LEAST = (0.5, 0.7, 0.9)

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="keeps the prepared pools")
    parser.add_argument("--sets", nargs="*", default=SETS, choices=SETS)
    parser.add_argument("--google", type=Path, help="Google's taxonomy, for outdoor_and_home")
    arguments = parser.parse_args()
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data"))
    found: dict[str, dict[str, object]] = {}
    judged: list[tuple[Floats, Integers]] = []
    for name in arguments.sets:
        project = prepare(name, data=data, folder=arguments.work / "projects")
        told, chances, truth = of_project(project)
        if name in FITTED_ON:
            judged.append((chances, truth))
        found[name] = {**told, "first": first_pages(project)}
        print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    if arguments.google is not None:
        found["outdoor_and_home"] = of_google(data / "outdoor_and_home", arguments.google)
    fitted = {
        name: fit_temperature(logits(chances), truth) * TEMPERATURE
        for name, (chances, truth) in zip(FITTED_ON, judged, strict=False)
    }
    mean = float(np.exp(np.mean(np.log(list(fitted.values()))))) if fitted else None
    print(json.dumps({"sets": found, "temperature": {"used": TEMPERATURE, **fitted, "mean": mean}}))


def of_project(project: Project) -> tuple[dict[str, object], Floats, Integers]:
    """Read as a feed is, but that features of whole texts and images come from the cache."""
    taxonomy, pool = Taxonomy.load(project.taxonomy_path), Pool.open(project.pool_path)
    matcher = ZeroShot(taxonomy)
    truth = read_reference(project, taxonomy)
    place = {leaf.id: number for number, leaf in enumerate(taxonomy.leaves)}
    ids = pool.ids().to_pylist()
    rows = np.array([row for row, one in enumerate(ids) if one in truth])
    table = pool.read(rows, columns=[ID, *pool.fields])
    readings = [product_text(table, some) for some in (pool.fields[:1], pool.fields)]
    whole = open_features(project, "minilm", modality="text")
    titles = encode_texts(text_encoder("minilm"), readings[0])
    vectors: Floats = np.mean([titles, unit_rows(whole.take(rows))], axis=0, dtype=np.float32)
    shown = None
    with suppress(EncoderError):  # a pool without images
        images = open_features(project, "efficientnet-lite0", modality="image")
        shown = matcher.show(images.take(rows), images.present[rows])
    labels = np.array([place[truth[ids[row]]] for row in rows])
    reading = Reading(vectors, readings, shown)
    chances = matcher.probabilities(reading)
    blind = matcher.probabilities(replace(reading, shown=None))
    words = by_words(table, matcher.leaves, pool.fields)
    return measured(matcher, chances, blind, words, labels), chances, labels


def of_google(folder: Path, file: Path) -> dict[str, object]:
    taxonomy, settings = read_taxonomy(file), Settings()
    fields = settings.catalog.fields
    table, texts = FeedProducts(folder / "products.csv", settings, label="gpt_path").table()
    place = {leaf.label: number for number, leaf in enumerate(taxonomy.leaves)}
    rows = [row for row, text in enumerate(texts) if text in place]
    labels = np.array([place[str(texts[row])] for row in rows])
    matcher, table = ZeroShot(taxonomy), table.take(rows)
    chances = matcher.predict_proba(table, fields)
    blind = matcher.predict_proba(table.drop_columns([IMAGE]), fields)
    return measured(matcher, chances, blind, by_words(table, matcher.leaves, fields), labels)


def measured(
    matcher: ZeroShot, whole: Floats, blind: Floats, words: Floats, truth: Integers
) -> dict[str, object]:
    paths = [leaf.path for leaf in matcher.leaves]
    names, roots = np.unique([path[0] for path in paths], return_inverse=True)
    confidence, correct = whole.max(axis=1), whole.argmax(axis=1) == truth
    rolled = Tree(paths).roll_up(whole)[:, : len(names)]  # roots come first, in order
    return {
        "products": len(truth),
        "leaves": len(paths),
        "chance": 1 / len(paths),
        "largest": float(np.bincount(truth).max() / len(truth)),
        "bm25": top(words, truth),
        "without pictures": top(blind, truth),
        "zero-shot": top(whole, truth),
        "top level": float((rolled.argmax(axis=1) == roots[truth]).mean()),
        "claimed": float(confidence.mean()),
        "calibration error": equal_mass_error(confidence, correct),
        "at least": {
            str(least): [
                float((confidence >= least).mean()),
                float(correct[confidence >= least].mean()) if (confidence >= least).any() else None,
            ]
            for least in LEAST
        },
    }


def top(scores: Floats, truth: Integers) -> list[float]:
    """Share right, and in the best five."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    hits = order == truth[:, None]
    return [float(hits[:, 0].mean()), float(hits.any(axis=1).mean())]


def by_words(table: pa.Table, leaves: Sequence[Category], fields: Sequence[str]) -> Floats:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("leaf", stored=True)
    builder.add_text_field("name", tokenizer_name="en_stem")
    index = tantivy.Index(builder.build())
    writer = index.writer(15_000_000, num_threads=1)
    for number, leaf in enumerate(leaves):
        writer.add_document(
            tantivy.Document(leaf=number, name=f"{leaf.name} {' '.join(leaf.path)}")
        )
    writer.commit()
    index.reload()
    searcher = index.searcher()
    scores = np.zeros((len(table), len(leaves)), np.float32)
    for row, text in enumerate(product_text(table, fields)):
        stems = dict.fromkeys(stems_of(text or ""))
        terms = [
            (tantivy.Occur.Should, tantivy.Query.term_query(index.schema, "name", stem))
            for stem in stems
        ]
        query = tantivy.Query.boolean_query(terms)
        for score, address in searcher.search(query, 50, count=False).hits if terms else ():
            scores[row, searcher.doc(address)["leaf"][0]] = score
    return scores


def logits(chances: Floats) -> Floats:
    return np.log(np.maximum(chances, 1e-30))


def first_pages(project: Project) -> Mapping[str, object]:
    refresh_guesses(project)
    resources = Resources(project)
    truth = read_reference(project, resources.taxonomy)
    counts = reference_counts(truth)
    leaves = [leaf for leaf in resources.taxonomy.leaves if counts.get(leaf.id, 0) >= FEWEST]
    if len(leaves) > MOST_LEAVES:
        drawn = np.random.default_rng(0).choice(len(leaves), MOST_LEAVES, replace=False)
        leaves = [leaves[one] for one in sorted(drawn)]
    guesses = resources.guesses
    told: dict[str, object] = {"leaves": len(leaves)}
    for name, given in (("without", None), ("with", guesses)):
        resources.__dict__["guesses"] = given
        found = np.array([views(leaf, resources, truth) for leaf in leaves])
        told[name] = [float(found[:, 0].mean()), float(found[:, 1].mean())]
        told[f"{name}, pages without any"] = int((found[:, 0] == 0).sum())
    return told


def views(leaf: Category, resources: Resources, truth: Mapping[str, str]) -> tuple[int, int]:
    """Positives on the first page of 20, and in 50 views."""
    labels: dict[str, bool] = {}
    rng = np.random.default_rng(0)
    first = 0
    for count in (20, 10, 10, 10):
        known = Leaf(
            leaf,
            [one for one, yes in labels.items() if yes],
            [one for one, yes in labels.items() if not yes],
            frozenset(labels),
        )
        for card in next_page(Mixed(), known, resources, count=count, rng=rng):
            labels[card.product] = truth.get(card.product) == leaf.id
        first = first or sum(labels.values()) if count == 20 else first
    return first, sum(labels.values())


if __name__ == "__main__":
    main()
