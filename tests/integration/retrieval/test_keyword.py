"""Keyword search as annotators use it: their own words, chosen fields, reasons."""

import numpy as np
import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.errors import UsageError
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.keyword import Keyword
from productnet.retrieval.resources import Resources
from productnet.settings import CatalogSettings, Project, Settings
from productnet.taxonomy.guidelines import Guideline, guideline_file, write_guideline
from productnet.taxonomy.tree import Category

FIELDS = ("title", "description")

PRODUCTS = {
    "blue": ("Blue mug", "Holds tea."),
    "red": ("Red mugs, set of 4", "For coffee and tea."),
    "travel": ("Travel mug", "Of steel, keeps tea hot on the road."),
    "beaker": ("Tumbler", "Of glass."),
    "kettle": ("Kettle", "Boils water for a mug of tea."),
    "clock": ("Wall clock", None),
}

MUGS = Category("kitchen/mugs", ("Kitchen", "Mugs"))


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    settings = Settings(catalog=CatalogSettings(fields=FIELDS))
    project = Project.create(tmp_path_factory.mktemp("keyword") / "shop", settings)
    products = [
        Product(
            id,
            {name: text for name, text in zip(FIELDS, texts, strict=True) if text},
            fingerprint=b"12345678",
        )
        for id, texts in PRODUCTS.items()
    ]
    Pool.create(project.pool_path, FIELDS).append(products_to_table(products, FIELDS))
    return Resources(project)


def ranked(
    source: Keyword, resources: Resources, *, hidden: tuple[str, ...] = (), count: int = 10
) -> list[Candidate]:
    leaf = Leaf(MUGS, (), (), frozenset(hidden))
    return source.rank(leaf, resources, count=count, rng=np.random.default_rng(0))


def products(source: Keyword, resources: Resources) -> list[str]:
    return [candidate.product for candidate in ranked(source, resources)]


def test_without_a_query_the_leaf_is_searched_for(resources: Resources) -> None:
    page = ranked(Keyword(), resources)
    assert {one.product for one in page} == {"blue", "red", "travel", "kettle"}
    assert {one.reason for one in page} == {'matches "mugs"'}
    assert page[0].score == 1.0
    assert [one.score for one in page] == sorted((one.score for one in page), reverse=True)


def test_decided_products_give_way_to_the_next(resources: Resources) -> None:
    best = ranked(Keyword(), resources, count=2)
    rest = ranked(Keyword(), resources, hidden=tuple(one.product for one in best), count=2)
    assert len({one.product for one in [*best, *rest]}) == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tumbler clock", {"beaker", "clock"}),
        ('"mug of tea"', {"kettle"}),
        ("+mug +tea -travel", {"blue", "red", "kettle"}),
        ("mug NOT road", {"blue", "red", "kettle"}),
        ("mug -tea", set()),
        ("***", set()),
        ("", set()),
    ],
)
def test_a_query_finds_what_it_says(resources: Resources, query: str, expected: set[str]) -> None:
    assert set(products(Keyword(query), resources)) == expected


def test_what_is_only_excluded_leaves_the_rest_the_leafs_own_first(resources: Resources) -> None:
    page = ranked(Keyword("-travel -boils"), resources)
    found = [one.product for one in page]
    assert set(found[:2]) == {"blue", "red"}
    assert set(found[2:]) == {"beaker", "clock"}
    assert page[-1].reason == "has none of the words excluded"
    assert all(0 <= one.score <= 1 for one in page)


def test_a_field_is_searched_alone(resources: Resources) -> None:
    assert set(products(Keyword("mug", fields=["title"]), resources)) == {"blue", "red", "travel"}
    assert products(Keyword("mug", fields=["description"]), resources) == ["kettle"]
    with pytest.raises(UsageError, match='no text field "titel". Did you mean "title"?'):
        products(Keyword("mug", fields=["titel"]), resources)


def test_a_reason_names_the_words_that_matched(resources: Resources) -> None:
    reasons = {
        one.product: one.reason for one in ranked(Keyword('mugs steel "set of 4"'), resources)
    }
    assert reasons["travel"] == 'matches "mugs", "steel"'
    assert reasons["red"] == 'matches "mugs", "set of 4"'


def test_a_guideline_adds_the_kinds_it_includes(resources: Resources) -> None:
    folder = resources.project.guidelines_path
    write_guideline(folder, MUGS, Guideline(include=("Tumblers",), exclude=("Clocks",)))
    assert "beaker" in products(Keyword(), resources)
    assert "clock" not in products(Keyword(), resources)
    guideline_file(folder, MUGS).write_text("include = [")
    assert products(Keyword(), resources)
    guideline_file(folder, MUGS).unlink()
