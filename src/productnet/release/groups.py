"""What stays together in a split: variants, and products that are nearly the same.

A *group* is what can be reached from a product by likeness: the same variant group of the feed,
a title that is the same but for case, order and marks, nearly the same words, nearly the same
picture, or one of the pool's near-duplicates (hashes and vectors, found by ``productnet embed``).
Products that people told apart are not joined by likeness of words or pictures; one title or one
variant group joins them all the same, for a model would meet the very text on the other side.
Unlike the groups that share a card, these follow chains: a chain cut in two would leak at the cut.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from productnet.annotation.duplicate_reviews import reviewed_near_duplicates
from productnet.catalog.hashes import image_distance, text_similarity
from productnet.catalog.pool import Pool
from productnet.catalog.schema import GROUP, ID
from productnet.catalog.signatures import Signatures, sign_pool
from productnet.catalog.texts import distinct_words
from productnet.embeddings.duplicate_groups import likely_pairs, placeholders
from productnet.embeddings.near_duplicates import NearDuplicates
from productnet.embeddings.told_apart import ToldApart
from productnet.errors import ReleaseError
from productnet.progress import SILENT, Progress
from productnet.settings import Project

# Nearly the same words: the estimated share of words in common. Nearly the same picture: bits of
# 256. Looser, chains tie whole leaves together: of fashion's 7,533 products with titles of a few
# words the largest group has 88; at .8 it has 645.
SAME_WORDS = 0.85
SAME_PICTURE_BITS = 12

_PAIRS_AT_ONCE = 65_536

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Kin:
    """Products with what they are like.

    Attributes:
        ids: The products (N), sorted.
        rows: Their rows (N,) in the pool's order.
        signatures: Their hashes (N).
        has_image: Whose image counts (N,): no placeholder that too many show.
        groups: Product id to the key of its group.
    """

    ids: list[str]
    rows: Rows
    signatures: Signatures
    has_image: npt.NDArray[np.bool_]
    groups: dict[str, str]

    def pairs(self, *, words: float, bits: int) -> Iterator[tuple[Rows, Rows, Rows]]:
        """Pairs alike by words or by picture: rows (n,) and (n,), and how (n,): 1, 2, or 3 both."""
        for first, second in likely_pairs(self.signatures, self.has_image):
            for start in range(0, len(first), _PAIRS_AT_ONCE):
                part = slice(start, start + _PAIRS_AT_ONCE)
                yield _alike(self, first[part], second[part], words=words, bits=bits)


def find_kin(
    pool: Pool,
    products: Iterable[str],
    *,
    near_duplicates: NearDuplicates,
    apart: ToldApart,
    signatures: Path,
    progress: Progress = SILENT,
) -> Kin:
    """These products with their groups.

    Args:
        pool: Where they are.
        products: Their ids.
        near_duplicates: Those of the pool, less what people told apart.
        apart: What people told apart: no likeness of words or pictures joins it.
        signatures: The table that keeps the pool's hashes; what it lacks is hashed now.
        progress: Told of products hashed.

    Raises:
        ReleaseError: A product is not in the pool.
    """
    ids = sorted(products)
    rows = rows_in(pool, ids)
    signed = sign_pool(pool, signatures, progress=progress).take(rows)
    title = "title" if "title" in pool.fields else pool.fields[0]
    kin = Kin(ids, rows, signed, signed.has_image & ~placeholders(signed), {})
    keys = group_keys(pool.read(rows, columns=[ID, title, GROUP]), title)
    kin.groups.update(_joined(kin, keys, near_duplicates, apart))
    return kin


def rows_in(pool: Pool, ids: Sequence[str]) -> Rows:
    """The rows (n,) of these products in the pool's order; raises ReleaseError if one is gone."""
    import pyarrow.compute as pc

    found = pc.index_in(pa.array(ids, pa.string()), value_set=pool.ids())
    if found.null_count:
        gone = pa.array(ids, pa.string()).filter(pc.is_null(found))
        raise ReleaseError(
            f"{len(gone):,} of {len(ids):,} products to release are not in the pool any more, such "
            f'as "{gone[0]}". Import the feed they came with again; decisions are kept meanwhile.'
        )
    rows: Rows = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return rows


def pool_groups(pool: Pool, products: Iterable[str]) -> dict[str, str]:
    """Groups by variant and title alone; raises UnknownProduct if one is not in the pool."""
    title = "title" if "title" in pool.fields else pool.fields[0]
    return group_keys(pool.take(sorted(products), columns=[ID, title, GROUP]), title)


def copies_of(project: Project, products: Sequence[str]) -> dict[str, str]:
    """The group of each product, where near-duplicates share one as well as variants do.

    Raises UnknownProduct if one is not in the pool.
    """
    groups = pool_groups(Pool.open(project.pool_path), products)
    joined = _Groups()
    near = reviewed_near_duplicates(project).groups_of(products).tolist()
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


def _joined(
    kin: Kin, keys: dict[str, str], near_duplicates: NearDuplicates, apart: ToldApart
) -> dict[str, str]:
    """These groups, joined where their products are alike; the smallest key stands for all."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(kin.ids)
    if not count:
        return {}
    firsts: list[Rows] = [np.empty(0, np.int64)]
    seconds: list[Rows] = [np.empty(0, np.int64)]
    told = _codes_of(kin.ids, apart)
    for first, second, _ in kin.pairs(words=SAME_WORDS, bits=SAME_PICTURE_BITS):
        alike = ~np.isin(_codes(first, second, count), told)
        firsts.append(first[alike])
        seconds.append(second[alike])
    named = np.array([keys[product] for product in kin.ids], dtype=object)
    for numbers in (
        np.unique(named.astype(str), return_inverse=True)[1],
        near_duplicates.groups_of(kin.ids),
    ):
        # Each with the next of its group.
        order = np.argsort(numbers, kind="stable")
        same = (numbers[order[:-1]] == numbers[order[1:]]) & (numbers[order[:-1]] >= 0)
        firsts.append(order[:-1][same])
        seconds.append(order[1:][same])
    one, other = np.concatenate(firsts), np.concatenate(seconds)
    edges = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(count, count))
    _, component = connected_components(edges, directed=False)
    smallest: dict[int, str] = {}
    for number, key in zip(component.tolist(), named.tolist(), strict=True):
        smallest[number] = min(key, smallest.get(number, key))
    return {
        product: smallest[number]
        for product, number in zip(kin.ids, component.tolist(), strict=True)
    }


def _codes(first: Rows, second: Rows, count: int) -> Rows:
    """One number for each pair of rows (n,), whichever comes first."""
    codes: Rows = np.minimum(first, second) * count + np.maximum(first, second)
    return codes


def _codes_of(ids: Sequence[str], apart: ToldApart) -> Rows:
    """The numbers of those pairs that people told apart."""
    row = {product: place for place, product in enumerate(ids)}
    told = [(row[a], row[b]) for a, b in apart.pairs if a in row and b in row]
    pairs = np.array(told, np.int64).reshape(-1, 2)
    return _codes(pairs[:, 0], pairs[:, 1], len(ids))


def _alike(
    kin: Kin, first: Rows, second: Rows, *, words: float, bits: int
) -> tuple[Rows, Rows, Rows]:
    signed = kin.signatures
    how = np.zeros(len(first), np.int64)
    read = signed.has_text[first] & signed.has_text[second]
    how += read & (text_similarity(signed.texts[first], signed.texts[second]) >= words)
    at = np.flatnonzero(kin.has_image[first] & kin.has_image[second])
    near = image_distance(signed.images[first[at]], signed.images[second[at]]) <= bits
    how[at[near]] += 2
    found = how > 0
    return first[found], second[found], how[found]


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
