import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import TaxonomyError, UnknownCategory
from productnet.taxonomy.paths import path_id
from productnet.taxonomy.tree import Category, Taxonomy

PATHS = [
    ("Home",),
    ("Home", "Lamps"),
    ("Home", "Lamps", "Desk Lamps"),
    ("Home", "Lamps", "Floor Lamps"),
    ("Home", "Lamps", "Parts"),
    ("Tools",),
    ("Tools", "Hammers"),
    ("Tools", "Parts"),
]


def tree_of(paths: list[tuple[str, ...]], **facts: str) -> Taxonomy:
    nodes = [Category(path_id(path), path) for path in paths]
    return Taxonomy(nodes, name=facts.get("name", "shop"), version=facts.get("version", "1"))


@pytest.fixture
def tree() -> Taxonomy:
    return tree_of(PATHS)


def test_leaves_roots_and_relatives(tree: Taxonomy) -> None:
    assert [leaf.name for leaf in tree.leaves] == [
        "Desk Lamps", "Floor Lamps", "Parts", "Hammers", "Parts",
    ]  # fmt: skip
    assert [root.id for root in tree.roots] == ["home", "tools"]
    assert [node.id for node in tree.children("tools")] == ["tools/hammers", "tools/parts"]
    assert [node.name for node in tree.siblings("home/lamps/parts")] == [
        "Desk Lamps", "Floor Lamps",
    ]  # fmt: skip
    assert [node.id for node in tree.siblings("home")] == ["tools"]
    assert tree.parent("home") is None
    assert tree.parent("tools/parts") == tree["tools"]
    assert tree.is_leaf("tools/hammers")
    assert not tree.is_leaf("home/lamps")
    assert [node.path for node in tree] == PATHS


@pytest.mark.parametrize(
    "text",
    ["home/lamps/desk-lamps", "Home > Lamps > Desk Lamps", "home>lamps>DESK lamps", "desk lamps"],
)
def test_a_leaf_is_found_by_id_path_and_name(tree: Taxonomy, text: str) -> None:
    assert tree.find(text).label == "Home > Lamps > Desk Lamps"


def test_a_leaf_goes_before_an_inner_category_of_its_name() -> None:
    tree = tree_of([("Lamps",), ("Lamps", "Lamps")])
    assert tree.find("lamps").path == ("Lamps",), "an id or whole path goes before any name"
    tree = tree_of([("Home",), ("Home", "Lamps"), ("Home", "Lamps", "Lamps")])
    assert tree.find("lamps").path == ("Home", "Lamps", "Lamps")


def test_a_name_of_several_leaves_is_refused_with_what_it_could_mean(tree: Taxonomy) -> None:
    with pytest.raises(UnknownCategory, match='"Home > Lamps > Parts", "Tools > Parts"'):
        tree.find("Parts")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("Desk Lmaps", "Desk Lamps"),
        ("home/lamps/desklamp", "home/lamps/desk-lamps"),
        ("Home > Lamp > Desk Lamp", "Home > Lamps > Desk Lamps"),
    ],
)
def test_unknown_names_answer_with_the_nearest(tree: Taxonomy, text: str, nearest: str) -> None:
    expected = f'Category "{text}" is not in taxonomy shop-1. Did you mean "{nearest}"'
    with pytest.raises(UnknownCategory, match=re.escape(expected)):
        tree.find(text)


def test_an_unknown_id_answers_with_the_nearest(tree: Taxonomy) -> None:
    with pytest.raises(UnknownCategory, match='Did you mean "tools/hammers"'):
        tree["tools/hammer"]


@pytest.mark.parametrize(
    ("text", "leaf"),
    [
        ("tools/hammers", "tools/hammers"),
        ("Tools >> Hammers", "tools/hammers"),
        ("Tools | Hammers | Claw hammers | 500 g", "tools/hammers"),
        ("hammers", "tools/hammers"),
        ("Parts", None),
        ("Tools", None),
        ("Tools > Saws", None),
        ("", None),
    ],
)
def test_the_leaf_of_a_feeds_own_text(tree: Taxonomy, text: str, leaf: str | None) -> None:
    found = tree.leaf_of(text)
    assert (found.id if found else None) == leaf


def test_shopifys_ids_may_come_as_uris() -> None:
    tree = Taxonomy([Category("ap-1", ("Pets",))], name="shopify", version="1")
    assert tree.find("gid://shopify/TaxonomyCategory/ap-1").name == "Pets"
    assert tree.leaf_of("gid://shopify/TaxonomyCategory/ap-1") == tree["ap-1"]


def test_the_hash_sees_content_but_neither_name_nor_order(tree: Taxonomy) -> None:
    assert tree_of(PATHS[::-1], name="other", version="2").hash == tree.hash
    assert tree_of(PATHS[:-1]).hash != tree.hash
    renamed = [*PATHS[:-1], ("Tools", "PARTS")]
    assert tree_of(renamed).hash != tree.hash


def test_a_tree_without_a_version_is_known_by_its_hash() -> None:
    tree = Taxonomy([Category("a", ("A",))], name="mine")
    assert str(tree) == f"mine-{tree.hash[:8]}"


@pytest.mark.parametrize(
    ("nodes", "error"),
    [
        ([], "no categories"),
        ([Category("a", ("A",)), Category("a", ("B",))], r'"B" \(id a\) repeats "A" \(id a\)'),
        ([Category("a", ("A",)), Category("b", ("a",))], r'"a" \(id b\) repeats "A" \(id a\)'),
        ([Category("a", ("Mugs",)), Category("b", ("Mug", "Cup"))], 'Did you mean "Mugs"'),
        ([Category("a", ())], "needs an id and names"),
        ([Category("", ("A",))], "needs an id and names"),
    ],
)
def test_what_is_no_tree_is_refused(nodes: list[Category], error: str) -> None:
    with pytest.raises(TaxonomyError, match=error):
        Taxonomy(nodes, name="bad", version="1")


names = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=6)
path_sets = st.sets(st.lists(names, min_size=1, max_size=4).map(tuple), min_size=1, max_size=12)


@given(path_sets)
def test_find_is_the_inverse_of_id_and_label(paths: set[tuple[str, ...]]) -> None:
    every = {path[:length] for path in paths for length in range(1, len(path) + 1)}
    unique = {path_id(path): path for path in sorted(every)}
    whole = [path for path in unique.values() if all(path_id(path[:n]) for n in range(len(path)))]
    try:
        tree = tree_of(whole)
    except TaxonomyError:
        return  # two spellings of a parent: one of them lost its children above
    for node in tree:
        assert tree[node.id] is node
        assert tree.find(node.label) in (node, tree[node.id])
        assert (tree.leaf_of(node.label) is node) == tree.is_leaf(node.id)
        assert node in (tree.roots if len(node.path) == 1 else tree.children(parent_id(node)))


def parent_id(node: Category) -> str:
    return path_id(node.path[:-1])
