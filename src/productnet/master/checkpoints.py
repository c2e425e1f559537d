"""Checkpoints: everything training needs to go on as if it had never been stopped.

One safetensors file a phase, replaced whole: weights, AdamW's moments, the best weights so far
and the states of torch's generators as tensors, and the rest as JSON in the file's header. A
training is known by what it learns from, so that a changed command never goes on with the
checkpoint of another.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
from pydantic import JsonValue, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from productnet.errors import ModelError
from productnet.files import drafted
from productnet.master.batching import Prepared
from productnet.master.fields.columns import Vectors
from productnet.master.history import Epoch

FORMAT_VERSION = 1
_HEADER = "training"

# Seconds between checkpoints, and how many times longer training goes on than writing one took.
_EVERY = 60.0
_PATIENCE = 50.0


@dataclass(frozen=True, slots=True)
class Position:
    """How far a phase of training is.

    Attributes:
        epoch: The epoch under way, from 1.
        steps: Batches of it that were learnt from.
        order: State of the generator of the order of products, as that epoch began.
        history: The epochs that are over.
        best_epoch: The epoch that was best on validation; 0 when there is none yet.
        over: Whether the phase has ended, so that only its weights are kept.
        format_version: Of the file.
    """

    epoch: int
    steps: int
    order: Mapping[str, JsonValue]
    history: tuple[Epoch, ...]
    best_epoch: int
    over: bool = False
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True)
class Checkpoint:
    """A position and the tensors that go with it, by name."""

    position: Position
    tensors: Mapping[str, torch.Tensor]

    def group(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors under ``prefix/``, by the rest of their names."""
        start = f"{prefix}/"
        return {
            name.removeprefix(start): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(start)
        }


@dataclass
class Checkpoints:
    """The checkpoints of one training.

    Attributes:
        folder: Where they are, and nothing else is.
        every: Seconds between two; more where writing one takes long.
    """

    folder: Path
    every: float = _EVERY
    _written: float = field(default_factory=time.monotonic)
    _pause: float = 0.0

    @classmethod
    def of(cls, folder: Path, fingerprint: str, *, every: float | None = None) -> "Checkpoints":
        """Those of the training with this fingerprint; those of another in the folder go."""
        own = folder / fingerprint
        if folder.is_dir():
            for other in folder.iterdir():
                if other != own:
                    shutil.rmtree(other, ignore_errors=True)
        return cls(own, _EVERY if every is None else every)

    @property
    def due(self) -> bool:
        """Whether it is time to write one."""
        return time.monotonic() - self._written >= max(self.every, self._pause)

    def read(self, phase: str) -> Checkpoint | None:
        """Where a phase was stopped; None if it has not begun.

        Raises ModelError if the file is damaged, or of another version.
        """
        file = self._file(phase)
        if not file.is_file():
            return None
        advice = f"Delete {self.folder} to train from the start."
        try:
            with safe_open(file, framework="pt") as opened:
                header = json.loads((opened.metadata() or {})[_HEADER])
                if header.get("format_version") != FORMAT_VERSION:
                    raise ModelError(
                        f"{file} has checkpoint format {header.get('format_version')}; this "
                        f"version of ProductNet reads {FORMAT_VERSION}. {advice}"
                    )
                position = TypeAdapter(Position).validate_python(header)
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except (SafetensorError, ValidationError, ValueError, KeyError) as error:
            raise ModelError(f"The checkpoint {file} is damaged: {error}. {advice}") from error
        return Checkpoint(position, tensors)

    def write(self, phase: str, checkpoint: Checkpoint) -> None:
        """Replace the phase's checkpoint; a kill leaves the old one or the new one."""
        began = time.monotonic()
        header = {_HEADER: json.dumps(asdict(checkpoint.position))}
        tensors = {
            name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()
        }
        with drafted(self._file(phase)) as draft:
            save_file(tensors, draft, metadata=header)
        self._written = time.monotonic()
        self._pause = _PATIENCE * (self._written - began)

    def _file(self, phase: str) -> Path:
        return self.folder / f"{phase}.safetensors"


def fingerprint(
    described: Mapping[str, object],
    ids: Sequence[str],
    targets: Sequence[np.ndarray],
    data: Sequence[Prepared],
    weights: Mapping[str, torch.Tensor],
) -> str:
    """What tells one training from another: settings, products, targets and first weights.

    Pictures that are decoded batch by batch are told apart by their product's id alone.
    """
    told = hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode())
    for product in ids:
        told.update(product.encode() + b"\0")
    for one in targets:
        told.update(np.ascontiguousarray(one).tobytes())
    for prepared in data:
        for name, column in prepared.columns.items():
            told.update(name.encode())
            for values in _arrays(column):
                told.update(np.ascontiguousarray(values).data)
    for name, tensor in weights.items():
        told.update(name.encode())
        told.update(tensor.detach().cpu().contiguous().view(-1).numpy().data)
    return told.hexdigest()[:16]


def _arrays(column: object) -> list[np.ndarray]:
    """The arrays that a column is made of."""
    if isinstance(column, Vectors):
        return column.arrays
    found = [getattr(column, one.name) for one in fields(column)]  # type: ignore[arg-type]
    return [one for one in found if isinstance(one, np.ndarray)]
