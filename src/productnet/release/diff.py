"""What changed from one release to another, product by product and leaf by leaf."""

from collections import Counter
from dataclasses import dataclass

import pyarrow.parquet as pq

from productnet.catalog.schema import ID
from productnet.release.parts import GOLD, HARD_NEGATIVES, Released
from productnet.release.rows import CATEGORY_ID


@dataclass(frozen=True, slots=True)
class LeafDifference:
    """One leaf.

    Attributes:
        category: Its id.
        path: Its path, as the later release has it, or the earlier where the later has not.
        added: Gold that was not released before.
        removed: Gold that is not released any more.
        came: Gold that was released under another leaf.
        left: Gold that is released under another leaf now.
        moved: Gold that is on another side.
        hard_added: Hard negatives that were none before.
        hard_removed: Hard negatives that are none any more.
    """

    category: str
    path: str
    added: int = 0
    removed: int = 0
    came: int = 0
    left: int = 0
    moved: int = 0
    hard_added: int = 0
    hard_removed: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """From one release to another.

    Attributes:
        before: Version of the first.
        after: Version of the second.
        same_taxonomy: Whether both have the same.
        same_content: Whether every file but the manifest is the same.
        kept: Gold that is the same in both, on the same side.
        added: Product to its leaf, of gold that is new.
        removed: Product to its leaf, of gold that is gone.
        relabelled: Product to its leaf before and after.
        moved: Product to its side before and after, its leaf being the same.
        leaves: Every leaf that has any difference, in the taxonomy's order.
    """

    before: str
    after: str
    same_taxonomy: bool
    same_content: bool
    kept: int
    added: dict[str, str]
    removed: dict[str, str]
    relabelled: dict[str, tuple[str, str]]
    moved: dict[str, tuple[str, str]]
    leaves: tuple[LeafDifference, ...]


def compare_releases(before: Released, after: Released) -> Difference:
    """What the second has otherwise than the first."""
    was, now = _gold(before), _gold(after)
    both = [product for product in now if product in was]
    relabelled = {
        product: (was[product][0], now[product][0])
        for product in both
        if was[product][0] != now[product][0]
    }
    moved = {
        product: (was[product][1], now[product][1])
        for product in both
        if product not in relabelled and was[product][1] != now[product][1]
    }
    added = {product: leaf for product, (leaf, _) in now.items() if product not in was}
    removed = {product: leaf for product, (leaf, _) in was.items() if product not in now}
    hard_was, hard_now = _hard(before), _hard(after)
    counts = {
        "added": Counter(added.values()),
        "removed": Counter(removed.values()),
        "came": Counter(leaf for _, leaf in relabelled.values()),
        "left": Counter(leaf for leaf, _ in relabelled.values()),
        "moved": Counter(now[product][0] for product in moved),
        "hard_added": Counter(leaf for _, leaf in hard_now - hard_was),
        "hard_removed": Counter(leaf for _, leaf in hard_was - hard_now),
    }
    return Difference(
        before=before.manifest.version,
        after=after.manifest.version,
        same_taxonomy=before.taxonomy.hash == after.taxonomy.hash,
        same_content=before.manifest.content_hash == after.manifest.content_hash,
        kept=len(both) - len(relabelled) - len(moved),
        added=added,
        removed=removed,
        relabelled=relabelled,
        moved=moved,
        leaves=_leaves(before, after, counts),
    )


def _leaves(
    before: Released, after: Released, counts: dict[str, Counter[str]]
) -> tuple[LeafDifference, ...]:
    paths = {
        leaf.id: leaf.label for released in (after, before) for leaf in released.taxonomy.leaves
    }
    paths |= {leaf.id: leaf.label for leaf in after.taxonomy.leaves}
    return tuple(
        LeafDifference(leaf, path, **{name: count[leaf] for name, count in counts.items()})
        for leaf, path in paths.items()
        if any(count[leaf] for count in counts.values())
    )


def _gold(released: Released) -> dict[str, tuple[str, str]]:
    """Product to its leaf and side, by product id."""
    found: dict[str, tuple[str, str]] = {}
    for part in released.parts:
        if part.table == GOLD:
            table = pq.read_table(part.path, columns=[ID, CATEGORY_ID])
            for product, leaf in zip(*(column.to_pylist() for column in table), strict=True):
                found[product] = leaf, part.side
    return dict(sorted(found.items()))


def _hard(released: Released) -> set[tuple[str, str]]:
    """Pairs of product and leaf."""
    found: set[tuple[str, str]] = set()
    for part in released.parts:
        if part.table == HARD_NEGATIVES:
            table = pq.read_table(part.path, columns=[ID, CATEGORY_ID])
            found.update(zip(*(column.to_pylist() for column in table), strict=True))
    return found
