import sys
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import save_file

from productnet.errors import EncoderError
from productnet.master.fields.base import Field
from productnet.master.fields.inception import Inception, load_backbone
from productnet.master.fields.inception_v4 import InceptionV4

# Loading weights looks at no product.
NO_FIELD = cast(Field, None)


@pytest.fixture(scope="module")
def network() -> InceptionV4:
    torch.manual_seed(0)
    return InceptionV4().eval()


def test_299_pixels_become_1536_numbers(network: InceptionV4) -> None:
    with torch.inference_mode():
        maps = network.features(torch.zeros(1, 3, 299, 299))
        pooled = network(torch.zeros(1, 3, 299, 299))
    assert maps.shape == (1, 1536, 8, 8)
    assert pooled.shape == (1, 1536)


def test_it_has_the_size_and_the_names_that_its_published_weights_have(
    network: InceptionV4,
) -> None:
    # 42.68 million with the classifier of 1,000 classes on 1,536 features.
    assert sum(one.numel() for one in network.parameters()) + 1_537_000 == 42_679_816
    names = set(network.state_dict())
    assert {
        "features.0.conv.weight",
        "features.3.conv.bn.running_mean",
        "features.4.branch1.3.conv.weight",
        "features.9.branch3.1.conv.weight",
        "features.17.branch2.4.bn.bias",
        "features.21.branch2_3b.conv.weight",
    } <= names
    assert max(int(name.split(".")[1]) for name in names) == 21


def test_it_equals_timm(network: InceptionV4) -> None:
    timm = pytest.importorskip("timm", reason="parity is tested where timm is installed")
    theirs = timm.create_model("inception_v4", pretrained=False, num_classes=0).eval()
    ours = InceptionV4().eval()
    load_backbone(ours, theirs.state_dict(), source="timm")
    pixels = torch.rand(1, 3, 299, 299)
    with torch.inference_mode():
        torch.testing.assert_close(ours(pixels), theirs(pixels), rtol=1e-4, atol=1e-5)


def test_other_weights_are_refused_by_name(network: InceptionV4) -> None:
    weights = network.state_dict()
    name = "features.0.conv.weight"
    without = {key: one for key, one in weights.items() if key != name}
    with pytest.raises(EncoderError, match=f"other.st is not Inception-v4: it has no .*{name}"):
        load_backbone(network, without, source="other.st")
    with pytest.raises(EncoderError, match=r"has shape \(1,\), expected \(32, 3, 3, 3\)"):
        load_backbone(network, weights | {name: torch.zeros(1)}, source="other.st")


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncoderError, match=r"cannot be read from nowhere\.st.*inception-v4:random"):
        Inception.learn(NO_FIELD, variant="nowhere.st")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(EncoderError, match=r'timm, which is not installed\..*image="efficientnet'):
        Inception.learn(NO_FIELD, variant="")


def test_weights_come_from_a_safetensors_file(network: InceptionV4, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), file)
    encoder = Inception.learn(NO_FIELD, variant=str(file))
    assert encoder.rate < 1
    for name, tensor in encoder.network.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name])
