"""A search index that stands alone: words, vectors, both, within a category, without a project."""

import json
import shutil
from pathlib import Path

import pytest

from productnet.catalog.pool import Pool
from productnet.embeddings.stamp import read_stamp
from productnet.errors import (
    EmbeddingError,
    ProjectError,
    SearchError,
    UnknownCategory,
    UnknownProduct,
    UsageError,
)
from productnet.files import alone
from productnet.serving.search.build import build_search_index
from productnet.serving.search.index import Mode, SearchIndex
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy


@pytest.fixture(scope="module")
def built(
    before_round: Project, after_round: Project, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Indexes moved to where no project is."""
    folder = tmp_path_factory.mktemp("indexes")
    places = {}
    for name, project in (("before", before_round), ("after", after_round)):
        made = build_search_index(project, folder / f"made-{name}").path
        places[name] = made.rename(folder / name)
    assert {path.name for path in folder.iterdir()} == {"before", "after"}
    return places


@pytest.fixture(scope="module", params=["before", "after"])
def index(request: pytest.FixtureRequest, built: dict[str, Path]) -> SearchIndex:
    return SearchIndex.open(built[request.param])


def title_of(project: Project) -> tuple[str, str]:
    table = Pool.open(project.pool_path).take(
        [Pool.open(project.pool_path).ids()[5].as_py()], columns=["id", "title"]
    )
    return table.column("id")[0].as_py(), table.column("title")[0].as_py()


@pytest.mark.parametrize("mode", list(Mode))
def test_a_title_finds_its_product(index: SearchIndex, before_round: Project, mode: Mode) -> None:
    product, title = title_of(before_round)
    # A title alone is not the vector of its product, which says and shows more.
    count = 60 if mode is Mode.VECTOR else 10
    found = index.search(title, count=count, mode=mode)
    assert product in [one.product for one in found]
    assert len({one.product for one in found}) == len(found) == count
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    mine = next(one for one in found if one.product == product)
    assert mine.title == title
    assert (mine.keyword is None) == (mode is Mode.VECTOR)
    assert (mine.vector is None) == (mode is Mode.KEYWORD)


@pytest.mark.parametrize("mode", list(Mode))
def test_more_than_there_are_may_be_asked_for(index: SearchIndex, mode: Mode) -> None:
    found = index.search("red mug", count=10**12, mode=mode)
    assert 0 < len(found) <= len(index)


def test_hybrid_puts_places_together(index: SearchIndex) -> None:
    found = index.search("red mug", count=20)
    for one in found:
        places = [place for place in (one.keyword, one.vector) if place is not None]
        assert one.score == pytest.approx(sum(1 / (59 + place) for place in places))


@pytest.mark.parametrize("mode", list(Mode))
def test_within_a_category_are_only_products_of_it_or_below(index: SearchIndex, mode: Mode) -> None:
    assert index.taxonomy is not None
    root = index.taxonomy.roots[0]
    found = index.search("small blue", category=root.name, count=30, mode=mode)
    assert found
    for one in found:
        assert one.path is not None
        assert one.path.split(" > ")[0] == root.name
    leaf = next(one.category for one in found if one.category)
    inside = index.search("small blue", category=leaf, count=5, mode=mode)
    assert {one.category for one in inside} <= {leaf}


def test_vectors_within_a_category_are_the_exact_nearest(index: SearchIndex) -> None:
    assert index.taxonomy is not None
    root = index.taxonomy.roots[0]
    everything = index.search("wooden", count=len(index), mode="vector")
    wanted = [one for one in everything if one.path and one.path.split(" > ")[0] == root.name]
    found = index.search("wooden", category=root.id, count=len(wanted), mode="vector")
    assert [one.product for one in found] == [one.product for one in wanted]


def test_a_product_finds_others(index: SearchIndex, before_round: Project) -> None:
    product, _ = title_of(before_round)
    found = index.search(product=product, count=5)
    assert len(found) == 5
    assert product not in [one.product for one in found]


def test_categories_are_the_models_or_by_name(built: dict[str, Path]) -> None:
    told = {name: json.loads((place / "index.json").read_text()) for name, place in built.items()}
    assert told["before"]["categories"] == "zero-shot"
    assert told["before"]["embedding_set"] == "initial"
    assert told["after"]["categories"] == "master"
    assert told["after"]["embedding_set"] == "round-0001"
    assert "database_url" not in json.dumps(told)


def test_questions_that_make_no_sense_are_refused(index: SearchIndex, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Give a text, an image or both"):
        index.search()
    with pytest.raises(UsageError, match="Give a text, an image or both"):
        index.search("mug", product="p1")
    with pytest.raises(UsageError, match="Words cannot find an image"):
        index.search(image=b"x", mode="keyword")
    with pytest.raises(UsageError, match='no mode "sideways". Known: hybrid'):
        index.search("mug", mode="sideways")
    with pytest.raises(UnknownProduct, match='no product "nobody"'):
        index.search(product="nobody")
    with pytest.raises(UnknownCategory, match="not in taxonomy"):
        index.search("mug", category="Spaceships")
    with pytest.raises(UsageError, match="Ask for one at least"):
        index.search("mug", count=0)


@pytest.mark.parametrize("text", ["", "   ", '"', "-mug", "AND OR NOT", "\ud800", "(" * 5_000])
def test_any_text_gets_an_answer(index: SearchIndex, text: str) -> None:
    assert len(index.search(text, count=3)) <= 3


def test_what_is_no_index_says_so(built: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="holds no search index"):
        SearchIndex.open(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(built["before"], copy)
    about = json.loads((copy / "index.json").read_text())
    (copy / "index.json").write_text(json.dumps(about | {"format_version": 99}))
    with pytest.raises(SearchError, match="format 99"):
        SearchIndex.open(copy)
    (copy / "index.json").write_text("{")
    with pytest.raises(SearchError, match="is damaged"):
        SearchIndex.open(copy)
    (copy / "index.json").write_text(json.dumps(about))
    (copy / "titles.arrow").unlink()
    with pytest.raises(SearchError, match=r"is damaged: .*titles\.arrow"):
        SearchIndex.open(copy)


def test_an_index_is_replaced_whole_and_nothing_else_is(
    before_round: Project, built: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "index"
    shutil.copytree(built["before"], out)
    opened = SearchIndex.open(out)
    summary = build_search_index(before_round, out)
    assert summary.products == len(SearchIndex.open(out))
    assert opened.search("mug", count=3)
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="is no search index"):
        build_search_index(before_round, tmp_path / "mine")
    with pytest.raises(UsageError, match="No precision can be promised"):
        build_search_index(before_round, out, precision=0.9)
    assert {path.name for path in tmp_path.iterdir()} == {"index", "mine"}


def test_at_a_precision_the_others_have_no_category(after_round: Project, tmp_path: Path) -> None:
    summary = build_search_index(after_round, tmp_path / "index", precision=0.9)
    assert 0 < summary.categorized < summary.products
    found = SearchIndex.open(tmp_path / "index").search("a", count=summary.products, mode="vector")
    assert sum(one.category is not None for one in found) == summary.categorized


def test_two_do_not_build_one_index(before_round: Project, tmp_path: Path) -> None:
    with (
        alone(tmp_path / ".index.lock", busy=""),
        pytest.raises(ProjectError, match="writes .*index already"),
    ):
        build_search_index(before_round, tmp_path / "index")


def test_a_pool_that_grew_is_embedded_first(own_copy: Project, tmp_path: Path) -> None:
    pool = Pool.open(own_copy.pool_path)
    first = next(iter(pool.scan(batch_size=1)))
    row = first.to_pylist()[0] | {"id": "new"}
    import pyarrow as pa

    pool.append(pa.Table.from_pylist([row], first.schema))
    assert read_stamp(own_copy.embeddings_path / "round-0001").count == len(pool) - 1
    with pytest.raises(EmbeddingError, match="older version of the pool"):
        build_search_index(own_copy, tmp_path / "index")
    assert Taxonomy.load(own_copy.taxonomy_path).leaves
