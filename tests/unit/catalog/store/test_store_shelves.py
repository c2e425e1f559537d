from productnet.catalog.store.leaves import stocked, store_guidelines, store_taxonomy
from productnet.taxonomy.guidelines import Guideline
from productnet.taxonomy.registry import TAXONOMY_READERS


def test_the_taxonomy_is_one_that_the_reader_accepts() -> None:
    tree = TAXONOMY_READERS["paths"].read(store_taxonomy().splitlines(), name="store")
    assert tree.version == stocked().version
    assert [leaf.label for leaf in tree.leaves] == [leaf.category for leaf in stocked().leaves]
    assert len(tree.leaves) == 43


def test_every_leaf_has_a_whole_guideline_and_only_leaves_have() -> None:
    tree = TAXONOMY_READERS["paths"].read(store_taxonomy().splitlines(), name="store")
    assert set(store_guidelines()) == {leaf.label for leaf in tree.leaves}
    for texts in store_guidelines().values():
        guideline = Guideline(**texts)
        assert guideline.definition
        assert guideline.include
        assert guideline.exclude
        assert guideline.examples


def test_the_leaf_an_exclusion_points_to_exists() -> None:
    names = {(leaf.category or "").split(" > ")[-1] for leaf in stocked().leaves}
    for texts in store_guidelines().values():
        for line in texts["exclude"]:
            _, _, where = line.rpartition(": ")
            assert where == "none of these leaves" or set(where.split(", ")) <= names, line


def test_siblings_share_no_telling_words() -> None:
    for shelf in stocked().shelves:
        told = [
            word
            for leaf in stocked().on(shelf)
            for word in (*leaf.titles, *leaf.talk, *leaf.traits)
        ]
        assert len(told) == len(set(told))
