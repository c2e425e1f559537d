import sys

import pytest

from productnet.encoders import hub
from productnet.encoders.registry import encoder_slug, image_encoder, text_encoder
from productnet.errors import EncoderError, UnknownName


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r'no image encoder "efficientnet".*efficientnet-lite0'):
        image_encoder("efficientnet")
    with pytest.raises(UnknownName, match=r'no text encoder "minlm". Did you mean "minilm"'):
        text_encoder("minlm")
    with pytest.raises(UnknownName, match=r'family of image encoders "tim". Did you mean "timm"'):
        image_encoder("tim:inception_v4")


def test_different_names_get_different_file_names() -> None:
    names = ["timm:a/b", "timm:a-b", "timm-a-b", "minilm", "sentence-transformers:x/y"]
    slugs = {encoder_slug(name) for name in names}
    assert len(slugs) == len(names)
    assert all("/" not in slug and ":" not in slug for slug in slugs)
    assert encoder_slug("minilm") == "minilm"


@pytest.mark.parametrize(
    ("library", "name"),
    [("timm", "timm:inception_v4"), ("sentence_transformers", "sentence-transformers:any")],
)
def test_a_missing_library_is_named_with_how_to_install_it(
    library: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    load = image_encoder if name.startswith("timm") else text_encoder
    with pytest.raises(EncoderError, match=f'"{name}" needs the library {library}.*pip install'):
        load(name)


def test_weights_out_of_reach_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub", reason="only encoders from the hub need it")
    monkeypatch.setattr(hub, "hub_is_reachable", lambda: False)
    with pytest.raises(EncoderError, match=r"hub cannot be reached.*ships as a package"):
        hub.hub_file("nobody/nothing", "model.safetensors", encoder="timm:nothing")
