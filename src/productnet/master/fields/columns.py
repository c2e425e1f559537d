"""Columns: one input's values for all products, prepared once and cut into batches many times.

Each kind of column fixes the tensors that its field encoders take. Text is kept as token ids end
to end in one array, so that a million products cost bytes and not Python objects.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.sparse import csr_matrix, vstack

Tensors = tuple[torch.Tensor, ...]

PAD = 0


class Column(Protocol):
    """One input of N products."""

    @property
    def present(self) -> np.ndarray:
        """Whether each product has this input: (N,) bool."""
        ...

    @property
    def work(self) -> np.ndarray | None:
        """Tokens of each product, (N,) int64, by which batches are made; None: all alike."""
        ...

    def batch(self, rows: np.ndarray) -> Tensors:
        """What the field encoder takes for these rows (B,) int64."""
        ...


@dataclass(frozen=True)
class Sequences:
    """Token ids in order, for encoders that read a text from left to right.

    Attributes:
        values: Ids of all texts end to end, (T,) int32.
        offsets: Where each text starts, (N + 1,) int64.
        present: (N,) bool.
    """

    values: np.ndarray
    offsets: np.ndarray
    present: np.ndarray

    @classmethod
    def of(cls, texts: Iterable[list[int]], present: np.ndarray) -> "Sequences":
        """The column of these token lists, one a product."""
        return cls(*_end_to_end(texts), present)

    @property
    def work(self) -> np.ndarray:
        """Tokens of each product."""
        return np.diff(self.offsets)

    def batch(self, rows: np.ndarray) -> Tensors:
        """(ids (B, L) int64 padded on the right to the longest, lengths (B,) int64, at least 1)."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        places = np.arange(max(1, lengths.max(initial=1)))
        ids = np.full((len(rows), len(places)), PAD, dtype=np.int64)
        inside = places < lengths[:, None]  # (B, L)
        ids[inside] = self.values[(starts[:, None] + places)[inside]]
        return torch.from_numpy(ids), torch.from_numpy(np.maximum(lengths, 1))


@dataclass(frozen=True)
class Bags:
    """Token ids without order, for encoders that add up what a text contains.

    Attributes:
        values: Ids of all texts end to end, (T,) int32.
        offsets: Where each text starts, (N + 1,) int64.
        present: (N,) bool.
    """

    values: np.ndarray
    offsets: np.ndarray
    present: np.ndarray

    @classmethod
    def of(cls, texts: Iterable[list[int]], present: np.ndarray) -> "Bags":
        """The column of these token lists, one a product."""
        return cls(*_end_to_end(texts), present)

    @property
    def work(self) -> None:
        """Bags are not padded, so their order does not matter."""
        return None

    def batch(self, rows: np.ndarray) -> Tensors:
        """(ids (T,) int64, starts (B,) int64)."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        ends = np.cumsum(lengths)
        # Row r's k-th id is at starts[r] + k: shift one running count row by row.
        taken = np.repeat(starts - (ends - lengths), lengths) + np.arange(lengths.sum())
        ids = torch.from_numpy(self.values[taken].astype(np.int64))
        begins = torch.from_numpy(ends - lengths)
        return ids, begins


@dataclass(frozen=True)
class Vectors:
    """Features computed beforehand, perhaps with the weighed words that they sum up.

    Attributes:
        values: (N, D) float32.
        present: (N,) bool.
        words: (N, V) float32, what each word weighs in each text; None where nobody asks.
    """

    values: torch.Tensor
    present: np.ndarray
    words: csr_matrix | None = None

    @property
    def work(self) -> None:
        """Every vector costs the same, and words are not padded."""
        return None

    @property
    def arrays(self) -> list[np.ndarray]:
        """What it is made of."""
        arrays = [self.values.numpy(), self.present]
        if self.words is not None:
            arrays += [self.words.data, self.words.indices, self.words.indptr]
        return arrays

    def batch(self, rows: np.ndarray) -> Tensors:
        """(features (B, D) float32,), and with words ids (T,), weights (T,), starts (B,)."""
        values = self.values[torch.from_numpy(rows)]
        if self.words is None:
            return (values,)
        taken = self.words[rows]
        ids = torch.from_numpy(taken.indices.astype(np.int64))
        starts = torch.from_numpy(taken.indptr[:-1].astype(np.int64))
        return values, ids, torch.from_numpy(taken.data), starts

    def row(self, number: int) -> "Vectors":
        """A copy of this row, which holds on to none of the others."""
        one = slice(number, number + 1)
        words = None if self.words is None else self.words[number]
        return Vectors(self.values[one].clone(), self.present[one].copy(), words)

    @staticmethod
    def stacked(parts: Sequence["Vectors"]) -> "Vectors":
        """The rows of these, one after another; all of them have words, or none has."""
        words = [part.words for part in parts if part.words is not None]
        return Vectors(
            torch.cat([part.values for part in parts]),
            np.concatenate([part.present for part in parts]),
            vstack(words, format="csr") if words else None,
        )


@dataclass(frozen=True)
class Images:
    """Images, decoded batch by batch so that memory does not grow with the number of products.

    Attributes:
        read: Gives the pixels of the rows asked for, (B, 3, S, S) float32; zeros when missing.
        present: (N,) bool.
    """

    read: Callable[[np.ndarray], torch.Tensor]
    present: np.ndarray

    @property
    def work(self) -> None:
        """Every image has the same size once decoded."""
        return None

    def batch(self, rows: np.ndarray) -> Tensors:
        """(pixels (B, 3, S, S) float32,)."""
        return (self.read(rows),)


def _end_to_end(texts: Iterable[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    values: list[np.ndarray] = []
    lengths = [0]
    for ids in texts:
        values.append(np.asarray(ids, dtype=np.int32))
        lengths.append(len(ids))
    joined = np.concatenate(values) if values else np.zeros(0, dtype=np.int32)
    return joined, np.cumsum(lengths, dtype=np.int64)
