from productnet.evaluation.starts import Starts
from productnet.taxonomy.tree import Category

MUGS = Category("mugs", ("Kitchen", "Mugs"))
TRUTH = {f"mug-{n}": "mugs" for n in range(9)} | {f"sofa-{n}": "sofas" for n in range(30)}


def test_before_a_round_a_leaf_begins_with_one_of_each_kind() -> None:
    starts = Starts(TRUTH)
    leaf = starts.leaf(MUGS, seed=0)
    assert [TRUTH[product] for product in leaf.positives] == ["mugs"]
    assert [TRUTH[product] for product in leaf.negatives] == ["sofas"]
    assert leaf.hidden == {*leaf.positives, *leaf.negatives}


def test_seeds_begin_differently_and_each_always_the_same() -> None:
    begun = [Starts(TRUTH).leaf(MUGS, seed=seed) for seed in range(8)]
    assert begun == [Starts(TRUTH).leaf(MUGS, seed=seed) for seed in range(8)]
    assert len({leaf.hidden for leaf in begun}) > 1


def test_after_a_round_a_leaf_begins_with_the_gold_that_its_model_knew() -> None:
    gold = {"mug-3": "mugs", "mug-1": "mugs", "mug-2": "mugs", "sofa-1": "sofas", "sofa-2": "sofas"}
    starts = Starts(TRUTH, gold)
    leaf = starts.leaf(MUGS, seed=0)
    assert leaf.positives == ["mug-1", "mug-2", "mug-3"]
    assert leaf.negatives == ["sofa-1", "sofa-2"]


def test_what_the_round_knew_to_be_wrong_is_known_from_the_beginning() -> None:
    gold = {"mug-1": "mugs", "sofa-1": "sofas"}
    rejected = {"sofa-9": ["mugs"], "sofa-8": ["desks", "mugs"], "sofa-7": ["desks"]}
    leaf = Starts(TRUTH, gold, rejected).leaf(MUGS, seed=0)
    assert leaf.positives == ["mug-1"]
    assert leaf.negatives == ["sofa-8", "sofa-9"]


def test_a_leaf_of_which_only_wrong_products_are_known_begins_with_one_that_is_right() -> None:
    rejected = {"mug-0": ["mugs"], "sofa-9": ["mugs"]}
    starts = Starts(TRUTH, {"sofa-1": "sofas"}, rejected)
    for seed in range(8):
        leaf = starts.leaf(MUGS, seed=seed)
        assert leaf.negatives == ["mug-0", "sofa-9"]
        assert TRUTH[leaf.positives[0]] == "mugs"
        assert leaf.positives != ["mug-0"]


def test_negatives_are_no_more_than_positives() -> None:
    gold = {"mug-3": "mugs"} | {f"sofa-{n}": "sofas" for n in range(20)}
    assert len(Starts(TRUTH, gold).leaf(MUGS, seed=0).negatives) == 1


def test_a_leaf_that_the_round_did_not_know_begins_with_one_of_each_kind() -> None:
    leaf = Starts(TRUTH, {"sofa-1": "sofas"}).leaf(MUGS, seed=0)
    assert (len(leaf.positives), len(leaf.negatives)) == (1, 1)


def test_wrong_gold_is_a_positive_of_the_leaf_all_the_same() -> None:
    starts = Starts(TRUTH, {"sofa-5": "mugs"})
    leaf = starts.leaf(MUGS, seed=0)
    assert leaf.positives == ["sofa-5"]


def test_a_leaf_without_products_and_a_pool_of_one_leaf_begin_with_what_there_is() -> None:
    nothing = Category("vases", ("Kitchen", "Vases"))
    assert Starts(TRUTH).leaf(nothing, seed=0).positives == []
    assert Starts({"mug-1": "mugs"}).leaf(MUGS, seed=0).negatives == []
