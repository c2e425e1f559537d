"""Saved models: one folder of safetensors and JSON, written whole and checked when read."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from productnet.errors import ModelError
from productnet.files import drafted_folder, file_hash
from productnet.master.facts import Facts
from productnet.master.fields.base import Json
from productnet.master.held_out import HeldOut
from productnet.master.history import Epoch
from productnet.master.presets import Preset

FORMAT_VERSION = 4
_CARD = "model.json"
_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, slots=True)
class SavedInput:
    """One input of a saved network.

    Attributes:
        fields: The fields it reads.
        encoder: Name in the registry of field encoders.
        config: The encoder's constructor arguments, its vocabulary among them.
    """

    fields: tuple[str, ...]
    encoder: str
    config: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Number:
    """The scale of a model that predicts a number: its output is (number - centre) / spread.

    Attributes:
        centre: Mean of the training targets.
        spread: Their standard deviation.
    """

    centre: float
    spread: float

    def of(self, outputs: np.ndarray) -> np.ndarray:
        """The numbers, float64, that these outputs (N,) stand for."""
        return outputs.astype(np.float64) * self.spread + self.centre


@dataclass(frozen=True, slots=True)
class Card:
    """Everything of a trained model but its weights.

    Attributes:
        preset: The network and its training.
        inputs: By name, in the network's order.
        dimension: Of the embedding.
        classes: Category of each output, in order.
        temperature: Of calibration.
        history: The training, epoch by epoch.
        seed: Of the training.
        abstains: Whether the network has an output for "none of the classes".
        taxonomy: Name and version of the taxonomy that the classes come from, where it was given.
        number: The scale of a model that predicts a number, which has no classes.
        facts: What its model card tells beside; see ``master/model_card.py``.
        held_out: What calibration knows; None of a model that an older version trained.
        weights_sha256: Of the weights file, filled in when saved.
        format_version: Of this folder.
    """

    preset: Preset
    inputs: dict[str, SavedInput]
    dimension: int
    classes: tuple[str, ...]
    temperature: float
    history: tuple[Epoch, ...]
    seed: int
    abstains: bool = False
    taxonomy: str | None = None
    number: Number | None = None
    facts: Facts | None = None
    held_out: HeldOut | None = None
    weights_sha256: str = ""
    format_version: int = FORMAT_VERSION

    @property
    def fields(self) -> list[str]:
        """The fields that the model reads, each once."""
        return list(dict.fromkeys(name for one in self.inputs.values() for name in one.fields))

    def __str__(self) -> str:
        told = f"{len(self.classes)} categories" if self.classes else "a number"
        learnt = f", learnt from {self.facts.products:,} products" if self.facts else ""
        return f"a model of {told}{learnt} (seed {self.seed})"


def save(
    folder: Path, card: Card, weights: Mapping[str, torch.Tensor], *, texts: Mapping[str, str]
) -> None:
    """Write a model beside ``folder``, then rename it into place; a kill leaves the old or new.

    Args:
        folder: Its place.
        card: Everything but the weights.
        weights: By name.
        texts: For people, kept with it, by file name.

    Raises ModelError if something that is not a model stands there.
    """
    if folder.exists() and not (folder / _CARD).is_file():
        raise ModelError(f"{folder} exists and is not a saved model. Choose another folder.")
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    described = TypeAdapter(Card).dump_python(card, mode="json")
    with drafted_folder(folder) as draft:
        save_file(kept, draft / _WEIGHTS)
        described["weights_sha256"] = file_hash(draft / _WEIGHTS)
        (draft / _CARD).write_bytes(TypeAdapter(Json).dump_json(described, indent=1))
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        for file in draft.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())


def fingerprint(card: Card, weights: Mapping[str, torch.Tensor]) -> str:
    """Tells a model from every other; the same once it was saved and loaded again."""
    described = TypeAdapter(Card).dump_json(replace(card, weights_sha256=""))
    told = hashlib.blake2b(described, digest_size=16)
    for name, tensor in sorted(weights.items()):
        told.update(name.encode())
        told.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return told.hexdigest()


def load(folder: Path) -> tuple[Card, dict[str, torch.Tensor]]:
    """A saved model's card and weights; raises ModelError if one is missing or damaged."""
    file = folder / _CARD
    if not file.is_file():
        raise ModelError(f"{folder} holds no saved model: it has no {_CARD}.")
    try:
        raw = TypeAdapter(dict[str, Json]).validate_json(file.read_bytes())
        version = raw.get("format_version")
        if version != FORMAT_VERSION:
            raise ModelError(
                f"{folder} has model format {version}; this version of ProductNet reads format "
                f"{FORMAT_VERSION}. Train the model again."
            )
        card = TypeAdapter(Card).validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{file} is damaged at {place or 'its start'}: {first['msg']}.") from error
    weights_file = folder / _WEIGHTS
    if not weights_file.is_file():
        raise ModelError(f"{folder} holds no complete model: it has no {_WEIGHTS}.")
    if file_hash(weights_file) != card.weights_sha256:
        raise ModelError(f"{weights_file} is damaged: it is not the file that was saved.")
    try:
        return card, load_file(weights_file)
    except SafetensorError as error:
        raise ModelError(f"{weights_file} is damaged: {error}.") from error
