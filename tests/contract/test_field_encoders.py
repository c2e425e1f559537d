"""Every field encoder of the registry keeps the same promises."""

import io
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image

from productnet.errors import TrainingError, UnknownName
from productnet.master.fields.base import FieldEncoder, Json
from productnet.master.fields.registry import FIELD_ENCODERS, encoder_class, learn_encoder

TEXTS = [
    "red enamel mug",
    None,
    "steel desk lamp with a red shade",
    "mug",
    "oak chair, steel legs",
    "desk lamp",
]


class SixProducts:
    """Texts, images and frozen features of six products; the second has none of them."""

    def __len__(self) -> int:
        return len(TEXTS)

    def texts(self) -> list[str | None]:
        return list(TEXTS)

    def images(self, rows: np.ndarray) -> Sequence[bytes | None]:
        return [None if TEXTS[row] is None else _png(int(row)) for row in rows]

    def has_image(self) -> np.ndarray:
        return np.array([text is not None for text in TEXTS])

    def features(self, encoder: str) -> tuple[np.ndarray, np.ndarray]:
        present = self.has_image()
        vectors = np.random.default_rng(0).normal(size=(len(TEXTS), 12)).astype(np.float32)
        return vectors * present[:, None], present


def _png(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (40 * number, 80, 160)).save(file, "PNG")
    return file.getvalue()


# A name of every line of the registry, with settings that keep it small.
CASES: dict[str, dict[str, Json]] = {
    "attention-lstm": {"width": 6, "hidden": 5, "max_length": 8},
    "dpcnn": {"width": 6, "maps": 5, "max_length": 8},
    "fasttext": {"buckets": 64, "width": 5, "max_length": 8},
    "inception-v4:random": {"side": 75},
    "frozen:anything": {},
    "finetuned:minilm": {},
    "finetuned:efficientnet-lite0": {},
    "tfidf": {"width": 5},
}


@pytest.fixture(params=sorted(CASES), scope="module")
def learnt(request: pytest.FixtureRequest) -> FieldEncoder:
    torch.manual_seed(0)
    return learn_encoder(request.param, SixProducts(), CASES[request.param])


@pytest.fixture
def encoder(learnt: FieldEncoder) -> FieldEncoder:
    learnt.zero_grad()
    return learnt.eval()


def test_every_registered_encoder_is_tested() -> None:
    assert {name.partition(":")[0] for name in CASES} == set(FIELD_ENCODERS)


def test_gives_one_finite_vector_a_product(encoder: FieldEncoder) -> None:
    column = encoder.prepare(SixProducts())
    vectors = encoder(*column.batch(np.arange(6)))
    assert vectors.shape == (6, encoder.dimension)
    assert torch.isfinite(vectors).all()
    assert column.present.tolist() == [text is not None for text in TEXTS]


def test_a_vector_does_not_depend_on_the_rest_of_its_batch(encoder: FieldEncoder) -> None:
    column = encoder.prepare(SixProducts())
    together = encoder(*column.batch(np.arange(6)))
    alone = torch.cat([encoder(*column.batch(np.array([row]))) for row in range(6)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_gradients_reach_every_parameter(encoder: FieldEncoder) -> None:
    encoder.train()
    vectors = encoder(*encoder.prepare(SixProducts()).batch(np.arange(6)))
    weights = list(encoder.named_parameters())
    if weights:
        (vectors * torch.randn_like(vectors)).sum().backward()
    unreached = [name for name, one in weights if one.grad is None or not one.grad.any()]
    assert unreached == []


def test_config_and_weights_bring_it_back(encoder: FieldEncoder) -> None:
    again = type(encoder)(**encoder.config())
    again.load_state_dict(encoder.state_dict())
    rows = np.arange(6)
    expected = encoder(*encoder.prepare(SixProducts()).batch(rows))
    actual = again.eval()(*again.prepare(SixProducts()).batch(rows))
    torch.testing.assert_close(actual, expected)


def test_an_unknown_encoder_or_setting_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r'no field encoder "dpcn"\. Did you mean "dpcnn"'):
        encoder_class("dpcn")
    with pytest.raises(TrainingError, match=r'no setting "widht"\. Did you mean "width"'):
        learn_encoder("dpcnn", SixProducts(), {"widht": 3})
    with pytest.raises(TrainingError, match="takes nothing behind a colon"):
        learn_encoder("tfidf:large", SixProducts(), {})
