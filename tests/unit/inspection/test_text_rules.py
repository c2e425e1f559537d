"""What is wrong with a text, by rule; and what is not."""

import pytest

from productnet.inspection import text_rules as rules

FINE = [
    "Café au lait, 250 ml",
    "Tom & Jerry's mug <3 mm rim",
    "A/B testing for beginners",
    "Saucepan – 24 cm – induction",
    "Ångström ruler",
    "São Paulo shirt, “large”",
]


@pytest.mark.parametrize("text", FINE)
def test_ordinary_texts_break_no_rule(text: str) -> None:
    assert not [kind for kind, breaks in rules.ANYWHERE.items() if breaks(text)]
    assert not rules.is_shouted(text)
    assert not rules.is_list(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("address in a text", "More on http://shop.example/mug"),
        ("address in a text", "WWW.SHOP.EXAMPLE"),
        ("markup in a text", "<p class='x'>Mug</p>"),
        ("markup in a text", "Salt &amp; pepper"),
        ("wrong encoding", "CafÃ© au lait"),
        ("wrong encoding", "Saucepan â€“ 24 cm"),
        ("wrong encoding", "Caf\ufffd"),
        ("says that there is nothing", " N/A "),
        ("says that there is nothing", "Not available"),
        ("says that there is nothing", "--"),
    ],
)
def test_broken_texts_are_told_of(kind: str, text: str) -> None:
    assert rules.ANYWHERE[kind](text)


def test_capitals_shout_only_where_there_are_enough_and_small_ones_exist() -> None:
    assert rules.is_shouted("ESPRESSO MACHINE 15 BAR")
    assert not rules.is_shouted("LED TV")
    assert not rules.is_shouted("エスプレッソマシン自動十五気圧付き")


def test_a_list_has_three_points() -> None:
    assert rules.is_list("Good.\n• one\n• two\n• three")
    assert rules.is_list("1. grind\n2) brew\n3. drink")
    assert not rules.is_list("Wash at 30 - 40 degrees - never hotter - please")


def test_scripts_are_told_apart() -> None:
    assert rules.script("Кофеварка для дома") == "CYRILLIC"
    assert rules.script("Café crème") == "LATIN"
    assert rules.script("24 cm") is None


def test_words_are_the_same_whatever_their_order() -> None:
    assert rules.same_words("Blue mug, 350 ml", "MUG (350ml) blue")
    assert not rules.same_words("Blue mug", "Blue mugs")
