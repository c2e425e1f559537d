"""Backbones that train with the rest: they begin as their frozen form, and move slowly."""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import pytest
import torch

from productnet.encoders.registry import text_encoder
from productnet.errors import EncoderError, ProductNetError
from productnet.master.batching import Examples, Prepared
from productnet.master.fields.base import FieldEncoder
from productnet.master.fields.finetuned import RATE
from productnet.master.fields.registry import learn_encoder
from productnet.master.network import MasterNetwork
from productnet.master.presets import PRESETS, Preset
from productnet.master.training import Run
from productnet.progress import SILENT

TEXTS = ["red enamel mug", "steel desk lamp with a red shade", "oak chair", "brass lamp"]


class FourTexts:
    def __len__(self) -> int:
        return len(TEXTS)

    def texts(self) -> list[str | None]:
        return [*TEXTS]

    def images(self, rows: np.ndarray) -> Sequence[bytes | None]:
        return [None] * len(rows)

    def has_image(self) -> np.ndarray:
        return np.zeros(len(TEXTS), dtype=bool)

    def features(self, encoder: str) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("nothing is frozen here")


@pytest.fixture(scope="module")
def minilm() -> FieldEncoder:
    try:
        return learn_encoder("finetuned:minilm", FourTexts(), {})
    except EncoderError as error:
        pytest.skip(f"MiniLM cannot be loaded: {error}")


def test_untrained_it_says_what_the_frozen_encoder_says(minilm: FieldEncoder) -> None:
    with torch.inference_mode():
        said = minilm.eval()(*minilm.prepare(FourTexts()).batch(np.arange(4)))
    np.testing.assert_allclose(said.numpy(), text_encoder("minilm").encode(TEXTS), atol=1e-4)


def test_a_step_moves_the_backbone_by_less_than_the_layers_above(minilm: FieldEncoder) -> None:
    preset = Preset(PRESETS["finetuned"].inputs[1:2], epochs=1, hidden=8, warmup=0.0, dropout=0.0)
    torch.manual_seed(0)
    # A copy: another test asks what it says untrained.
    network = MasterNetwork({"text": deepcopy(minilm)}, preset, dimension=4, classes=2)
    before = {name: one.detach().clone() for name, one in network.named_parameters()}
    data = Prepared.of({"text": FourTexts()}, network.encoders_by_name)
    examples = Examples.all_of(data, np.array([0, 1, 0, 1]))
    Run(preset, seed=0, device=torch.device("cpu"), progress=SILENT).train(network, examples)
    moved = {
        name: float((one.detach() - before[name]).abs().max())
        for name, one in network.named_parameters()
    }
    attention = "encoders.text.backbone.network.encoder.layer.0.attention.self.query.weight"
    assert 0 < moved[attention] <= 1.1 * preset.learning_rate * RATE
    assert moved["classify.weight"] > 10 * moved[attention]


def test_what_cannot_be_fine_tuned_is_refused_with_what_can() -> None:
    with pytest.raises(ProductNetError, match='"static" cannot be fine-tuned; minilm, efficient'):
        learn_encoder("finetuned:static", FourTexts(), {})
