"""What encoders made is kept by content, within its memory, and changes no answer."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
import torch

from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.master.fields.columns import Bags, Column, Vectors
from productnet.master.fields.tfidf import Tfidf
from productnet.master.products import InputField, Products
from productnet.master.remembered import Remembered


class Lengths(FieldEncoder):
    """Gives the length of a text, and notes what it was asked."""

    dimension = 2

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.asked: list[list[str | None]] = []
        self._shared_as = name

    @property
    def shared_as(self) -> str | None:
        return self._shared_as

    def config(self) -> dict[str, Json]:
        return {}

    def prepare(self, field: Field) -> Column:
        texts = field.texts()
        self.asked.append(texts)
        values = torch.tensor([[float(len(text or "")), 1.0] for text in texts])
        return Vectors(values, np.array([bool(text) and text != "?" for text in texts]))

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return inputs[0]


class Tokens(Lengths):
    """Gives a column that is no vectors."""

    def prepare(self, field: Field) -> Column:
        self.asked.append(field.texts())
        present = np.ones(len(field), dtype=bool)
        return Bags(np.zeros(0, np.int32), np.zeros(len(field) + 1, np.int64), present)


def titles(texts: Sequence[str | None]) -> InputField:
    ids = pa.array([str(place) for place in range(len(texts))], pa.string())
    table = pa.table({"title": pa.array(texts, pa.string())})
    return InputField(Products(ids, table, None), ("title",))


def lengths(column: Column) -> list[float]:
    assert isinstance(column, Vectors)
    return [float(value) for value in column.values[:, 0]]


def test_only_what_is_new_is_encoded_and_once() -> None:
    remembered, encoder = Remembered(1_000_000), Lengths()
    assert lengths(remembered.prepare(encoder, titles(["mug", "vase", "mug", None]))) == [
        3,
        4,
        3,
        0,
    ]
    column = remembered.prepare(encoder, titles(["vase", "kettle", None]))
    assert lengths(column) == [4, 6, 0]
    assert list(column.present) == [True, True, False]
    assert encoder.asked == [["mug", "vase", None], ["kettle"]]


def test_encoders_share_what_they_have_in_common_and_nothing_else() -> None:
    remembered = Remembered(1_000_000)
    one, other, alone = Lengths("minilm"), Lengths("minilm"), Lengths()
    for encoder in (one, other, alone):
        remembered.prepare(encoder, titles(["mug"]))
    assert (one.asked, other.asked, alone.asked) == ([["mug"]], [], [["mug"]])


def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    remembered, encoder = Remembered(3 * 470), Lengths()
    for text in ("a", "bb", "ccc"):
        remembered.prepare(encoder, titles([text]))
    assert remembered.used_bytes <= 3 * 470
    remembered.prepare(encoder, titles(["a"]))
    remembered.prepare(encoder, titles(["dddd"]))
    encoder.asked.clear()
    remembered.prepare(encoder, titles(["a", "bb", "ccc"]))
    assert encoder.asked == [["bb"]]


def test_more_at_once_than_memory_holds_is_answered_all_the_same() -> None:
    remembered, encoder = Remembered(600), Lengths()
    texts = [str(10**number) for number in range(8)]
    assert lengths(remembered.prepare(encoder, titles(texts))) == [*range(1, 9)]
    assert remembered.used_bytes <= 600


def test_a_column_of_no_vectors_is_made_anew() -> None:
    remembered, encoder = Remembered(1_000_000), Tokens()
    for _ in range(2):
        assert isinstance(remembered.prepare(encoder, titles(["mug", "mug"])), Bags)
    assert encoder.asked[-1] == ["mug", "mug"]
    assert remembered.used_bytes == 0


def test_words_are_kept_with_their_vectors() -> None:
    remembered = Remembered(1_000_000)
    texts = titles(["red mug", "blue mug", None, "red cup"])
    encoder = Tfidf.learn(texts, min_count=1, width=2, words=True)
    remembered.prepare(encoder, titles(["red cup"]))
    kept, anew = remembered.prepare(encoder, texts), encoder.prepare(texts)
    rows = np.array([3, 0, 2])
    for one, other in zip(kept.batch(rows), anew.batch(rows), strict=True):
        torch.testing.assert_close(one, other)
    assert remembered.hits == 1


def test_what_an_encoder_could_not_read_is_known() -> None:
    remembered, encoder = Remembered(1_000_000), Lengths()
    remembered.prepare(encoder, titles(["mug", "?"]))
    assert not remembered.lacks(encoder, b"mug")
    assert not remembered.lacks(encoder, b"never asked")
    assert remembered.lacks(encoder, b"?")


@pytest.mark.parametrize("count", [1, 5])
def test_rows_are_copies(count: int) -> None:
    remembered, encoder = Remembered(1_000_000), Lengths()
    column = remembered.prepare(encoder, titles(["mug"] * count))
    assert isinstance(column, Vectors)
    column.values.zero_()
    assert lengths(remembered.prepare(encoder, titles(["mug"]))) == [3]
