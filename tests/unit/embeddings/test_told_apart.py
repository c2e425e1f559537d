"""Which pairs people told apart: the last word counts."""

from dataclasses import dataclass

from productnet.embeddings.told_apart import ToldApart


@dataclass
class Said:
    products: list[str]
    apart: list[str]


def test_all_different_one_odd_and_all_the_same() -> None:
    different = ToldApart([Said(["a", "b", "c"], ["a", "b", "c"])])
    assert all(different(one, other) for one, other in ("ab", "cb", "ac"))
    odd = ToldApart([Said(["a", "b", "c"], ["b"])])
    assert (odd("a", "b"), odd("b", "c"), odd("c", "a")) == (True, True, False)
    assert odd.products == {"a", "b", "c"}
    same = ToldApart([Said(["a", "b"], [])])
    assert not same("a", "b")
    assert same.reviewed(["b", "a"])
    assert not same.reviewed(["a", "b", "c"])
    assert not same.products


def test_the_last_word_on_a_pair_counts() -> None:
    apart = ToldApart([Said(["a", "b", "c"], ["a", "b", "c"]), Said(["b", "a"], [])])
    assert not apart("a", "b")
    assert apart("a", "c")
    assert apart.pairs == [("a", "c"), ("b", "c")]
