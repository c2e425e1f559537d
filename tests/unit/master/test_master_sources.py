import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from productnet.errors import TrainingError, UnknownProduct
from productnet.master.sources import match_labels, stream_products

TABLE = pa.table(
    {
        "id": ["a", "b", "c"],
        "title": ["red mug", None, "lamp"],
        "brand": ["Acme", " ", None],
        "category": ["mugs", "mugs", "lamps"],
    }
)


def test_only_fields_of_the_paper_are_read_unless_others_are_named() -> None:
    products, labels = match_labels(TABLE, "category")
    assert products.text_fields == ("title", "brand")
    assert labels == ["mugs", "mugs", "lamps"]
    assert products.texts(("title",)) == ["red mug", None, "lamp"]
    assert products.texts(("brand",)) == ["Acme", None, None]
    named, _ = match_labels(TABLE, "category", fields=("category",))
    assert named.texts(("category",)) == ["mugs", "mugs", "lamps"]
    every, _ = match_labels(TABLE, "category", fields=("text",))
    assert every.text_fields == ("title", "brand")


@pytest.mark.parametrize("convert", [pa.Table.to_pandas, pl.from_arrow], ids=["pandas", "polars"])
def test_frames_give_what_the_arrow_table_gives(convert: object) -> None:
    assert callable(convert)
    frame = convert(TABLE)
    expected, labels = match_labels(TABLE, "category")
    products, same = match_labels(frame, "category")
    assert same == labels
    assert products.ids.equals(expected.ids)
    for name in ("title", "brand"):
        assert products.texts((name,)) == expected.texts((name,))


def test_a_mapping_takes_the_products_it_names() -> None:
    products, labels = match_labels(TABLE, {"c": "lamps", "a": "mugs"})
    assert products.ids.to_pylist() == ["c", "a"]
    assert labels == ["lamps", "mugs"]
    assert products.texts(("title",)) == ["lamp", "red mug"]


def test_images_come_as_bytes_or_as_datasets_write_them() -> None:
    plain = pa.table({"image": pa.array([b"x", None])})
    nested = pa.table({"image": pa.array([{"bytes": b"x", "path": "x.png"}, None])})
    for table in (plain, nested):
        products, _ = match_labels(table, ["u", "v"])
        assert products.images(np.array([1, 0])) == [None, b"x"]
        assert products.has_image().tolist() == [True, False]


def test_numbers_and_lists_become_text() -> None:
    table = pa.table({"title": [7, None], "bullet_points": [["one", "two"], None]})
    products, _ = match_labels(table, ["u", "v"])
    assert products.texts(("title",)) == ["7", None]
    assert products.texts(("bullet_points",)) == ["one two", None]


def test_a_missing_column_is_missing_for_every_product() -> None:
    (block,) = stream_products(TABLE.select(["title"]), fields=("title", "brand", "image"), block=9)
    assert block.texts(("brand",)) == [None, None, None]
    assert block.has_image().tolist() == [False, False, False]
    blocks = stream_products(TABLE, fields=("title",), block=2)
    assert [block.ids.to_pylist() for block in blocks] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("table", "labels", "fields", "error", "text"),
    [
        (TABLE, ["mugs"], None, TrainingError, "1 labels for 3 products"),
        (TABLE, "kind", None, TrainingError, 'no label column "kind"'),
        (TABLE, {"a": "x", "z": "y"}, None, UnknownProduct, '1 of 2 labels .* first "z"'),
        (TABLE, ["x", None, "y"], None, TrainingError, 'label of product "b" is None'),
        (TABLE, ["x", 3, "y"], None, TrainingError, 'label of product "b" is 3'),
        (TABLE, "category", ("size",), TrainingError, 'no field "size". They have: title, brand'),
        (TABLE, "category", (), TrainingError, "no fields to learn from"),
        (TABLE, "category", "title", TrainingError, r'such as \("title",\)'),
        (TABLE.select(["category"]), "category", None, TrainingError, "no fields to learn from"),
        (TABLE.drop_columns(["id"]), {"a": "x"}, None, TrainingError, 'need a column "id"'),
        (
            pd.DataFrame({"id": ["a", "a"], "title": ["x", "y"]}),
            ["u", "v"],
            None,
            TrainingError,
            '2 products have the same id "a"',
        ),
        (
            pa.table({"id": ["a", None], "title": ["x", "y"]}),
            ["u", "v"],
            None,
            TrainingError,
            '1 of 2 products have no "id"',
        ),
        (pa.table({"image": ["a.png"]}), ["u"], None, TrainingError, "encoded images .* as bytes"),
        (pa.table({"title": [{"en": "mug"}]}), ["u"], None, TrainingError, "which is no text"),
        ([{"title": "mug"}], ["u"], None, TrainingError, "this is a list"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    table: pa.Table, labels: list[str], fields: tuple[str, ...], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        match_labels(table, labels, fields=fields)


def test_a_model_needs_one_of_its_fields() -> None:
    with pytest.raises(TrainingError, match="reads image; the table has none of them, only id"):
        next(stream_products(TABLE, fields=("image",), block=9))
