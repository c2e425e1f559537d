"""The model on small tables; pretrained encoders are replaced by ones that need no weights."""

import io
from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image, ImageStat

from productnet.errors import ImageError, ModelError, TrainingError, UnknownProduct
from productnet.master import products as products_module
from productnet.master.model import MasterModel
from productnet.master.presets import EACH, PRESETS, Input, Preset, choose_inputs

KINDS = {"mugs": (200, 30, 30), "lamps": (30, 200, 30), "chairs": (30, 30, 200)}
FAST = replace(PRESETS["fast"], hidden=32, epochs=20, min_steps=0, batch_size=16)
BEST = replace(PRESETS["best"], members=3, hidden=32, min_steps=0, batch_size=16)
PAPER = replace(
    PRESETS["paper"].with_image("inception-v4:random"),
    inputs=(
        Input(("image",), "inception-v4:random", {"side": 75}),
        Input(("title",), "attention-lstm", {"width": 8, "hidden": 8}),
        Input(("description",), "dpcnn", {"width": 8, "maps": 8, "max_length": 16}),
        Input(("brand",), "fasttext", {"buckets": 256, "width": 8}),
    ),
    hidden=16,
    batch_size=16,
)
PAPER_TEXT = replace(PAPER, inputs=PAPER.inputs[1:])


class MeanColour:
    """Stands in for a pretrained image encoder: the mean colour."""

    name, version, dimension = "mean-colour", "1", 3

    def encode(self, images: Sequence[bytes]) -> np.ndarray:
        try:
            means = [ImageStat.Stat(Image.open(io.BytesIO(image))).mean for image in images]
        except OSError as error:
            raise ImageError("no image") from error
        return np.array(means, dtype=np.float32) - 87


class WordCounts:
    """Stands in for a pretrained text encoder: hashed words."""

    name, version, dimension = "word-counts", "1", 32

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 32), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.split():
                vector[crc32(word.encode()) % 32] += 1
        return vectors


@pytest.fixture(autouse=True)
def no_weights_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products_module, "image_encoder", lambda name: MeanColour())
    monkeypatch.setattr(products_module, "text_encoder", lambda name: WordCounts())


def shop(count: int, *, seed: int = 0) -> pa.Table:
    """Products of three kinds; some lack their image, some their text."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        kind = list(KINDS)[number % 3]
        image = io.BytesIO()
        Image.new("RGB", (8, 8), KINDS[kind]).save(image, "PNG")
        named = number % 7 != 3
        rows.append(
            {
                "id": f"p{number}",
                "title": f"{rng.choice(['red', 'big'])} {kind[:-1]} {number}" if named else None,
                "description": f"this {kind[:-1]} is for you " * rng.integers(1, 4),
                "brand": rng.choice(["Acme", "Umbra"]),
                "image": image.getvalue() if number % 5 != 1 else None,
                "kind": kind,
            }
        )
    return pa.Table.from_pylist(rows)


@pytest.mark.parametrize("preset", [FAST, BEST, PAPER_TEXT], ids=["fast", "best", "paper's text"])
def test_learns_32_products_by_heart_and_knows_their_like(preset: Preset) -> None:
    preset = replace(preset, dropout=0.0, field_dropout=0.0, learning_rate=0.01)
    model = MasterModel(preset, dimension=8, epochs=20).fit(shop(32), "kind")
    assert model.predict(shop(32)) == shop(32)["kind"].to_pylist()
    assert model.predict(shop(9, seed=5)) == shop(9)["kind"].to_pylist()
    assert model.history[-1].loss < model.history[0].loss


def test_the_paper_s_network_trains_from_pixels_to_classes() -> None:
    model = MasterModel(replace(PAPER, dropout=0.0), dimension=8, epochs=3).fit(shop(12), "kind")
    assert len(model.history) == 3
    assert model.history[-1].loss < model.history[0].loss
    assert model.encode(shop(4)).shape == (4, 8)


def test_gives_probabilities_and_unit_vectors_in_the_order_of_the_products() -> None:
    model = MasterModel(FAST, dimension=8).fit(shop(40), "kind")
    table = shop(10)
    chances, vectors = model.predict_proba(table), model.encode(table)
    assert model.classes == ("chairs", "lamps", "mugs")
    assert chances.shape == (10, 3)
    assert chances.dtype == vectors.dtype == np.float32
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.ones(10), rtol=1e-5)
    backwards = table.take(np.arange(10)[::-1])
    np.testing.assert_allclose(model.encode(backwards), vectors[::-1], atol=1e-6)
    assert model.predict(table.slice(0, 0)) == []
    assert model.predict_proba(table.slice(0, 0)).shape == (0, 3)


@pytest.mark.parametrize("preset", [FAST, BEST], ids=["fast", "best"])
def test_same_seed_same_weights_and_torch_is_left_as_it_was(preset: Preset) -> None:
    torch.manual_seed(11)
    state = torch.get_rng_state()
    first, again, other = (
        MasterModel(preset, dimension=8, seed=seed, epochs=3).fit(shop(30), "kind")
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(first.encode(shop(9)), again.encode(shop(9)))
    assert first.history == again.history
    assert not np.array_equal(first.encode(shop(9)), other.encode(shop(9)))


@pytest.mark.parametrize(
    "fields", [("image",), ("text",), ("title", "brand")], ids=["image", "text", "some text"]
)
def test_reads_only_the_fields_it_is_given(fields: tuple[str, ...]) -> None:
    model = MasterModel(FAST, dimension=8, fields=fields).fit(shop(60), "kind")
    used = ["id", "title", "description", "brand"] if fields == ("text",) else list(fields)
    table = shop(12)
    assert np.array_equal(model.encode(table), model.encode(table.select(used)))


def test_products_without_an_image_or_with_a_broken_one_are_like() -> None:
    model = MasterModel(FAST, dimension=8).fit(shop(60), "kind")
    table = shop(6)
    place = table.column_names.index("image")
    missing = table.set_column(place, "image", pa.nulls(6, pa.binary()))
    broken = table.set_column(place, "image", pa.array([b"no image"] * 6))
    expected = model.predict_proba(table.drop_columns(["image"]))
    assert np.array_equal(model.predict_proba(missing), expected)
    assert np.array_equal(model.predict_proba(broken), expected)
    assert not np.allclose(model.predict_proba(table), expected)


def test_stops_early_with_the_best_weights() -> None:
    preset = replace(PAPER, inputs=PAPER.inputs[1:2], patience=2, dropout=0.0, learning_rate=0.02)
    table, held_out = shop(40), shop(30, seed=3)
    model = MasterModel(preset, dimension=8, epochs=60)
    model.fit(table, "kind", validation=(held_out, "kind"))
    accuracies = [one.accuracy for one in model.history]
    assert len(accuracies) < 60
    right = np.mean(np.array(model.predict(held_out)) == held_out["kind"].to_pylist())
    assert right == pytest.approx(max(one for one in accuracies if one is not None))


def test_a_class_of_one_product_is_trained_on() -> None:
    table = shop(31)
    labels = ["odd", *table["kind"].to_pylist()[1:]]
    assert "odd" in MasterModel(FAST, dimension=8, epochs=2).fit(table, labels).classes


def two_kinds(count: int) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Labels of the mugs and lamps of a shop, and its chairs as rejected for mugs."""
    kinds = dict(zip(shop(count)["id"].to_pylist(), shop(count)["kind"].to_pylist(), strict=True))
    labels = {product: kind for product, kind in kinds.items() if kind != "chairs"}
    return labels, {product: ["mugs"] for product in kinds.keys() - labels.keys()}


@pytest.mark.parametrize("fields", [None, ("image",), ("text",)], ids=["all", "image", "text"])
def test_rejected_products_teach_the_model_to_say_none(fields: tuple[str, ...] | None) -> None:
    preset = replace(FAST, learning_rate=0.01)
    labels, negatives = two_kinds(60)
    taught, untaught, again = (
        MasterModel(preset, dimension=8, fields=fields).fit(shop(60), labels, negatives=rejected)
        for rejected in (negatives, None, negatives)
    )
    others = shop(30, seed=5)
    chairs = np.array(others["kind"].to_pylist()) == "chairs"
    seen = others["image" if fields == ("image",) else "title"].is_valid().to_numpy()
    assert taught.classes == untaught.classes == ("lamps", "mugs")
    chances = taught.predict_proba(others)
    assert chances.shape == (30, 2)
    assert (chances[chairs & seen].sum(axis=1) < 0.5).all()
    assert (chances[~chairs & seen].max(axis=1) > 0.5).all()
    np.testing.assert_allclose(untaught.predict_proba(others).sum(axis=1), 1, rtol=1e-5)
    assert np.array_equal(again.predict_proba(others), chances)


def test_rejections_that_say_nothing_new_change_nothing() -> None:
    labels, negatives = two_kinds(30)
    nothing_new = {product: ["mugs", "chairs"] for product in labels}
    nothing_new |= {product: ["chairs", "vases"] for product in negatives}
    first, second = (
        MasterModel(FAST, dimension=8, epochs=2).fit(shop(30), labels, negatives=rejected)
        for rejected in (None, nothing_new)
    )
    assert np.array_equal(first.predict_proba(shop(9)), second.predict_proba(shop(9)))


def test_a_rejected_product_that_is_not_there_is_named() -> None:
    labels, _ = two_kinds(30)
    with pytest.raises(UnknownProduct, match="nowhere"):
        MasterModel(FAST).fit(shop(30), labels, negatives={"nowhere": ["mugs"]})


def test_rare_classes_can_weigh_more() -> None:
    preset = replace(FAST, class_weights=True)
    model = MasterModel(preset, dimension=8).fit(shop(40), "kind")
    assert model.predict(shop(6)) == shop(6)["kind"].to_pylist()
    labels, negatives = two_kinds(40)
    model = MasterModel(preset, dimension=8).fit(shop(40), labels, negatives=negatives)
    assert model.predict(shop(2)) == shop(2)["kind"].to_pylist()


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (["mugs"] * 6, 'All 6 products are labelled "mugs"'),
        (["mugs"] * 5, "5 labels for 6 products"),
        ({}, "no labelled products"),
    ],
)
def test_labels_that_teach_nothing_are_refused(labels: list[str], text: str) -> None:
    with pytest.raises(TrainingError, match=text):
        MasterModel(FAST).fit(shop(6), labels)


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(TrainingError, match="no labelled products"):
        MasterModel(FAST).fit(shop(6).slice(0, 0), "kind")


def test_features_that_are_not_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        MeanColour, "encode", lambda self, images: np.full((len(images), 3), np.nan, np.float32)
    )
    with pytest.raises(TrainingError, match="not finite for 24 of 30 products, the first at row 0"):
        MasterModel(FAST).fit(shop(30), "kind")


def test_a_loss_that_explodes_is_an_error() -> None:
    preset = replace(FAST, learning_rate=1e30)
    with pytest.raises(TrainingError, match="Lower the learning rate, which is 1e"):
        MasterModel(preset, dimension=8).fit(shop(30), "kind")


def test_wrong_arguments_say_what_is_right() -> None:
    with pytest.raises(TrainingError, match=r'no preset "fats"\. Did you mean "fast"'):
        MasterModel("fats")
    with pytest.raises(TrainingError, match="dimension is 0"):
        MasterModel(dimension=0)
    with pytest.raises(TrainingError, match='no device "tpux"'):
        MasterModel(device="tpux")
    with pytest.raises(TrainingError, match='missing="learnt"'):
        replace(PRESETS["paper"], field_dropout=0.1)
    with pytest.raises(TrainingError, match="patience=None"):
        replace(PRESETS["paper"], refit=True)
    with pytest.raises(ModelError, match="not trained yet"):
        MasterModel().predict(shop(3))
    with pytest.raises(TrainingError, match="preset reads image; the products have title"):
        MasterModel(replace(PAPER, inputs=PAPER.inputs[:1], other=None), fields=("title",)).fit(
            shop(6), "kind"
        )


def test_inputs_are_those_the_products_can_fill() -> None:
    paper = choose_inputs(PRESETS["paper"], ("title", "material"), with_image=False)
    assert [(one.fields, one.encoder) for one in paper.values()] == [
        (("title",), "attention-lstm"),
        (("material",), "fasttext"),
    ]
    fast = choose_inputs(PRESETS["fast"], ("title", "material"), with_image=False)
    assert {one.fields for one in fast.values()} == {("title", "material")}
    each = choose_inputs(
        Preset((Input((EACH,), "frozen:minilm"),), other="fasttext"),
        ("title", "brand", "material"),
        filled=("title", "material"),
        with_image=True,
    )
    assert [(one.fields, one.encoder) for one in each.values()] == [
        (("title",), "frozen:minilm"),
        (("material",), "frozen:minilm"),
    ]
