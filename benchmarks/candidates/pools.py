"""The pools that are raced on: real sets prepared as projects, and the starts drawn from them."""

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.candidates.trials import Bench, Mask, Rows, digest_of
from productnet.cli.main import app
from productnet.errors import UsageError
from productnet.evaluation.reference import read_reference, reference_counts
from productnet.release.groups import pool_groups
from productnet.release.splits import Side, sides_by_group
from productnet.retrieval.keyword_query import any_of
from productnet.retrieval.resources import Resources
from productnet.settings import Project
from productnet.taxonomy.paths import split_path

Groups = npt.NDArray[np.int64]

# A leaf with fewer products says more about its start than about who looks for the rest.
FEWEST_PRODUCTS = 10

# Share of title groups set aside, for the accuracy of a master trained on what was found.
TEST_SHARE = 0.25

# A leaf with a smaller share of the pool is reported apart.
RARE = 0.02


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a real set becomes a project.

    Attributes:
        feed: Its file, below the folder of real sets.
        depth: Names of a category path that count; None for all.
        min_products: Products a leaf of the taxonomy needs.
        masked: Whether the words of its article type are taken out of each title.
    """

    feed: str
    depth: int | None
    min_products: int
    masked: bool = False


POOLS = {
    "flipkart": Recipe("flipkart/products.csv", depth=2, min_products=8),
    "fashion": Recipe("fashion/products.parquet", depth=None, min_products=10),
    "masked": Recipe("fashion/products.parquet", depth=None, min_products=10, masked=True),
    "mwpd": Recipe("mwpd/products.jsonl.gz", depth=3, min_products=10),
}


@dataclass(frozen=True)
class Ground:
    """A pool ready to be raced on.

    Attributes:
        name: Of the pool.
        project: Where it is.
        bench: What strategies get to see of it, and the labels.
        parents: The category above each leaf (K,), as a number; siblings share it.
        copies: What each product (N,) is a copy of, as a number that its near-duplicates share.
        groups: The same, where products of one title share it too. A group lies on one side whole.
        version: Names all that a trial depends on but its strategy and its seed.
    """

    name: str
    project: Project
    bench: Bench
    parents: npt.NDArray[np.int64]
    copies: Groups
    groups: Groups
    version: str

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Products of each leaf (K,) in the whole pool."""
        return np.bincount(
            self.bench.labels[self.bench.labels >= 0], minlength=len(self.bench.leaves)
        )

    @property
    def rare(self) -> Mask:
        """Which of the leaves (K,) have less than 2% of the pool."""
        rare: Mask = self.counts < RARE * len(self.bench.ids)
        return rare


def prepare(name: str, *, data: Path, folder: Path) -> Project:
    """The project of a pool below ``folder``, made by the commands of the README.

    What is there already is kept.

    Raises:
        UsageError: The real set is neither prepared nor in ``data``.
    """
    root, recipe = folder / name, POOLS[name]
    here = ("--project", str(root))
    if not (root / "reference.parquet").exists():
        feed = data / recipe.feed
        if not feed.exists():
            raise UsageError(
                f"The real set {recipe.feed} is not in {data}. PRODUCTNET_DATA names its folder."
            )
        folder.mkdir(parents=True, exist_ok=True)
        if recipe.masked:
            feed = _masked_feed(feed, folder / f"{name}.parquet")
        depth = ("--depth", str(recipe.depth)) if recipe.depth else ()
        least = ("--min-products", str(recipe.min_products))
        if not root.exists():
            _command("init", str(root))
        _command("taxonomy", "--derive", str(feed), *depth, *least, *here)
        _command("import", str(feed), "--reference", "category", *here)
    _command("embed", *here)
    return Project.open(root)


def ground_of(name: str, project: Project, *, seeds: int) -> Ground:
    """Draw the test sides and the starts of every leaf with enough products, by seed."""
    resources = Resources(project)
    taxonomy, embeddings = resources.taxonomy, resources.embeddings
    ids: list[str] = embeddings.ids.to_pylist()
    truth = read_reference(project, taxonomy)
    counts = reference_counts(truth)
    ordered = [leaf for leaf in taxonomy.leaves if leaf.id in counts]
    # Those that are looked for come first; the others are known for being somebody's siblings.
    ordered.sort(key=lambda leaf: counts[leaf.id] < FEWEST_PRODUCTS)
    raced = sum(counts[leaf.id] >= FEWEST_PRODUCTS for leaf in ordered)
    place = {leaf.id: number for number, leaf in enumerate(ordered)}
    labels = np.array([place.get(truth.get(product, ""), -1) for product in ids], np.int64)
    copies, groups = groups_of(resources, ids)
    test = _test_sides(ids, truth, groups, seeds=seeds)
    row = {product: number for number, product in enumerate(ids)}
    found = [
        resources.keywords.search(any_of([(leaf.name, 1.0)]), count=len(ids))
        for leaf in ordered[:raced]
    ]
    bench = Bench(
        ids=tuple(ids),
        vectors=np.ascontiguousarray(embeddings.vectors, np.float32),
        labels=labels,
        leaves=tuple(leaf.id for leaf in ordered),
        test=test,
        starts=_starts(labels, test, raced),
        hits=tuple(
            np.array([row[hit.product] for hit in hits if hit.product in row], np.int64)
            for hits in found
        ),
    )
    above = {path: number for number, path in enumerate({leaf.path[:-1] for leaf in ordered})}
    return Ground(
        name=name,
        project=project,
        bench=bench,
        parents=np.array([above[leaf.path[:-1]] for leaf in ordered]),
        copies=copies,
        groups=groups,
        version=digest_of(bench.ids, bench.vectors, labels, groups, raced, TEST_SHARE, *bench.hits),
    )


def mask_title(title: str, article_type: str) -> str:
    """The title without the words of its article type, be they singular or plural.

    Example:
        >>> mask_title("Casio Men Black Digital Watch", "Watches")
        'Casio Men Black Digital'
    """
    forms = {form for word in re.findall(r"\w+", article_type.lower()) for form in _forms(word)}
    kept = [word for word in title.split() if not forms & set(re.findall(r"\w+", word.lower()))]
    return " ".join(kept)


def _command(*arguments: str) -> None:
    """A command of ours; what it says belongs to stderr here."""
    with redirect_stdout(sys.stderr):
        app(list(arguments), standalone_mode=False)


def _forms(word: str) -> set[str]:
    """A noun as it is, and in what may be its singular and its plural."""
    if word in ("and", "of", "the"):
        return set()
    singular = {word}
    if word.endswith("ies"):
        singular.add(word[:-3] + "y")
    if word.endswith("es"):
        singular.add(word[:-2])
    if word.endswith("s"):
        singular.add(word[:-1])
    plural = {form + ending for form in singular for ending in ("s", "es")}
    return singular | plural


def _masked_feed(feed: Path, masked: Path) -> Path:
    """A copy of a Parquet feed whose titles do not name the article type."""
    table = pq.read_table(feed)
    names = [split_path(path)[-1] for path in table.column("category").to_pylist()]
    titles = [
        mask_title(title or "", name)
        for title, name in zip(table.column("title").to_pylist(), names, strict=True)
    ]
    table = table.set_column(table.schema.get_field_index("title"), "title", [titles])
    pq.write_table(table, masked)
    return masked


def groups_of(resources: Resources, ids: Sequence[str]) -> tuple[Groups, Groups]:
    """Numbers that near-duplicates share (N,), and that products of one title share as well (N,).

    What is near one set aside would otherwise be held back with it by sources that never show a
    near-duplicate of what was decided, and only by them.
    """
    titles = pool_groups(resources.pool, ids)
    copies = resources.near_duplicates.groups_of(ids)
    alone = copies < 0
    copies[alone] = copies.max(initial=-1) + 1 + np.arange(alone.sum())
    title = np.unique([titles[product] for product in ids], return_inverse=True)[1]
    # Titles and copies are nodes, each product is an edge between its two.
    ends = (title, title.max() + 1 + copies)
    nodes = int(ends[1].max()) + 1
    edges = coo_array((np.ones(len(ids)), ends), shape=(nodes, nodes))
    return copies, connected_components(edges, directed=False)[1][title].astype(np.int64)


def _test_sides(
    ids: Sequence[str], truth: Mapping[str, str], groups: Groups, *, seeds: int
) -> Mask:
    """Whole groups set aside (S, N), by seed."""
    named = {product: str(group) for product, group in zip(ids, groups, strict=True)}
    known = {product: truth[product] for product in ids if product in truth}
    sides = [
        sides_by_group(known, named, test_share=TEST_SHARE, seed=seed) for seed in range(seeds)
    ]
    return np.array([[side[product] is Side.TEST for product in ids] for side in sides])


def _starts(labels: npt.NDArray[np.int64], test: Mask, raced: int) -> Rows:
    """One positive and one negative (S, L, 2), of those not set aside.

    A negative is a product of another leaf: somebody looked at it.
    """
    starts = np.empty((len(test), raced, 2), np.int64)
    for seed, aside in enumerate(test):
        for leaf in range(raced):
            rng = np.random.default_rng([seed, leaf])
            starts[seed, leaf] = [
                rng.choice(np.flatnonzero(side & ~aside))
                for side in (labels == leaf, (labels >= 0) & (labels != leaf))
            ]
    return starts


def spread(ground: Ground, count: int | None) -> Sequence[int]:
    """Which leaves are looked for: all, or so many, evenly from the rarest to the commonest."""
    raced = ground.bench.starts.shape[1]
    if count is None or count >= raced:
        return range(raced)
    by_size = np.argsort(ground.counts[:raced], kind="stable")
    return sorted(by_size[np.linspace(0, raced - 1, count).round().astype(int)].tolist())
