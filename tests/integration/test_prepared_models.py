import json
import os
import sys
from pathlib import Path

import pytest

from productnet.encoders.export import check_weights
from productnet.encoders.prepared import prepared
from productnet.encoders.registry import IMAGE_ENCODERS, TEXT_ENCODERS
from productnet.errors import EncoderError
from productnet.files import CACHE_VARIABLE, cache_folder

STAMP = {"weights": "abc", "recipe": "1"}


class Builder:
    """Writes two files and counts how often it was asked to."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "model.onnx").write_bytes(b"weights")
        (folder / "tokenizer.json").write_text("{}")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_is_made_once(cache: Path) -> None:
    build = Builder()
    assert (
        prepared("minilm", stamp=STAMP, build=build)
        == cache / "minilm"
        == cache_folder() / "minilm"
    )
    assert prepared("minilm", stamp=STAMP, build=build) == cache / "minilm"
    assert build.calls == 1
    assert [path.name for path in cache.iterdir()] == ["minilm"]


def test_another_version_is_made_again() -> None:
    build = Builder()
    prepared("minilm", stamp=STAMP, build=build)
    prepared("minilm", stamp=STAMP | {"weights": "def"}, build=build)
    assert build.calls == 2


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing", "stamp", "no stamp"])
def test_a_damaged_model_is_made_again(damage: str) -> None:
    build = Builder()
    folder = prepared("minilm", stamp=STAMP, build=build)
    model, stamp = folder / "model.onnx", folder / "stamp.json"
    match damage:
        case "truncated":
            model.write_bytes(b"weigh")
        case "changed":
            model.write_bytes(b"Weights")
        case "missing":
            model.unlink()
        case "stamp":
            stamp.write_text(json.dumps([1]))
        case _:
            stamp.unlink()
    assert prepared("minilm", stamp=STAMP, build=build) == folder
    assert build.calls == 2
    assert model.read_bytes() == b"weights"


def test_a_model_that_could_not_be_made_leaves_nothing(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_bytes(b"half")
        raise EncoderError("no torch here")

    with pytest.raises(EncoderError, match="no torch here"):
        prepared("minilm", stamp=STAMP, build=fail)
    assert list(cache.iterdir()) == []


def test_two_processes_may_make_the_same_model(cache: Path) -> None:
    build = Builder()

    def slower(folder: Path) -> None:
        build(folder)
        prepared("minilm", stamp=STAMP, build=build)  # the other one is done first

    folder = prepared("minilm", stamp=STAMP, build=slower)
    assert prepared("minilm", stamp=STAMP, build=build) == folder
    assert build.calls == 2
    assert [path.name for path in cache.iterdir()] == ["minilm"]


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, os.fspath(tmp_path / "file"))
    with pytest.raises(EncoderError, match=f"Name another folder in {CACHE_VARIABLE}"):
        prepared("minilm", stamp=STAMP, build=Builder())


@pytest.mark.parametrize("name", [*IMAGE_ENCODERS, *TEXT_ENCODERS])
def test_what_the_first_use_needs_is_named(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    encoders = IMAGE_ENCODERS if name in IMAGE_ENCODERS else TEXT_ENCODERS
    with pytest.raises(EncoderError, match=r'needs the library torch.*"productnet\[train\]"'):
        encoders[name]()
    assert list(cache.iterdir()) == []


def test_weights_that_are_not_the_expected_ones_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    for content in (None, b"something else"):
        if content is not None:
            weights.write_bytes(content)
        with pytest.raises(EncoderError, match=r'weights of encoder "minilm".*Install them again'):
            check_weights(weights, sha256="0" * 64, encoder="minilm")
