"""The model card tells what the model's own run told."""

from dataclasses import replace

import numpy as np
import torch

from productnet.master.facts import class_facts, number_facts
from productnet.master.fields.frozen import Frozen
from productnet.master.history import Epoch
from productnet.master.model_card import model_card
from productnet.master.network import MasterNetwork
from productnet.master.presets import PRESETS
from productnet.master.storage import Card, Number, SavedInput


def a_network(classes: int) -> MasterNetwork:
    encoder = Frozen(encoder="minilm", dimension=6, scale=1.0)
    return MasterNetwork({"text": encoder}, PRESETS["fast"], dimension=4, classes=classes)


def a_card() -> Card:
    # Four products held out; the second is taken for class 2, which comes second on the third.
    logits = np.log(np.array([[0.8, 0.1, 0.1], [0.2, 0.1, 0.7], [0.1, 0.6, 0.3], [0.1, 0.8, 0.1]]))
    facts = class_facts(
        a_network(3),
        np.array([0] * 20 + [1] * 5 + [2] * 30 + [3] * 7),
        np.array([0, 0, 1, 1]),
        logits,
        temperature=1.0,
    )
    return Card(
        preset=replace(PRESETS["fast"], nested=(2,)),
        inputs={"text": SavedInput(("title", "brand"), "frozen:minilm", {})},
        dimension=4,
        classes=("mugs", "lamps|lights", "chairs"),
        temperature=1.3,
        history=(Epoch(0.5, 0.75, 0.6),),
        seed=9,
        taxonomy="google 2021-09-21",
        facts=facts,
    )


def test_facts_are_those_worked_out_by_hand() -> None:
    facts = a_card().facts
    assert facts is not None
    assert (facts.products, facts.per_class, facts.rejected) == (55, (20, 5, 30), 7)
    held_out = facts.held_out
    assert held_out is not None
    assert (held_out.products, held_out.accuracy, held_out.top3) == (4, 0.75, 1.0)
    # Mugs: precision 1, recall 1/2. Lamps: both 1.
    assert held_out.macro_f1 is not None
    np.testing.assert_allclose(held_out.macro_f1, (2 / 3 + 1) / 2)
    # Bins: .8 and .8, both right; .7, wrong; .6, right.
    assert held_out.calibration_error is not None
    np.testing.assert_allclose(held_out.calibration_error, (0.4 + 0.7 + 0.4) / 4)


def test_the_card_says_what_was_learnt_from_what_and_how_well() -> None:
    text = model_card(a_card(), tested={"top-1": 0.912})
    head, body = text.split("---\n")[1:3]
    assert "license: unknown" in head
    assert "library_name: productnet" in head
    for told in (
        "55 products with a known category",
        "7 products of none of the categories",
        "google 2021-09-21",
        "| title + brand | `frozen:minilm` |",
        "| lamps\\|lights | 5 |",
        "cut off at 2 dimensions",
        "seed 9",
        "| top-1 | 0.912 |",
        "On 4 products held out",
        "divided by 1.300",
        "1 categories were learnt from fewer than ten products",
        "## Licence",
        f"torch {torch.__version__}",
    ):
        assert told in body, told


def test_a_number_s_card_has_no_categories() -> None:
    truth, said = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 5.0])
    facts = number_facts(a_network(1), 40, truth, said, body="a model of 3 categories")
    assert facts.held_out is not None
    assert (facts.held_out.absolute_error, facts.held_out.r2) == (0.25, 0.8)
    card = replace(a_card(), classes=(), number=Number(2.0, 1.0), facts=facts, temperature=1.0)
    text = model_card(card)
    assert "predicts a number" in text
    assert "Transferred from a model of 3 categories" in text
    assert "| mean absolute error | 0.250 |" in text
    assert "categories</summary>" not in text


def test_a_model_saved_before_facts_were_kept_says_so() -> None:
    text = model_card(replace(a_card(), facts=None))
    assert "Nothing is known of the data" in text
    assert "No products were held out" in text
