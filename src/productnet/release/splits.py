"""Train and test sides of gold that do not leak and stay put as gold grows.

Products that are variants or near-duplicates form a *group*, and a group lies on one side whole.
A group's side follows from a hash of its key alone, so adding products moves no other group,
with two exceptions: a new product that joins two groups into one, and a leaf so small that the
hash left one of its sides empty.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.pool import Pool
from productnet.catalog.schema import GROUP, ID
from productnet.catalog.texts import distinct_words
from productnet.embeddings.near_duplicates import read_near_duplicates
from productnet.errors import UsageError
from productnet.files import drafted
from productnet.settings import Project

# In the folder of a round: the gold it froze, with its sides, and the hard negatives beside it.
GOLD_FILE = "gold.parquet"
HARD_NEGATIVES_FILE = "hard_negatives.parquet"


class Side(StrEnum):
    """The two sides of a split."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Split:
    """Gold on two sides; each maps product id to category id, ordered by product id."""

    train: dict[str, str]
    test: dict[str, str]

    def save(self, path: Path) -> None:
        """Write as Parquet: a row a product, with its category and side."""
        sides = {Side.TRAIN: self.train, Side.TEST: self.test}
        table = pa.table(
            {
                "product": [product for labels in sides.values() for product in labels],
                "category": [leaf for labels in sides.values() for leaf in labels.values()],
                "side": [side.value for side, labels in sides.items() for _ in labels],
            }
        )
        with drafted(path) as draft:
            pq.write_table(table, draft)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what was saved."""
        of: dict[str, dict[str, str]] = {side.value: {} for side in Side}
        table = pq.read_table(path, columns=["product", "category", "side"])
        for row in table.to_pylist():
            of[row["side"]][row["product"]] = row["category"]
        return cls(of[Side.TRAIN], of[Side.TEST])


def read_hard_negatives(path: Path) -> dict[str, list[str]]:
    """Product id to the leaves that it was rejected for, of those a round learnt from."""
    rejected: dict[str, list[str]] = {}
    for row in pq.read_table(path).to_pylist():
        rejected.setdefault(row["product"], []).append(row["category"])
    return rejected


def split_gold(pool: Pool, labels: Mapping[str, str], *, test_share: float, seed: int) -> Split:
    """Split gold of a pool, keeping variants and near-duplicate titles together.

    Args:
        pool: Where the products are.
        labels: Gold: product id to category id.
        test_share: Share of groups wanted on the test side, between 0 and 1.
        seed: Chooses another split of the same kind.

    Raises:
        UnknownProduct: A labelled product is not in the pool.
        UsageError: ``test_share`` is not between 0 and 1.
    """
    groups = pool_groups(pool, labels)
    return split_by_group(labels, groups, test_share=test_share, seed=seed)


def pool_groups(pool: Pool, products: Iterable[str]) -> dict[str, str]:
    """The group of each of these products; raises UnknownProduct if one is not in the pool."""
    title = "title" if "title" in pool.fields else pool.fields[0]
    return group_keys(pool.take(sorted(products), columns=[ID, title, GROUP]), title)


def copies_of(project: Project, products: Sequence[str]) -> dict[str, str]:
    """The group of each product, where near-duplicates share one as well as variants do.

    Raises UnknownProduct if one is not in the pool.
    """
    groups = pool_groups(Pool.open(project.pool_path), products)
    joined = _Groups()
    near = read_near_duplicates(project).groups_of(products).tolist()
    for product, number in zip(products, near, strict=True):
        joined.join([groups[product], *([f"near:{number}"] if number >= 0 else [])])
    return {product: joined.root(groups[product]) for product in products}


def group_keys(products: pa.Table, title: str = "title") -> dict[str, str]:
    """The group of each product: same ``group``, or same title but for case, order and marks.

    Args:
        products: Columns ``id`` and, where there are any, ``title`` and ``group``.
        title: Name of the column that holds the title.

    Returns:
        Product id to a key that all products of its group share.
    """
    ids: list[str] = products.column(ID).to_pylist()
    absent = [None] * len(ids)
    titles = products.column(title).to_pylist() if title in products.column_names else absent
    groups = products.column(GROUP).to_pylist() if GROUP in products.column_names else absent
    joined = _Groups()
    own_key: dict[str, str] = {}
    for product, text, group in zip(ids, titles, groups, strict=True):
        words = " ".join(distinct_words(text or ""))
        keys = [f"title:{words}"] if words else []
        keys += [f"group:{group}"] if group else []
        own_key[product] = joined.join(keys or [f"id:{product}"])
    return {product: joined.root(key) for product, key in own_key.items()}


def split_by_group(
    labels: Mapping[str, str], groups: Mapping[str, str], *, test_share: float, seed: int
) -> Split:
    """Put whole groups on one side each, both sides present in every leaf where possible.

    Args:
        labels: Product id to category id.
        groups: Product id to group key, for at least the labelled products.
        test_share: Share of groups wanted on the test side, between 0 and 1.
        seed: Chooses another split of the same kind.

    Raises:
        UsageError: ``test_share`` is not between 0 and 1.
    """
    side = sides_by_group(labels, groups, test_share=test_share, seed=seed)
    of: dict[Side, dict[str, str]] = {Side.TRAIN: {}, Side.TEST: {}}
    for product in sorted(labels):
        of[side[product]][product] = labels[product]
    return Split(of[Side.TRAIN], of[Side.TEST])


def sides_by_group(
    labels: Mapping[str, str], groups: Mapping[str, str], *, test_share: float, seed: int
) -> dict[str, Side]:
    """The side of every product in ``groups``, of which ``labels`` tells the leaf of some.

    Arguments and errors are those of ``split_by_group``.
    """
    if not 0 < test_share < 1:
        raise UsageError(f"The test share must lie between 0 and 1; it is {test_share}.")
    place = {key: _place(key, seed) for key in set(groups.values())}
    is_test = {key: at < test_share for key, at in place.items()}
    leaves: dict[str, set[str]] = {}
    for product, leaf in labels.items():
        leaves.setdefault(leaf, set()).add(groups[product])
    for leaf in sorted(leaves):
        _fill_empty_side(leaves[leaf], place, is_test, others=leaves)
    return {product: Side.TEST if is_test[key] else Side.TRAIN for product, key in groups.items()}


def _fill_empty_side(
    members: set[str],
    place: Mapping[str, float],
    is_test: dict[str, bool],
    *,
    others: Mapping[str, set[str]],
) -> None:
    """Move the group nearest to the missing side, unless that empties a side of another leaf."""
    sides = {is_test[key] for key in members}
    if len(members) < 2 or len(sides) == 2:
        return
    missing = not sides.pop()
    for key in sorted(members, key=lambda key: place[key], reverse=not missing):
        touched = [
            keys for keys in others.values() if key in keys and len(keys) > 1 and keys != members
        ]
        if all(any(is_test[k] != missing for k in keys - {key}) for keys in touched):
            is_test[key] = missing
            return


def _place(key: str, seed: int) -> float:
    """A number from 0 to 1 that only the key and the seed decide."""
    digest = hashlib.blake2b(f"{seed}\n{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


class _Groups:
    """Keys that mean the same group (union-find); the smallest key stands for all."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def join(self, keys: Iterable[str]) -> str:
        roots = sorted({self.root(key) for key in keys})
        for root in roots[1:]:
            self._parent[root] = roots[0]
        return roots[0]

    def root(self, key: str) -> str:
        parent = self._parent.setdefault(key, key)
        while parent != key:
            key, parent = parent, self._parent[parent]
        return key
