"""Every registered source keeps the contract of ``Source`` and ``next_page``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.near_duplicates import NearDuplicates
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import UnknownName
from productnet.local.registry import LOCAL_MODELS
from productnet.retrieval.active import Active
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.confusable import Confusable
from productnet.retrieval.keyword_query import parse_query
from productnet.retrieval.neighbourhood import Neighbourhoods
from productnet.retrieval.page import next_page
from productnet.retrieval.recommendations import Recommendations
from productnet.retrieval.registry import SOURCES
from productnet.retrieval.resources import Resources
from productnet.settings import CandidateSettings, CatalogSettings, Project, Settings
from productnet.taxonomy.tree import Category

HOSTILE = [
    "AND OR NOT",
    'title:"mugs',
    "((((((((((",
    "*",
    "a:[b TO c}",
    "/(.*)+/",
    "\x00\x07",
    "\u202e\u0641\u0646\u062c\u0627\u0646 \U0001f375",
    "-mug^-1 ~99999999999999999999",
    "  ",
    "x" * 50_000,
    "(" * 20_000,
]


class StandSpace:
    """Compares a text with titles by the words they share."""

    modalities = ("text",)

    def __init__(self, titles: Sequence[str | None]) -> None:
        self._words = [set(str(title).lower().split()) for title in titles]

    def nearest(
        self, *, text: str | None = None, image: bytes | None = None, count: int
    ) -> list[tuple[str, float]]:
        asked = {word.rstrip("s") for word in str(text).lower().split()}
        shared = [float(bool(asked & words)) for words in self._words]
        best = sorted(range(len(shared)), key=lambda row: (-shared[row], row))
        return [(f"p{row}", shared[row]) for row in best[:count]]


def shop(folder: Path, titles: Sequence[str | None], *, exact_up_to: int = 1_000_000) -> Resources:
    """A project whose product ``p0``, ``p1``, … have these titles and vectors to match."""
    settings = Settings(
        catalog=CatalogSettings(fields=("title", "description")),
        candidates=CandidateSettings(exact_up_to=exact_up_to),
    )
    project = Project.create(folder / "shop", settings)
    ids = [f"p{number}" for number in range(len(titles))]
    products = [
        Product(id, {"title": title} if title else {}, fingerprint=b"12345678")
        for id, title in zip(ids, titles, strict=True)
    ]
    pool = Pool.create(project.pool_path, ("title", "description"))
    pool.append(products_to_table(products, ("title", "description")))
    rng = np.random.default_rng(0)
    kinds = {title: rng.normal(size=16) for title in sorted({str(title) for title in titles})}
    vectors = np.stack([kinds[str(title)] for title in titles])
    vectors = vectors + 0.3 * rng.normal(size=vectors.shape)
    resources = Resources(project)
    stamp = Stamp("titles", "numbers", 16, len(ids), pool.version, None, 0, "2030-01-01")
    resources.embeddings = write_embedding_set(
        project.embeddings_path / "titles",
        ids=pa.array(ids),
        vectors=[vectors.astype(np.float32)],
        stamp=stamp,
    )
    # Few of so small a pool; they are used past ``exact_up_to`` products only.
    resources.neighbourhoods = Neighbourhoods(resources.embeddings, each=5, outside=100)
    confident = pa.table(
        {
            "product": ids[::3],
            "category": ["mugs"] * len(ids[::3]),
            "confidence": pa.array(np.linspace(0.9, 0.1, len(ids[::3])), pa.float32()),
            "rank": pa.array([1] * len(ids[::3]), pa.int8()),
        }
    )
    resources.recommendations = Recommendations(ds.dataset(confident), round=1)
    resources.outside = StandSpace(titles)
    return resources


def leaf(
    *, positives: Sequence[str] = (), negatives: Sequence[str] = (), name: str = "Mugs"
) -> Leaf:
    hidden = frozenset([*positives, *negatives])
    return Leaf(Category("mugs", ("Kitchen", name)), positives, negatives, hidden)


def propose(
    source: str, leaf: Leaf, resources: Resources, *, count: int, seed: int = 0
) -> list[Candidate]:
    rng = np.random.default_rng(seed)
    return next_page(SOURCES[source](), leaf, resources, count=count, rng=rng)


@pytest.fixture(params=list(SOURCES))
def source(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module", params=[1_000_000, 1], ids=["whole pool", "neighbourhood"])
def resources(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Resources:
    titles = ["Blue mug", "Plain cup", "Salad bowl", "Wall clock", None]
    folder = tmp_path_factory.mktemp("sources")
    return shop(folder, titles * 40, exact_up_to=request.param)


LEAVES = {
    "empty": leaf(),
    "one positive": leaf(positives=["p0"]),
    "one negative": leaf(negatives=["p1"]),
    "both": leaf(positives=["p0", "p5"], negatives=["p1"]),
    "not embedded": leaf(positives=["elsewhere"], negatives=["p1"]),
    "many": leaf(
        positives=[f"p{number}" for number in range(0, 150, 5)],
        negatives=[f"p{number}" for number in range(1, 150, 5)],
    ),
}


@pytest.mark.parametrize("known", list(LEAVES))
@pytest.mark.parametrize("count", [1, 20])
def test_exactly_as_many_new_products_as_asked(
    source: str, resources: Resources, known: str, count: int
) -> None:
    page = propose(source, LEAVES[known], resources, count=count)
    products = [candidate.product for candidate in page]
    assert len(page) == len(set(products)) == count
    assert not LEAVES[known].hidden & set(products)
    assert set(products) <= set(resources.ids.to_pylist())
    assert all(candidate.source in SOURCES and candidate.reason for candidate in page)
    assert all(0 <= candidate.score <= 1 for candidate in page)


@pytest.mark.parametrize("known", list(LEAVES))
def test_confusable_products_keep_the_contract_though_no_menu_names_them(
    resources: Resources, known: str
) -> None:
    rivals = {f"p{number}": "Cups" for number in range(3, 90, 5)}
    leaf = replace(LEAVES[known], rivals=rivals)
    first, second = (
        next_page(Confusable(), leaf, resources, count=20, rng=np.random.default_rng(3))
        for _ in "ab"
    )
    assert first == second
    products = {candidate.product for candidate in first}
    assert len(first) == len(products) == 20
    assert not leaf.hidden & products
    assert all(candidate.source in SOURCES and candidate.reason for candidate in first)
    assert all(0 <= candidate.score <= 1 for candidate in first)


@pytest.mark.parametrize("known", ["empty", "many"])
def test_the_same_seed_gives_the_same_page(source: str, resources: Resources, known: str) -> None:
    first, second = (propose(source, LEAVES[known], resources, count=20, seed=3) for _ in "ab")
    assert first == second


def test_an_exhausted_pool_gives_what_is_left(source: str, resources: Resources) -> None:
    everything = resources.ids.to_pylist()
    nearly = replace(leaf(positives=["p0"], negatives=["p1"]), hidden=frozenset(everything[:-6]))
    page = propose(source, nearly, resources, count=20)
    assert {candidate.product for candidate in page} == set(everything[-6:])
    assert not propose(source, replace(nearly, hidden=frozenset(everything)), resources, count=5)


def test_a_pool_of_one(source: str, tmp_path: Path) -> None:
    single = shop(tmp_path, ["Blue mug"])
    (only,) = propose(source, leaf(), single, count=20)
    assert only.product == "p0"
    assert not propose(source, leaf(positives=["p0"]), single, count=20)


def test_a_pool_without_texts(source: str, tmp_path: Path) -> None:
    mute = shop(tmp_path, [None] * 90)
    for known in ("empty", "both"):
        assert len(propose(source, LEAVES[known], mute, count=20)) == 20


def test_a_pool_of_which_nothing_is_known(source: str, tmp_path: Path) -> None:
    """No text, no picture: every vector is zero."""
    mute = shop(tmp_path, [None] * 60)
    mute.embeddings = write_embedding_set(
        mute.project.embeddings_path / "nothing",
        ids=mute.ids,
        vectors=[np.zeros((60, 16), np.float32)],
        stamp=Stamp("nothing", "numbers", 16, 60, 1, None, 0, "2030-01-01"),
    )
    for known in ("empty", "one positive", "both"):
        page = propose(source, LEAVES[known], mute, count=20)
        products = {candidate.product for candidate in page}
        assert len(page) == len(products) == 20
        assert not LEAVES[known].hidden & products
        assert all(0 <= candidate.score <= 1 for candidate in page)


def test_near_duplicates_share_a_card(source: str, tmp_path: Path) -> None:
    twins = [[f"p{number}", f"p{number + 5}"] for number in range(60) if number % 10 < 5]
    doubled = shop(tmp_path, ["Blue mug", "Plain cup", "Salad bowl", "Wall clock", None] * 12)
    stamp = {"format_version": 1}
    NearDuplicates.write(doubled.project.near_duplicates_path / "groups", twins, stamp=stamp)
    page = propose(source, LEAVES["both"], doubled, count=20)
    groups = doubled.near_duplicates.groups_of([candidate.product for candidate in page])
    assert len(page) == len(set(groups.tolist())) == 20
    decided = doubled.near_duplicates.groups_of(["p0", "p1", "p5"])
    assert not set(groups.tolist()) & set(decided.tolist())
    assert all(len(candidate.copies) == candidate.copy_count == 1 for candidate in page)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name(source: str, resources: Resources, name: str) -> None:
    assert len(propose(source, leaf(name=name), resources, count=20)) == 20


@pytest.mark.parametrize("query", [*HOSTILE, "\ud800", "", "mug -blue", '"blue mug"~3'])
def test_no_query_raises(resources: Resources, query: str) -> None:
    hits = resources.keywords.search(parse_query(query), count=5)
    assert len(hits) <= 5
    assert {hit.product for hit in hits} <= set(resources.ids.to_pylist())


def test_a_leaf_of_ten_thousand_labels(source: str, tmp_path: Path) -> None:
    large = shop(tmp_path, ["Blue mug", "Plain cup"] * 5_050)
    known = leaf(
        positives=[f"p{number}" for number in range(0, 10_000, 2)],
        negatives=[f"p{number}" for number in range(1, 10_000, 2)],
    )
    first, second = (propose(source, known, large, count=20) for _ in "ab")
    assert first == second
    products = {candidate.product for candidate in first}
    assert len(first) == len(products) == 20
    assert not known.hidden & products
    assert products <= set(large.ids.to_pylist())


def test_sources_find_what_they_are_for(resources: Resources) -> None:
    mugs = {f"p{number}" for number in range(0, 200, 5)}
    known = LEAVES["both"]
    for source in ("keyword", "nearest", "adhoc", "active", "mixed"):
        page = propose(source, known, resources, count=20)
        # The master model of this shop recommends one mug in five; half of a mix are its picks.
        expected = 9 if source == "mixed" else 12
        assert len({candidate.product for candidate in page} & mugs) >= expected, source
    mixed = propose("mixed", known, resources, count=20)
    assert "active" in {candidate.source for candidate in mixed}
    recommended = {f"p{number}" for number in range(0, 200, 3)}
    assert len(recommended & {candidate.product for candidate in mixed}) > 20 / 3
    assert {c.source for c in propose("active", LEAVES["empty"], resources, count=5)} == {"keyword"}


def test_the_local_model_is_asked_three_things_and_named(resources: Resources) -> None:
    from productnet.local.ask import Ask

    known = LEAVES["both"]
    rng = np.random.default_rng(0)
    pages = [next_page(Active(ask), known, resources, count=10, rng=rng) for ask in Ask]
    versions = {candidate.model_version for page in pages for candidate in page}
    assert len(versions) == 1
    positives, negatives, ambiguous = ([c.score for c in page] for page in pages)
    assert min(positives) > max(negatives)
    assert max(abs(score - 0.5) for score in ambiguous) < max(abs(s - 0.5) for s in negatives)
    more = replace(known, negatives=["p1", "p2"])
    assert next_page(Active(), more, resources, count=1, rng=rng)[0].model_version not in versions


def choose(model: str, resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this the project's kind of local model, for one test."""
    settings = resources.project.settings
    chosen = settings.candidates.model_copy(update={"local_model": model})
    settings = settings.model_copy(update={"candidates": chosen})
    monkeypatch.setattr(resources, "project", replace(resources.project, settings=settings))


@pytest.mark.parametrize("model", list(LOCAL_MODELS))
@pytest.mark.parametrize("source", ["active", "mixed"])
def test_the_project_chooses_the_kind_of_local_model(
    resources: Resources, source: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(model, resources, monkeypatch)
    found = propose(source, LEAVES["both"], resources, count=10)
    versions = {candidate.model_version for candidate in found if candidate.source == "active"}
    assert [version.split(":")[0] for version in versions if version] == [model]


def test_a_project_that_chooses_an_unknown_local_model_is_told(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose("naive-baies", resources, monkeypatch)
    with pytest.raises(UnknownName, match='Did you mean "naive-bayes"'):
        propose("active", LEAVES["both"], resources, count=1)
