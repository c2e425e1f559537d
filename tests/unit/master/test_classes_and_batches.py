import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import TrainingError
from productnet.master.batching import Examples, Prepared
from productnet.master.classes import Classes, stratified_holdout
from productnet.master.fields.columns import Sequences, Vectors


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 1_000),
)
def test_no_class_is_held_out_whole(counts: list[int], share: float, seed: int) -> None:
    classes = np.repeat(np.arange(len(counts)), counts)
    held_out = stratified_holdout(classes, share=share, rng=np.random.default_rng(seed))
    left = np.delete(classes, held_out)
    assert set(left) == set(range(len(counts)))
    for number, count in enumerate(counts):
        assert abs((classes[held_out] == number).sum() - count * share) <= 1


def test_classes_are_named_in_order_and_fewer_than_two_are_refused() -> None:
    classes = Classes.of(["mug", "lamp", "mug"])
    assert classes.names == ("lamp", "mug")
    assert classes.numbers(["mug", "lamp"]).tolist() == [1, 0]
    with pytest.raises(TrainingError, match='All 2 products are labelled "mug"'):
        Classes.of(["mug", "mug"])
    with pytest.raises(TrainingError, match="no labelled products"):
        Classes.of([])
    with pytest.raises(TrainingError, match='No training product is labelled "vase"'):
        classes.numbers(["vase"])


def _examples(lengths: list[int]) -> Examples:
    texts = Sequences.of([[7] * length for length in lengths], np.ones(len(lengths), dtype=bool))
    numbers = Vectors(torch.arange(float(len(lengths)))[:, None], np.ones(len(lengths), dtype=bool))
    data = Prepared({"text": texts, "number": numbers}, len(lengths))
    return Examples.all_of(data, np.arange(len(lengths)))


def test_an_epoch_has_every_example_once_with_its_own_class() -> None:
    examples = _examples(list(range(1, 101)))
    seen = []
    for places in examples.shuffled(8, rng=np.random.default_rng(0)):
        batch, classes = examples.batch(places), examples.classes[places]
        assert batch.inputs["number"][0][:, 0].tolist() == classes.tolist()
        seen += classes.tolist()
    assert sorted(seen) == list(range(100))
    assert seen != sorted(seen)


def test_batches_of_like_length_need_little_padding() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 100, size=2_000).tolist()
    examples = _examples(lengths)
    batches = [examples.batch(places) for places in examples.shuffled(32, rng=rng)]
    padded = sum(batch.inputs["text"][0].numel() for batch in batches)
    assert padded < 1.1 * sum(lengths)
