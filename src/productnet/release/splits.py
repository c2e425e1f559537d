"""Sides of gold that do not leak, hold the same share of every leaf, and stay put as gold grows.

A group of products (``groups``) lies on one side whole. Its *place*, a number from 0 to 1, follows
from a hash of the product in it that became gold first, so that products that join it later move
nothing. The lowest places are the test side, the highest are validation, between lies training. In
a leaf where chance strays too far from the wanted share, the cut moves past as many groups as it
takes.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.pool import Pool
from productnet.errors import UsageError
from productnet.files import drafted
from productnet.release.groups import pool_groups

# In the folder of a round: the gold it froze, with its sides, and the hard negatives beside it.
GOLD_FILE = "gold.parquet"
HARD_NEGATIVES_FILE = "hard_negatives.parquet"

# How far the share of a leaf may stray before its cut moves: a quarter of what is wanted, a
# standard deviation of chance, or one product, whichever is most. Less would be more even, and
# would move more products whenever gold grows.
_TOLERANCE = 0.25


class Side(StrEnum):
    """The sides of a split; a release may do without validation, and a round does."""

    TRAIN = "train"
    VALIDATION = "validation"
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
        test_share: Share of products wanted on the test side, between 0 and 1.
        seed: Chooses another split of the same kind.

    Raises:
        UnknownProduct: A labelled product is not in the pool.
        UsageError: ``test_share`` is not between 0 and 1.
    """
    groups = pool_groups(pool, labels)
    return split_by_group(labels, groups, test_share=test_share, seed=seed)


def split_by_group(
    labels: Mapping[str, str], groups: Mapping[str, str], *, test_share: float, seed: int
) -> Split:
    """Put whole groups on one side each, both sides present in every leaf where possible.

    Args:
        labels: Product id to category id.
        groups: Product id to group key, for at least the labelled products.
        test_share: Share of products wanted on the test side, between 0 and 1.
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
    labels: Mapping[str, str],
    groups: Mapping[str, str],
    *,
    test_share: float,
    seed: int,
    validation_share: float = 0.0,
    since: Mapping[str, int] | None = None,
) -> dict[str, Side]:
    """The side of every product in ``groups``, of which ``labels`` tells the leaf of some.

    Args:
        labels: Product id to category id.
        groups: Product id to group key, for at least the labelled products.
        test_share: Share of products wanted on the test side, between 0 and 1.
        seed: Chooses another split of the same kind.
        validation_share: Share wanted on the validation side; none when 0.
        since: When each product came in, such as a sequence number: the first of a group decides
            its place. Without it the group's key does.

    Raises:
        UsageError: A share is out of range, or nothing is left to train on.
    """
    _check_shares(test_share, validation_share)
    place = _places(groups, since, seed)
    cuts = (test_share, 1 - validation_share)
    side = {key: _side(at, cuts) for key, at in place.items()}
    of_leaf: dict[str, Counter[str]] = {}
    for product, leaf in labels.items():
        of_leaf.setdefault(leaf, Counter())[groups[product]] += 1
    for leaf, keys in _own_groups(of_leaf).items():
        ordered = sorted(keys, key=lambda key: (place[key], key))
        sizes = [of_leaf[leaf][key] for key in ordered]
        tested = sum(side[key] is Side.TEST for key in ordered)
        tested = _cut(sizes, tested, share=test_share)
        checked = 0
        if validation_share and len(ordered) > tested + 1:
            # From the other end, so that neither cut moves what the other decides about.
            checked = sum(side[key] is Side.VALIDATION for key in ordered[tested:])
            within = validation_share / (1 - test_share)
            checked = _cut(sizes[tested:][::-1], checked, share=within)
        for position, key in enumerate(ordered):
            if position < tested:
                side[key] = Side.TEST
            else:
                held = position >= len(ordered) - checked
                side[key] = Side.VALIDATION if held else Side.TRAIN
    for leaf in sorted(of_leaf):
        _fill_empty_side(set(of_leaf[leaf]), place, side, others=of_leaf)
    return {product: side[key] for product, key in groups.items()}


def _check_shares(test_share: float, validation_share: float) -> None:
    if not 0 < test_share < 1:
        raise UsageError(f"The test share must lie between 0 and 1; it is {test_share}.")
    if not 0 <= validation_share < 1:
        raise UsageError(f"The validation share must be 0 or more; it is {validation_share}.")
    if test_share + validation_share >= 1:
        raise UsageError(
            f"A test share of {test_share} and a validation share of {validation_share} leave "
            "nothing to train on. Lower one of them."
        )


def _places(
    groups: Mapping[str, str], since: Mapping[str, int] | None, seed: int
) -> dict[str, float]:
    """The place of every group."""
    if since is None:
        return {key: _place(key, seed) for key in set(groups.values())}
    first: dict[str, tuple[int, str]] = {}
    for product, key in groups.items():
        came = (since[product], product)
        first[key] = min(came, first.get(key, came))
    return {key: _place(product, seed) for key, (_, product) in first.items()}


def _side(place: float, cuts: tuple[float, float]) -> Side:
    if place < cuts[0]:
        return Side.TEST
    return Side.VALIDATION if place >= cuts[1] else Side.TRAIN


def _own_groups(of_leaf: Mapping[str, Mapping[str, int]]) -> dict[str, list[str]]:
    """The groups that each leaf decides about: of several leaves, the one with most groups."""
    owner: dict[str, str] = {}
    for leaf in sorted(of_leaf, key=lambda leaf: (-len(of_leaf[leaf]), leaf)):
        for key in of_leaf[leaf]:
            owner.setdefault(key, leaf)
    owned: dict[str, list[str]] = {}
    for key, leaf in owner.items():
        owned.setdefault(leaf, []).append(key)
    return owned


def _cut(sizes: Sequence[int], cut: int, *, share: float) -> int:
    """How many of the first groups are held out, of groups of these sizes, where chance says
    ``cut``: as many as bring the share into tolerance, and neither none nor all of several.
    """
    wanted = share * sum(sizes)
    tolerance = max(1.0, _TOLERANCE * wanted, sqrt(wanted * (1 - share)))
    held = sum(sizes[:cut])
    while abs(held - wanted) > tolerance:
        step = 1 if held < wanted else -1
        size = sizes[cut if step > 0 else cut - 1]
        if abs(held + step * size - wanted) >= abs(held - wanted):
            break
        cut, held = cut + step, held + step * size
    return min(max(cut, 1), len(sizes) - 1) if len(sizes) > 1 else cut


def _fill_empty_side(
    members: set[str],
    place: Mapping[str, float],
    side: dict[str, Side],
    *,
    others: Mapping[str, Mapping[str, int]],
) -> None:
    """Move the group nearest to the missing side, unless that empties a side of another leaf."""
    tested = {side[key] is Side.TEST for key in members}
    if len(members) < 2 or len(tested) == 2:
        return
    missing = not tested.pop()
    for key in sorted(members, key=lambda key: (place[key], key), reverse=not missing):
        touched = [
            keys.keys() - {key}
            for keys in others.values()
            if key in keys and len(keys) > 1 and keys.keys() != members
        ]
        if all(any((side[k] is Side.TEST) != missing for k in keys) for keys in touched):
            side[key] = Side.TEST if missing else Side.TRAIN
            return


def _place(key: str, seed: int) -> float:
    """A number from 0 to 1 that only the key and the seed decide."""
    digest = hashlib.blake2b(f"{seed}\n{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
