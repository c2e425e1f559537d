"""The sets that are raced on: products, their leaves, what rivals read of them, and the splits."""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import normalize

from benchmarks.candidates.pools import groups_of, prepare
from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE
from productnet.encoders.feature_store import Modality
from productnet.encoders.features import read_features
from productnet.encoders.registry import text_encoder
from productnet.encoders.texts import product_text
from productnet.evaluation.reference import read_reference
from productnet.files import drafted
from productnet.retrieval.resources import Resources
from productnet.settings import Project

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

IMAGE_ENCODER, TEXT_ENCODER = "efficientnet-lite0", "minilm"

# A fifth is tested on.
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which products of a pool, and what is told apart.

    Attributes:
        pool: Of ``benchmarks.candidates``.
        depth: Names of the category path that count.
        min_products: Products a leaf needs to count.
        published: Whether the set comes with a split of its own.
    """

    pool: str
    depth: int
    min_products: int
    published: bool = False


SETS = {
    "flipkart-top": Recipe("flipkart", depth=1, min_products=8),
    "flipkart": Recipe("flipkart", depth=2, min_products=8),
    "fashion": Recipe("fashion", depth=3, min_products=10),
    "masked": Recipe("masked", depth=3, min_products=10),
    "mwpd-1": Recipe("mwpd", depth=1, min_products=1, published=True),
    "mwpd-2": Recipe("mwpd", depth=2, min_products=1, published=True),
    "mwpd-3": Recipe("mwpd", depth=3, min_products=1, published=True),
}


@dataclass(frozen=True)
class Ground:
    """A set.

    Attributes:
        name: In ``SETS``.
        project: Where its products are.
        ids: Of the products that count (N,).
        labels: Category of each (N,).
        groups: Numbers (N,) that near-duplicates and products of one title share.
        folder: Where what takes time is kept.
    """

    name: str
    project: Project
    ids: tuple[str, ...]
    labels: npt.NDArray[np.str_]
    groups: Rows
    folder: Path

    @cached_property
    def pool(self) -> Pool:
        """The pool of the project."""
        return Pool.open(self.project.pool_path)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The text fields that are not empty in all products."""
        texts = self.texts
        return tuple(
            name for name in self.pool.fields if texts.column(name).null_count < len(texts)
        )

    @cached_property
    def texts(self) -> pa.Table:
        """The text fields of each product."""
        return self.pool.take(self.ids, columns=[ID, *self.pool.fields])

    @cached_property
    def has_images(self) -> bool:
        """Whether any product has an image."""
        return bool(self.images.any())

    @cached_property
    def images(self) -> Floats:
        """Image vectors of unit length (N, 1280); zeros where there is no image."""
        return unit(self.features(IMAGE_ENCODER, "image"))

    def split(self, seed: int) -> tuple[Rows, Rows]:
        """Rows to learn from and rows to be tested on: grouped, stratified, or as published."""
        rows = np.arange(len(self.ids))
        if SETS[self.name].published:
            told = np.array([one.startswith("mwpd-train") for one in self.ids])
            return rows[told], rows[~told]
        return next(iter(folds(self.labels, self.groups, count=FOLDS, seed=seed)))

    def view(self, rows: Rows, damage: "Damage | None" = None) -> "View":
        """These products (n,), perhaps damaged."""
        return View(self, rows, damage or Damage())

    @cached_property
    def version(self) -> str:
        """Names all that a trial on this set depends on but its contender."""
        told = hashlib.blake2b(digest_size=8)
        for part in (*self.ids, *self.labels.tolist(), *map(str, self.groups.tolist())):
            told.update(part.encode() + b"\0")
        return told.hexdigest()

    def features(self, encoder: str, modality: Modality) -> Floats:
        """A pretrained encoder's vectors of all products, as the project keeps them."""
        vectors, _ = read_features(self.project, encoder, modality=modality, ids=self.ids)
        return vectors


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with products.

    Attributes:
        dropped: Fields that are missing, ``image`` among them.
        swapped: A text field whose values went to other products.
    """

    dropped: tuple[str, ...] = ()
    swapped: str | None = None

    def __str__(self) -> str:
        swapped = [f"swapped {self.swapped}"] if self.swapped else []
        return ", ".join([*(f"no {name}" for name in self.dropped), *swapped]) or "whole"

    def fields(self) -> tuple[str, ...]:
        """The damaged fields."""
        return (*self.dropped, *([self.swapped] if self.swapped else []))


@dataclass(frozen=True)
class View:
    """Some products of a set as a contender gets them.

    Attributes:
        ground: The set.
        rows: Which of its products (n,).
        damage: What is wrong with them.
    """

    ground: Ground
    rows: Rows
    damage: Damage

    @property
    def labels(self) -> npt.NDArray[np.str_]:
        """The category of each (n,)."""
        return self.ground.labels[self.rows]

    @property
    def groups(self) -> Rows:
        """Numbers that products which belong together share (n,)."""
        return self.ground.groups[self.rows]

    @property
    def ids(self) -> list[str]:
        """Their ids (n)."""
        return [self.ground.ids[row] for row in self.rows]

    def take(self, places: Rows) -> "View":
        """Those at these places."""
        return View(self.ground, self.rows[places], self.damage)

    @cached_property
    def table(self) -> pa.Table:
        """Ids and text fields as they are after the damage."""
        table = self.ground.texts.take(self.rows)
        for name in self.damage.dropped:
            if name != IMAGE:
                place = table.column_names.index(name)
                table = table.set_column(place, name, pa.nulls(len(table), pa.string()))
        if (swapped := self.damage.swapped) is not None:
            order = pa.array(np.random.default_rng(0).permutation(len(table)))
            place = table.column_names.index(swapped)
            table = table.set_column(place, swapped, table.column(swapped).take(order))
        return table

    @cached_property
    def texts(self) -> list[str]:
        """All fields of each product as one text."""
        return [text or "" for text in product_text(self.table, self.ground.pool.fields)]

    @property
    def images(self) -> Floats:
        """Image vectors of unit length (n, 1280); zeros where there is no image."""
        vectors = self.ground.images[self.rows]
        return np.zeros_like(vectors) if IMAGE in self.damage.dropped else vectors

    @cached_property
    def sentences(self) -> Floats:
        """MiniLM's vectors of the texts, of unit length (n, 384); zeros where there is none."""
        if not [name for name in self.damage.fields() if name != IMAGE]:
            return unit(self.ground.features(TEXT_ENCODER, "text")[self.rows])
        told = hashlib.blake2b("\0".join(self.texts).encode(), digest_size=8).hexdigest()
        file = self.ground.folder / f"{self.ground.name}-{told}.npy"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with drafted(file) as draft, draft.open("wb") as written:
                np.save(written, text_encoder(TEXT_ENCODER).encode(self.texts))
        present = np.array([bool(text) for text in self.texts])
        return unit(np.load(file) * present[:, None])


def ground_of(name: str, *, data: Path, work: Path) -> Ground:
    """A set, its pool prepared and its features computed where they are not yet."""
    recipe = SETS[name]
    project = prepare(recipe.pool, data=data, folder=work / "projects")
    resources = Resources(project)
    ids: list[str] = resources.embeddings.ids.to_pylist()
    truth = read_reference(project, resources.taxonomy)
    paths = [resources.taxonomy[truth[one]].path if one in truth else () for one in ids]
    labels = np.array([" > ".join(path[: recipe.depth]) for path in paths])
    known, counts = np.unique(labels, return_counts=True)
    enough = set(known[counts >= recipe.min_products].tolist()) - {""}
    rows = np.flatnonzero([label in enough for label in labels.tolist()])
    return Ground(
        name=name,
        project=project,
        ids=tuple(ids[row] for row in rows),
        labels=labels[rows],
        groups=groups_of(resources, ids)[1][rows],
        folder=work / "features",
    )


def folds(
    labels: Sequence[str] | npt.NDArray[np.str_], groups: Rows, *, count: int, seed: int
) -> list[tuple[Rows, Rows]]:
    """Rows to learn from and to test on, ``count`` times: stratified, each group on one side."""
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Leaves rarer than there are folds are missing from some of them, as in life.
        warnings.simplefilter("ignore", UserWarning)
        return [
            (np.asarray(train), np.asarray(test))
            for train, test in splitter.split(np.zeros(len(labels)), labels, groups)
        ]


def few_of_each(labels: npt.NDArray[np.str_], count: int, *, seed: int) -> Rows:
    """Places of at most ``count`` products of each leaf, drawn by chance."""
    order = np.random.default_rng(seed).permutation(len(labels))
    taken: dict[str, int] = {}
    kept = []
    for place in order:
        label = str(labels[place])
        if taken.get(label, 0) < count:
            taken[label] = taken.get(label, 0) + 1
            kept.append(place)
    return np.sort(np.array(kept, np.int64))


def unit(vectors: npt.NDArray[np.floating]) -> Floats:
    """Rows of unit length; rows of zeros stay."""
    scaled: Floats = normalize(np.asarray(vectors, np.float32))
    return scaled
