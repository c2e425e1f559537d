"""How well ``keyword`` and ``adhoc`` find a leaf's products from its name, a title or a picture.

Takes embedded projects with reference labels. Leaves with five products count, and precision is
over as many places as the leaf has products, so that 1 can be reached. Titles and pictures are
those of products held out of the projection's fit; beside the joint space, which ``adhoc``
searches, stands the search in the features of the query's own modality.

    python benchmarks/typed_queries.py my-shop another-shop

Prints one JSON object: by project, precision at 20 and at 50.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from productnet.embeddings.nearest import FloatArray, exact_nearest, unit_rows
from productnet.embeddings.projection import Part, Projection
from productnet.encoders.feature_store import Modality
from productnet.encoders.features import open_features
from productnet.encoders.registry import text_encoder
from productnet.evaluation.reference import read_reference, reference_counts
from productnet.retrieval.adhoc import AdHoc
from productnet.retrieval.candidates import Leaf, Source
from productnet.retrieval.keyword import Keyword
from productnet.retrieval.resources import Resources
from productnet.settings import Project
from productnet.taxonomy.tree import Category

PLACES = (20, 50)
FEWEST = 5
HELD_OUT = 300

Scores = dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="+", type=Path, help="embedded, with reference labels")
    arguments = parser.parse_args()
    print(json.dumps({path.name: measure(Project.open(path)) for path in arguments.projects}))


def measure(project: Project) -> dict[str, Scores]:
    resources = Resources(project)
    truth = read_reference(project, resources.taxonomy)
    return {
        "leaf": by_leaf(resources, truth),
        "held-out product": by_product(resources, truth),
    }


def by_leaf(resources: Resources, truth: Mapping[str, str]) -> Scores:
    counts = reference_counts(truth)
    leaves = [leaf for leaf in resources.taxonomy.leaves if counts.get(leaf.id, 0) >= FEWEST]
    sources: dict[str, Callable[[Category], Source]] = {
        "keyword, name and path": lambda leaf: Keyword(),
        "keyword, name alone": lambda leaf: Keyword(leaf.name),
        "adhoc, name": lambda leaf: AdHoc(),
        "adhoc, path": lambda leaf: AdHoc(text=leaf.label),
    }
    rng = np.random.default_rng(0)
    scores: Scores = {}
    for name, made in sources.items():
        pages = [
            made(leaf).rank(Leaf(leaf, (), (), frozenset()), resources, count=max(PLACES), rng=rng)
            for leaf in leaves
        ]
        scores[name] = precision(
            [[truth.get(one.product) == leaf.id for one in page]
             for page, leaf in zip(pages, leaves, strict=True)],
            [counts[leaf.id] for leaf in leaves],
        )  # fmt: skip
    return scores


def by_product(resources: Resources, truth: Mapping[str, str]) -> Scores:
    settings = resources.project.settings
    ids = resources.ids.to_pylist()
    labels = np.array([truth.get(product, "") for product in ids])
    counts = reference_counts(truth)
    rng = np.random.default_rng(0)
    rich = [row for row, label in enumerate(labels) if counts.get(label, 0) > max(PLACES)]
    held_out = np.sort(rng.choice(rich, min(HELD_OUT, len(rich) // 2), replace=False))
    parts = all_parts(resources.project)
    fitted = np.setdiff1d(np.arange(len(ids)), held_out)
    projection = Projection.fit(taken(parts, fitted), dimension=settings.encoders.dimension)
    joint = projection(parts)
    products = resources.pool.take([ids[row] for row in held_out], columns=["title"])
    titles = [title or "" for title in products.column("title").to_pylist()]
    queries = {"title": Part(text_encoder(settings.encoders.text).encode(titles), held_out >= 0)}
    if "image" in parts:
        queries["picture"] = taken(parts, held_out)["image"]
    scores: Scores = {}
    for name, query in queries.items():
        modality = "text" if name == "title" else "image"
        alone = {one: query if one == modality else nothing(part, len(held_out))
                 for one, part in parts.items()}  # fmt: skip
        spaces = {
            "joint space": (joint, projection(alone)),
            "own features": (unit_rows(parts[modality].vectors), unit_rows(query.vectors)),
        }
        for space, (vectors, asked) in spaces.items():
            rows, _ = exact_nearest(vectors, asked, k=max(PLACES) + 1)
            hits = [
                [labels[row] == labels[own] for row in found if row != own]
                for found, own in zip(rows, held_out, strict=True)
            ]
            scores[f"{name}, {space}"] = precision(hits, [max(PLACES)] * len(hits))
    return scores


def precision(hits: Sequence[Sequence[bool]], available: Sequence[int]) -> dict[str, float]:
    """The mean share of right products among the first, or among as many as there are."""
    found: dict[str, list[float]] = defaultdict(list)
    for page, many in zip(hits, available, strict=True):
        for places in PLACES:
            found[f"at {places}"].append(sum(page[:places]) / min(places, many))
    return {places: round(float(np.mean(shares)), 3) for places, shares in found.items()}


def all_parts(project: Project) -> dict[str, Part]:
    encoders = project.settings.encoders
    names: dict[Modality, str] = {"image": encoders.image, "text": encoders.text}
    parts: dict[str, Part] = {}
    for modality, encoder in names.items():
        if (project.features_path / f"{encoder}.lance").exists():
            features = open_features(project, encoder, modality=modality)
            vectors: FloatArray = features.take(np.arange(len(features.ids))).astype(np.float32)
            parts[modality] = Part(vectors, features.present)
    return parts


def taken(parts: Mapping[str, Part], rows: NDArray[np.int64]) -> dict[str, Part]:
    return {name: Part(part.vectors[rows], part.present[rows]) for name, part in parts.items()}


def nothing(part: Part, count: int) -> Part:
    return Part(np.zeros((count, part.vectors.shape[1]), np.float32), np.zeros(count, np.bool_))


if __name__ == "__main__":
    main()
