"""Batches: prepared columns cut so that texts of like length come together and padding is small."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from productnet.master.classes import stratified_holdout
from productnet.master.fields.base import Field, FieldEncoder
from productnet.master.fields.columns import Column, Images
from productnet.master.network import Batch
from productnet.master.products import InputField
from productnet.master.remembered import Remembered

# How many batches' products are sorted by length together: enough to save padding, few enough
# that batches differ from epoch to epoch.
_MIXED = 32


@dataclass(frozen=True)
class Prepared:
    """N products in the form that the network takes batches of.

    Attributes:
        columns: One an input, by its name.
        count: N.
    """

    columns: Mapping[str, Column]
    count: int

    @classmethod
    def of(cls, fields: Mapping[str, Field], encoders: Mapping[str, FieldEncoder]) -> "Prepared":
        """Each encoder's view of its field; all fields are of the same N products."""
        columns = {name: encoder.prepare(fields[name]) for name, encoder in encoders.items()}
        return cls(columns, len(next(iter(fields.values()))))

    @classmethod
    def remembering(
        cls,
        fields: Mapping[str, InputField],
        encoders: Mapping[str, FieldEncoder],
        remembered: Remembered,
    ) -> "Prepared":
        """The same, where what was made of a text or an image lately is not made again."""
        columns = {
            name: remembered.prepare(encoder, fields[name]) for name, encoder in encoders.items()
        }
        return cls(columns, len(next(iter(fields.values()))))

    def batch(self, rows: np.ndarray) -> Batch:
        """The products of these rows (B,)."""
        present = np.stack([column.present[rows] for column in self.columns.values()], axis=1)
        inputs = {name: column.batch(rows) for name, column in self.columns.items()}
        return Batch(inputs, torch.from_numpy(present))

    @property
    def decodes(self) -> bool:
        """Whether making a batch takes time, because images are decoded for it."""
        return any(isinstance(column, Images) for column in self.columns.values())

    def work(self, rows: np.ndarray) -> np.ndarray | None:
        """Tokens of these rows (M,) over all inputs that are padded; None if none is."""
        works = [column.work[rows] for column in self.columns.values() if column.work is not None]
        if not works:
            return None
        total: np.ndarray = np.stack(works).sum(axis=0)
        return total


@dataclass(frozen=True)
class Examples:
    """Some of the prepared products, and a class for each.

    Attributes:
        data: N products.
        rows: Which of them these examples are, (M,) int64.
        classes: The class of each example, (M,) int64.
    """

    data: Prepared
    rows: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def all_of(cls, data: Prepared, classes: np.ndarray) -> "Examples":
        """Every product."""
        return cls(data, np.arange(data.count), classes)

    @classmethod
    def unlabelled(cls, data: Prepared) -> "Examples":
        """Every product, of which nobody knows the class."""
        return cls.all_of(data, np.zeros(data.count, dtype=np.int64))

    @property
    def digest(self) -> str:
        """Eight characters that tell these examples from others of the same products."""
        told = hashlib.sha256(self.rows.tobytes())
        told.update(self.classes.tobytes())
        return told.hexdigest()[:8]

    def take(self, places: np.ndarray) -> "Examples":
        """The examples at these places (m,)."""
        return Examples(self.data, self.rows[places], self.classes[places])

    def split(
        self, share: float, *, seed: int, groups: np.ndarray | None = None
    ) -> tuple["Examples", "Examples"]:
        """Examples to train on, and a stratified share held out; groups (M,) stay together."""
        rng = np.random.default_rng(seed)
        held_out = stratified_holdout(self.classes, share=share, rng=rng, groups=groups)
        return self.take(np.setdiff1d(np.arange(len(self)), held_out)), self.take(held_out)

    def in_order(self, batch_size: int) -> list[np.ndarray]:
        """Places among these examples, (B,) a batch, shortest texts first."""
        order = np.arange(len(self))
        if (work := self.data.work(self.rows)) is not None:
            order = np.argsort(work, kind="stable")
        return _cut(order, batch_size)

    def shuffled(self, batch_size: int, *, rng: np.random.Generator) -> list[np.ndarray]:
        """Places among these examples, (B,) a batch, each once; texts of like length together."""
        order = rng.permutation(len(self))
        if (work := self.data.work(self.rows[order])) is not None:
            mixed = np.arange(len(order)) // (batch_size * _MIXED)
            order = order[np.lexsort((work, mixed))]
        batches = _cut(order, batch_size)
        return [batches[number] for number in rng.permutation(len(batches))]

    def batch(self, places: np.ndarray) -> Batch:
        """The products at these places (B,)."""
        return self.data.batch(self.rows[places])


def _cut(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return np.split(order, range(batch_size, len(order), batch_size)) if len(order) else []
