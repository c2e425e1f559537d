"""DPCNN, the paper's encoder of descriptions and bullet points: a deep pyramid of convolutions.

Johnson and Zhang 2017, *Deep Pyramid Convolutional Neural Networks for Text Categorization*,
figure 1a: a region embedding of three words, then blocks of two pre-activated convolutions of
width 3 with an identity shortcut, halving the text between blocks by max-pooling 3 with stride 2,
and the maximum over what is left. A text's vector does not depend on the padding behind it:
places past its end are zero before a convolution and minus infinity before a pooling.
"""

import math
from typing import Self

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.master.fields.columns import PAD, Column
from productnet.master.fields.words import Vocabulary

# Johnson and Zhang use seven blocks; a shorter text is down to one place before that.
_MOST_BLOCKS = 7


class Dpcnn(FieldEncoder):
    """Region embedding, a pyramid of convolution blocks, the maximum over places.

    Args:
        words: The vocabulary, most frequent first.
        width: Numbers a word embedding has.
        maps: Feature maps of every convolution; the encoder's dimension.
        max_length: Words of a text that are read.
    """

    def __init__(self, words: list[str], *, width: int, maps: int, max_length: int) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(words)
        self.max_length = max_length
        self.dimension = maps
        self.embed = nn.Embedding(len(self.vocabulary), width, padding_idx=PAD)
        self.region = nn.Conv1d(width, maps, kernel_size=3, padding=1)
        halvings = math.ceil(math.log2(max(2, max_length)))
        self.blocks = nn.ModuleList(_Block(maps) for _ in range(min(_MOST_BLOCKS, 1 + halvings)))

    @classmethod
    def learn(
        cls,
        field: Field,
        *,
        max_words: int = 50_000,
        width: int = 300,
        maps: int = 250,
        max_length: int = 128,
    ) -> Self:
        """An encoder with the vocabulary of these texts."""
        vocabulary = Vocabulary.learn(field.texts(), max_words=max_words)
        return cls(list(vocabulary.words), width=width, maps=maps, max_length=max_length)

    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""
        return {
            "words": list(self.vocabulary.words),
            "width": self.embed.embedding_dim,
            "maps": self.dimension,
            "max_length": self.max_length,
        }

    def prepare(self, field: Field) -> Column:
        """Texts as word ids."""
        return self.vocabulary.encode(field.texts(), max_length=self.max_length)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(ids (B, L), lengths (B,)) -> (B, dimension)."""
        ids, lengths = inputs
        inside = _inside(lengths, ids.shape[1])  # (B, 1, L)
        x = (
            self.region(self.embed(ids).transpose(1, 2)) * inside
        )  # (B, L) -> (B, W, L) -> (B, M, L)
        for number, block in enumerate(self.blocks):
            if number:
                x = _halve(x.masked_fill(~inside, -torch.inf))  # (B, M, L) -> (B, M, ceil(L / 2))
                lengths = (lengths + 1) // 2
                inside = _inside(lengths, x.shape[2])
                x = x.masked_fill(~inside, 0.0)
            x = block(x, inside)  # (B, M, L)
        return torch.as_tensor(
            x.masked_fill(~inside, -torch.inf).amax(dim=2)
        )  # (B, M, L) -> (B, M)


class _Block(nn.Module):
    """Two pre-activated convolutions of width 3, and the identity beside them."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(maps, maps, kernel_size=3, padding=1)
        self.second = nn.Conv1d(maps, maps, kernel_size=3, padding=1)

    def forward(self, x: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """(B, M, L) -> (B, M, L)."""
        inner = self.first(F.relu(x)) * inside
        return torch.as_tensor(x + self.second(F.relu(inner)) * inside)


def _inside(lengths: torch.Tensor, width: int) -> torch.Tensor:
    """Which places hold a word: (B,) -> (B, 1, L) bool."""
    return (torch.arange(width, device=lengths.device) < lengths[:, None]).unsqueeze(1)


def _halve(x: torch.Tensor) -> torch.Tensor:
    """Max-pooling 3, stride 2, the last window past the end: (B, M, L) -> (B, M, L/2 up)."""
    return F.max_pool1d(F.pad(x, (0, 1 + x.shape[2] % 2), value=-torch.inf), 3, stride=2)
