"""Pools past ``exact_up_to``, lowered here, with a real embedding set and a real index."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.embeddings import sets
from productnet.embeddings.sets import EmbeddingSet, build_index, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.local.ask import Ask
from productnet.retrieval.active import Active
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.neighbourhood import Neighbourhoods
from productnet.retrieval.page import next_page
from productnet.retrieval.resources import Resources
from productnet.settings import CandidateSettings, Project, Settings
from productnet.taxonomy.tree import Category
from tests.untitled import Untitled

PRODUCTS, ISLANDS, OF_EACH, DIMENSION = 30_000, 200, 150, 48


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSet:
    """Products 0 to 149 are one island, 150 to 299 the next; five islands make a leaf."""
    rng = np.random.default_rng(0)
    leaves = np.repeat(rng.normal(size=(ISLANDS // 5, 1, DIMENSION)), 5, axis=0)
    islands = leaves + 1.2 * rng.normal(size=(ISLANDS, 1, DIMENSION))
    vectors = islands + 0.6 * rng.normal(size=(ISLANDS, OF_EACH, DIMENSION))
    stamp = Stamp("islands", "numbers", DIMENSION, PRODUCTS, 1, None, 0, "2030-01-01")
    made = write_embedding_set(
        tmp_path_factory.mktemp("big") / "islands",
        ids=pa.array([f"p{row}" for row in range(PRODUCTS)]),
        vectors=[vectors.reshape(PRODUCTS, DIMENSION).astype(np.float32)],
        stamp=stamp,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets, "INDEXED_FROM", 1_000)
        build_index(made)
    assert made.index_facts is not None
    return made


def resources(
    embeddings: EmbeddingSet,
    tmp_path: Path,
    *,
    exact_up_to: int,
    most: int = 4_000,
    by_chance: int = 500,
) -> Resources:
    settings = Settings(candidates=CandidateSettings(exact_up_to=exact_up_to))
    made = Untitled(Project(tmp_path, settings))
    made.embeddings = embeddings
    made.ids = embeddings.ids
    made.neighbourhoods = Neighbourhoods(embeddings, each=50, most=most, outside=by_chance)
    return made


def leaf(*, positives: list[int], negatives: list[int]) -> Leaf:
    yes, no = [f"p{row}" for row in positives], [f"p{row}" for row in negatives]
    return Leaf(Category("mugs", ("Kitchen", "Mugs")), yes, no, frozenset([*yes, *no]))


def belongs(product: str) -> bool:
    return int(product[1:]) < 5 * OF_EACH


def labelled(resources: Resources, *, pages: int) -> Leaf:
    """A leaf after so many pages of the local model's surest products, answered rightly."""
    known = leaf(positives=[0], negatives=[5_000])
    for _ in range(pages):
        rng = np.random.default_rng(0)
        page = [one.product for one in next_page(Active(), known, resources, count=20, rng=rng)]
        known = replace(
            known.without(page),
            positives=[*known.positives, *(one for one in page if belongs(one))],
            negatives=[*known.negatives, *(one for one in page if not belongs(one))],
        )
    return known


def islands(leaf: Leaf) -> set[int]:
    return {int(product[1:]) // OF_EACH for product in leaf.positives}


def test_a_part_of_the_pool_answers_about_as_the_whole_would(
    embeddings: EmbeddingSet, tmp_path: Path
) -> None:
    known = leaf(positives=[0, 7, 150, 620], negatives=[900, 5_000, 12_000])
    whole = resources(embeddings, tmp_path, exact_up_to=PRODUCTS)
    part = resources(embeddings, tmp_path, exact_up_to=PRODUCTS - 1)
    scored = part.scorer(known, part, model="logistic-regression")
    assert scored is not None and scored.rows is not None
    assert len(scored.rows) == len(scored.scores) < 1_000
    pages = [
        next_page(Active(ask), known, one, count=20, rng=np.random.default_rng(0))
        for ask in (Ask.POSITIVES, Ask.AMBIGUOUS)
        for one in (whole, part)
    ]
    assert {candidate.source for page in pages for candidate in page} == {"active"}
    right = [sum(belongs(candidate.product) for candidate in page) for page in pages[:2]]
    assert right[1] >= right[0] - 2
    assert max(abs(candidate.score - 0.5) for candidate in pages[3]) < 0.2


def test_chance_finds_islands_of_the_leaf_that_neighbours_do_not(
    embeddings: EmbeddingSet, tmp_path: Path
) -> None:
    # In so small a pool, thousands of neighbours would be a good part of it.
    with_chance, without = (
        resources(embeddings, tmp_path, exact_up_to=1_000, most=100, by_chance=by_chance)
        for by_chance in (1_000, 0)
    )
    found = labelled(with_chance, pages=25)
    assert islands(found) == {0, 1, 2, 3, 4}
    missed = labelled(without, pages=25)
    assert islands(missed) < islands(found)
    assert len(missed.positives) < len(found.positives)


def test_the_same_decisions_give_the_same_page_after_opening_again(
    embeddings: EmbeddingSet, tmp_path: Path
) -> None:
    worked = resources(embeddings, tmp_path, exact_up_to=1_000)
    known = labelled(worked, pages=3)
    opened = resources(EmbeddingSet.open(embeddings.path), tmp_path, exact_up_to=1_000)
    pages = [
        next_page(Active(), known, one, count=20, rng=np.random.default_rng(0))
        for one in (worked, opened)
    ]
    assert pages[0] == pages[1]


def test_a_leaf_whose_neighbours_are_all_decided_still_gets_a_page(
    embeddings: EmbeddingSet, tmp_path: Path
) -> None:
    part = resources(embeddings, tmp_path, exact_up_to=1_000, by_chance=0)
    known = leaf(positives=list(range(150)), negatives=list(range(800, 900)))
    page = next_page(Active(), known, part, count=20, rng=np.random.default_rng(0))
    assert {candidate.source for candidate in page} == {"active"}
    assert len(page) == 20


def test_nearest_by_the_index_finds_what_it_finds_exactly(
    embeddings: EmbeddingSet, tmp_path: Path
) -> None:
    known = leaf(positives=[0, 7, 150], negatives=[9, 900])
    exact, approximate = (
        Nearest().rank(
            known,
            resources(embeddings, tmp_path, exact_up_to=up_to),
            count=30,
            rng=np.random.default_rng(0),
        )
        for up_to in (PRODUCTS, 1)
    )
    assert len({one.product for one in exact} & {one.product for one in approximate}) >= 28
    assert exact[0].score == pytest.approx(approximate[0].score, abs=1e-5)
    assert exact[0].reason == approximate[0].reason
    assert not known.hidden & {one.product for one in [*exact, *approximate]}
