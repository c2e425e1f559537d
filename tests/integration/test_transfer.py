"""A trained body learns another target, from a table, and answers in that target's terms."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from productnet.cli.main import app
from productnet.errors import ModelError, ProductNetError, TrainingError, UnknownProduct
from productnet.master.model import MasterModel
from productnet.master.presets import PRESETS, Input
from productnet.master.transfer import Start

KINDS = ("mug", "lamp", "chair")
COLOURS = ("red", "blue")
STUFFS = ("tin", "oak")
TEXT = replace(
    PRESETS["fast"],
    inputs=(Input(("text",), "tfidf", {"width": 12}),),
    hidden=16,
    batch_size=16,
    min_steps=60,
    learning_rate=0.01,
)


def shop(count: int) -> pa.Table:
    rows = [
        {
            "id": f"p{number}",
            "title": f"{COLOURS[number % 2]} {KINDS[number % 3]} of {STUFFS[number % 4 < 2]}",
            "kind": KINDS[number % 3],
            "colour": COLOURS[number % 2],
            "wooden": number % 4 < 2,
            "price": 10.0 * (number % 3) + number % 2 + 0.01 * number,
        }
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="module")
def body() -> MasterModel:
    return MasterModel(TEXT, dimension=8).fit(shop(60), "kind")


def test_other_labels_are_learnt_and_the_body_stays_as_it_was(body: MasterModel) -> None:
    before = body.predict_proba(shop(9))
    tuned = body.finetune(shop(60), "colour")
    assert tuned.classes == ("blue", "red")
    assert tuned.predict(shop(9)) == shop(9)["colour"].to_pylist()
    np.testing.assert_allclose(tuned.predict_proba(shop(9)).sum(axis=1), 1, rtol=1e-5)
    assert np.array_equal(body.predict_proba(shop(9)), before)
    again = body.finetune(shop(60), "colour")
    assert np.array_equal(again.encode(shop(9)), tuned.encode(shop(9)))


@pytest.mark.parametrize("start", ["whole", "encoders"])
def test_a_target_that_there_is_no_time_to_solve_lines_for_is_learnt_without(start: Start) -> None:
    inputs = (Input(("text",), "tfidf", {"width": 12, "words": True}),)
    with_lines = replace(TEXT, inputs=inputs, linear_work=600)
    body = MasterModel(with_lines, dimension=8).fit(shop(60), "kind")
    tuned = body.finetune(shop(200), "colour", start=start)
    assert tuned.predict(shop(9)) == shop(9)["colour"].to_pylist()


def test_yes_or_no_is_told_so(body: MasterModel) -> None:
    tuned = body.finetune(shop(60), "wooden")
    assert tuned.classes == ("no", "yes")
    assert tuned.predict(shop(6)) == ["yes", "yes", "no", "no", "yes", "yes"]


def test_a_number_is_predicted_in_its_own_unit(body: MasterModel, tmp_path: Path) -> None:
    tuned = body.finetune(shop(60), "price", epochs=40)
    assert tuned.predicts_number
    said, truth = tuned.predict_number(shop(30)), np.array(shop(30)["price"])
    assert np.abs(said - truth).mean() < 2
    assert tuned.encode(shop(3)).shape == (3, 8)
    for asked in (tuned.predict, tuned.predict_proba):
        with pytest.raises(ModelError, match="predicts a number. Use predict_number"):
            asked(shop(3))
    with pytest.raises(ModelError, match="tells categories apart"):
        body.predict_number(shop(3))
    tuned.save(tmp_path / "model")
    loaded = MasterModel.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_number(shop(30)), said)
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text()
    assert "mean absolute error" in card
    assert "Transferred from a model of 3 categories, learnt from 60 products" in card


def test_targets_come_by_row_by_id_or_are_missing(body: MasterModel) -> None:
    table, colours = shop(40), shop(40)["colour"].to_pylist()
    by_row = body.finetune(table, colours)
    by_id = body.finetune(table, dict(zip(table["id"].to_pylist(), colours, strict=True)))
    assert np.array_equal(by_row.predict_proba(table), by_id.predict_proba(table))
    some = body.finetune(table, [*colours[:30], *[None] * 10])
    fewer = body.finetune(table.slice(0, 30), "colour")
    assert np.array_equal(some.predict_proba(table), fewer.predict_proba(table))


def test_transfer_starts_from_the_body(body: MasterModel) -> None:
    few = shop(12)

    def trained(model: MasterModel) -> np.ndarray:
        """What is not solved anew: the first half."""
        rows = model.encode(shop(20))[:, :4]
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    tuned = body.finetune(few, "kind", epochs=1, body_rate=0.0, start="whole")
    np.testing.assert_allclose(trained(tuned), trained(body), atol=1e-6)
    moved = body.finetune(few, "kind", epochs=1, start="whole")
    assert np.abs(trained(moved) - trained(body)).max() > 1e-3


def test_a_trial_says_what_to_take_over(body: MasterModel) -> None:
    def taken(start: Start) -> str:
        told = body.finetune(shop(60), "kind", start=start).model_card()
        return told.split("(seed 0): ")[1].splitlines()[0]

    # The body tells kinds apart already.
    assert taken("auto") == taken("whole") == "all of it"
    assert taken("encoders") == "its encoders"
    with pytest.raises(TrainingError, match='no start "body"'):
        taken("body")  # type: ignore[arg-type]


def test_words_that_the_body_never_met_are_learnt_under_new_layers(
    body: MasterModel, tmp_path: Path
) -> None:
    foreign = pa.table(
        {
            "id": [str(number) for number in range(24)],
            "title": [f"{('kopp', 'stol')[number % 2]} nr {number % 5}" for number in range(24)],
            "kind": [("mug", "chair")[number % 2] for number in range(24)],
        }
    )
    tuned = body.finetune(foreign, "kind", start="encoders")
    assert tuned.predict(foreign) == foreign["kind"].to_pylist()
    tuned.save(tmp_path / "model")
    again = MasterModel.load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(foreign), tuned.predict_proba(foreign))
    assert body.predict(shop(9)) == shop(9)["kind"].to_pylist()


@pytest.mark.parametrize(
    ("target", "kind", "error", "text"),
    [
        ("size", "auto", TrainingError, 'no target column "size"'),
        (["red"], "auto", TrainingError, "1 targets for 12 products"),
        ([None] * 12, "auto", TrainingError, "no products with a known target"),
        ({"nowhere": "red"}, "auto", UnknownProduct, "nowhere"),
        (["red"] * 12, "auto", TrainingError, 'All 12 products are labelled "red"'),
        (["red", "x"] * 6, "number", TrainingError, "'red' is no number"),
        ([float("nan"), 1.0] * 6, "number", TrainingError, "nan is no number"),
        ([3.0] * 12, "number", TrainingError, "All 12 targets are 3"),
        (["", "red"] * 6, "auto", TrainingError, "empty text"),
        ("colour", "colours", TrainingError, 'no kind of target "colours"'),
    ],
)
def test_what_cannot_be_learnt_is_refused(
    body: MasterModel, target: object, kind: str, error: type[ProductNetError], text: str
) -> None:
    with pytest.raises(error, match=text):
        body.finetune(shop(12), target, kind=kind)  # type: ignore[arg-type]


def test_the_commands_transfer_predict_and_measure(body: MasterModel, tmp_path: Path) -> None:
    body.save(tmp_path / "body")
    pq.write_table(shop(60), tmp_path / "shop.parquet")

    def run(*words: str) -> dict[str, object]:
        done = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        found: dict[str, object] = json.loads(done.stdout)
        return found

    shop_file, model = str(tmp_path / "shop.parquet"), str(tmp_path / "body")
    for target, kind in (("colour", "labels"), ("price", "number")):
        out = str(tmp_path / target)
        made = run("transfer", shop_file, "--target", target, "--model", model, "--out", out)
        assert (made["kind"], made["products"]) == (kind, 60)
        measured = run("evaluate", shop_file, "--label", target, "--model", out)
        assert measured["top1" if kind == "labels" else "products"]
        answers = str(tmp_path / f"{target}.csv")
        run("categorize", shop_file, "--model", out, "--out", answers, "--top", "1")
        columns = pa.csv.read_csv(answers).column_names
        assert columns[:2] == ["product", "number" if kind == "number" else "category"]
