import numpy as np
import pyarrow as pa
import pytest

from productnet.errors import TrainingError, UnknownName, UnknownProduct
from productnet.evaluation.baselines import BagOfWords, joined_texts
from productnet.evaluation.table import CONTENDERS, Scored, Task, evaluate_table

KINDS = {"mugs": "ceramic mug", "chairs": "oak chair", "lamps": "desk lamp"}


def shop(per_leaf: int) -> tuple[pa.Table, dict[str, str]]:
    labels = {f"{leaf}-{n}": leaf for leaf in KINDS for n in range(per_leaf)}
    titles = [f"{KINDS[leaf]} number {n}" for leaf in KINDS for n in range(per_leaf)]
    brands = [None if n % 2 else "Acme" for n in range(len(labels))]
    table = pa.table({"id": list(labels), "title": titles, "brand": brands})
    return table, labels


def perfect(task: Task) -> Scored:
    leaves = [product.split("-")[0] for product in task.test.column("id").to_pylist()]
    classes = tuple(sorted(set(task.labels.values())))
    return Scored(np.array([[leaf == name for name in classes] for leaf in leaves], float), classes)


def clueless(task: Task) -> Scored:
    return Scored(np.zeros((len(task.test), 3)), ("chairs", "lamps", "mugs"))


def halves(labels: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    return dict(list(labels.items())[::2]), dict(list(labels.items())[1::2])


def test_every_contender_is_trained_and_tested_on_the_same_products() -> None:
    products, labels = shop(8)
    train, test = halves(labels)
    rows = evaluate_table(
        products, train, test, contenders={"perfect": perfect, "clueless": clueless}
    )
    assert [(row.name, row.top1, row.top3, row.n_train, row.n_test) for row in rows] == [
        ("perfect", 1.0, 1.0, 12, 12),
        ("clueless", 0.0, 1.0, 12, 12),
    ]
    assert rows[0].macro_f1 == 1.0


def test_bag_of_words_learns_the_words_of_a_leaf() -> None:
    products, labels = shop(8)
    train, test = halves(labels)
    [row] = evaluate_table(products, train, test, names=["bag of words"])
    assert row.top1 == 1.0
    assert row.seconds > 0


def test_rows_that_need_an_absent_modality_are_left_out() -> None:
    products, labels = shop(8)
    train, test = halves(labels)
    fakes = dict.fromkeys(CONTENDERS, clueless)
    names = [row.name for row in evaluate_table(products, train, test, contenders=fakes)]
    assert names == ["master", "text only", "bag of words"]
    pictures = pa.table({"id": list(labels), "image": [b"jpeg"] * len(labels)})
    names = [row.name for row in evaluate_table(pictures, train, test, contenders=fakes)]
    assert names == ["master", "image only"]


def test_a_column_that_is_no_field_is_not_read() -> None:
    products, labels = shop(8)
    train, test = halves(labels)
    noise = products.set_column(1, "title", pa.array(["word"] * len(labels)))
    telling = noise.append_column("shelf", pa.array(list(labels.values())))
    [hidden] = evaluate_table(telling, train, test, names=["bag of words"])
    [asked] = evaluate_table(telling, train, test, names=["bag of words"], fields=["shelf"])
    assert hidden.top1 < 0.5
    assert asked.top1 == 1.0


def test_a_table_names_what_it_cannot_use() -> None:
    products, labels = shop(2)
    with pytest.raises(TrainingError, match="test side of gold is empty"):
        evaluate_table(products, labels, {})
    with pytest.raises(UnknownProduct, match='"ghost" is labelled'):
        evaluate_table(products, labels, {"ghost": "mugs"})
    with pytest.raises(UnknownName, match=r'no row "bag of word"\. Did you mean "bag of words"'):
        evaluate_table(products, labels, labels, names=["bag of word"])


def test_two_leaves_get_two_columns_of_scores() -> None:
    products = pa.table({"id": ["a", "b"], "title": ["blue mug", "oak chair"]})
    model = BagOfWords().fit(products, ["mugs", "chairs"])
    scores = model.score(products)
    assert scores.shape == (2, 2)
    assert scores.dtype == np.float32
    assert model.predict(products) == ["mugs", "chairs"]


def test_bag_of_words_says_what_it_cannot_learn_from() -> None:
    products, _ = shop(1)
    with pytest.raises(TrainingError, match="two leaves or more"):
        BagOfWords().fit(products, ["mugs"] * 3)
    with pytest.raises(TrainingError, match="3 products but 2 labels"):
        BagOfWords().fit(products, ["mugs", "chairs"])
    with pytest.raises(TrainingError, match="no words to learn from"):
        BagOfWords().fit(pa.table({"id": ["a", "b"]}), ["mugs", "chairs"])
    with pytest.raises(TrainingError, match="call fit first"):
        BagOfWords().score(products)


def test_missing_texts_are_left_out_of_the_joined_text() -> None:
    products, _ = shop(1)
    assert joined_texts(products)[:2] == ["ceramic mug number 0\nAcme", "oak chair number 0"]
