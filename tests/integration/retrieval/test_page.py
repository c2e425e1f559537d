"""A page of a pool with near-duplicates: one card for all, the decided ones' last, always full."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.embeddings.near_duplicates import NearDuplicates
from productnet.embeddings.sets import EmbeddingSet, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.local.model import Floats
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.page import next_page
from productnet.retrieval.random import Random
from productnet.retrieval.resources import Resources
from productnet.settings import Project, Settings
from productnet.taxonomy.tree import Category

POOL = 120


@dataclass
class InOrder:
    """A source that ranks the pool as it is, and knows only its first products."""

    known: int = POOL
    asked: int = 0
    keeps_order: bool = False

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        self.asked += 1
        free = [p for p in resources.ids[: self.known].to_pylist() if p not in leaf.hidden]
        return [Candidate(product, "nearest", 0.5, "in order") for product in free[:count]]


def shop(folder: Path, groups: Sequence[Sequence[str]], *, size: int = POOL) -> Resources:
    """Products ``p0``, ``p1``, … all unlike one another, but for groups of near-duplicates."""
    project = Project(folder, Settings())
    resources = Resources(project)
    ids = [f"p{number}" for number in range(size)]
    resources.ids = pa.array(ids)
    resources.embeddings = embedded(folder / "unlike", ids, np.eye(size, dtype=np.float32))
    stamp = {"format_version": 1}
    NearDuplicates.write(project.near_duplicates_path / "groups", groups, stamp=stamp)
    return resources


def embedded(folder: Path, ids: Sequence[str], vectors: Floats) -> EmbeddingSet:
    stamp = Stamp(folder.name, "numbers", vectors.shape[1], len(ids), 1, None, 0, "2030-01-01")
    return write_embedding_set(folder, ids=pa.array(ids), vectors=[vectors], stamp=stamp)


def leaf(*decided: str) -> Leaf:
    return Leaf(Category("mugs", ("Mugs",)), decided[:1], decided[1:], frozenset(decided))


def page_of(
    resources: Resources,
    known: Leaf,
    *,
    count: int = 10,
    source: InOrder | Random | None = None,
    seed: int = 0,
) -> list[Candidate]:
    source = source or InOrder()
    return next_page(source, known, resources, count=count, rng=np.random.default_rng(seed))


def products(page: Sequence[Candidate]) -> list[str]:
    return [candidate.product for candidate in page]


def test_near_duplicates_share_the_card_of_the_best(tmp_path: Path) -> None:
    resources = shop(tmp_path, [["p1", "p2", "p3"], ["p50", "p4"]])
    page = page_of(resources, leaf())
    assert products(page) == ["p0", "p1", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11"]
    copies = {card.product: (card.copies, card.copy_count) for card in page if card.copies}
    assert copies == {"p1": (("p2", "p3"), 2), "p4": (("p50",), 1)}


def test_a_card_does_not_stand_for_what_is_hidden(tmp_path: Path) -> None:
    resources = shop(tmp_path, [["p1", "p2", "p3"]])
    page = page_of(resources, leaf("p2"), count=POOL)
    assert products(page)[-2:] in (["p1", "p3"], ["p3", "p1"])
    assert not any(card.copies for card in page)


def test_copies_of_decided_products_come_when_nothing_else_is_left(tmp_path: Path) -> None:
    resources = shop(tmp_path, [["p0", "p1", "p2"], ["p3", "p4"]], size=12)
    known = leaf("p0")
    assert not {"p1", "p2"} & set(products(page_of(resources, known, count=8)))
    page = page_of(resources, known, count=9)
    assert products(page)[:7] == ["p3", *(f"p{number}" for number in range(5, 11))]
    assert len(set(products(page))) == 9
    everything = page_of(resources, known, count=20)
    assert set(products(everything)) == {f"p{number}" for number in range(1, 12)}
    assert {card.reason for card in everything[-3:]} == {"a near-duplicate of another"}
    # What has a card of its own is no longer a copy on another.
    assert not any(card.copies for card in everything)


def test_a_page_is_full_however_large_the_groups_are(tmp_path: Path) -> None:
    groups = [[f"p{number}" for number in range(start, start + 40)] for start in (0, 40)]
    resources = shop(tmp_path, groups)
    page = page_of(resources, leaf(), count=5)
    assert products(page) == ["p0", "p40", "p80", "p81", "p82"]
    assert [card.copy_count for card in page] == [39, 39, 0, 0, 0]
    assert len(page[0].copies) == 24


def test_what_a_source_leaves_open_is_filled_without_copies_of_its_cards(tmp_path: Path) -> None:
    groups = [[f"p{number}" for number in range(100)]]
    resources = shop(tmp_path, groups)
    page = page_of(resources, leaf(), source=InOrder(known=3))
    assert products(page)[0] == "p0"
    assert {card.source for card in page[1:]} == {"random"}
    assert all(int(product[1:]) >= 100 for product in products(page)[1:])
    assert page[0].copy_count == 99


def test_chance_draws_no_copies_on_one_page(tmp_path: Path) -> None:
    groups = [[f"p{number}", f"p{number + 60}"] for number in range(60)]
    resources = shop(tmp_path, groups)
    for seed in range(5):
        page = page_of(resources, leaf(), count=50, source=Random(), seed=seed)
        assert len({int(product[1:]) % 60 for product in products(page)}) == 50


def test_a_source_is_asked_once_where_nothing_is_repeated(tmp_path: Path) -> None:
    source = InOrder()
    page_of(shop(tmp_path, [["p1", "p2"]]), leaf("p5", "p7"), source=source)
    assert source.asked == 1


@pytest.mark.parametrize("count", [1, 7, 119, 120, 500])
def test_every_page_is_as_long_as_the_pool_allows(tmp_path: Path, count: int) -> None:
    rng = np.random.default_rng(count)
    order = [f"p{number}" for number in rng.permutation(POOL)]
    groups = [order[:30], order[30:33], order[33:35], order[40:70]]
    resources = shop(tmp_path, groups)
    known = leaf(*order[28:50])
    page = page_of(resources, known, count=count)
    assert len(page) == len(set(products(page))) == min(count, POOL - 22)
    assert not known.hidden & set(products(page))
    named = [copy for card in page for copy in card.copies]
    assert len(named) == len(set(named))
    assert not set(named) & (known.hidden | set(products(page)))
    assert page == page_of(resources, known, count=count)


def test_a_page_shows_different_things(tmp_path: Path) -> None:
    resources = shop(tmp_path, [])
    alike = np.eye(POOL, dtype=np.float32)
    alike[:12] = alike[0]
    resources.embeddings = embedded(tmp_path / "alike", resources.ids.to_pylist(), alike)
    page = products(page_of(resources, leaf()))
    assert page[0] == "p0"
    assert sum(int(product[1:]) >= 12 for product in page) >= 4


def test_without_embeddings_a_page_is_as_ranked(tmp_path: Path) -> None:
    resources = Resources(Project(tmp_path, Settings()))
    resources.ids = pa.array([f"p{number}" for number in range(POOL)])
    assert products(page_of(resources, leaf())) == [f"p{number}" for number in range(10)]
