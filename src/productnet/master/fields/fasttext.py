"""fastText, the paper's encoder of brands and keywords: the mean of hashed n-gram embeddings.

Joulin et al. 2017, *Bag of Tricks for Efficient Text Classification* (words and word bigrams),
with the character n-grams of Bojanowski et al. 2017, *Enriching Word Vectors with Subword
Information* (lengths 3 to 6 of the word between ``<`` and ``>``). Everything is hashed into one
bounded table, so that there is no vocabulary to keep and no unknown word.
"""

from itertools import pairwise
from typing import Self
from zlib import crc32

import numpy as np
import torch
from torch import nn

from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.master.fields.columns import Bags, Column
from productnet.master.fields.words import words

_SHORTEST, _LONGEST = 3, 6


class FastText(FieldEncoder):
    """The mean embedding of a text's words, bigrams and character n-grams.

    Args:
        buckets: Rows of the table that n-grams are hashed into.
        width: Numbers an embedding has; the encoder's dimension.
        max_length: Words of a text that are read.
    """

    def __init__(self, *, buckets: int, width: int, max_length: int) -> None:
        super().__init__()
        self.max_length = max_length
        self.dimension = width
        self.embed = nn.EmbeddingBag(buckets, width, mode="mean")
        # As in fastText; a unit normal would drown the other fields while n-grams are rare.
        nn.init.uniform_(self.embed.weight, -1 / width, 1 / width)

    @classmethod
    def learn(
        cls,
        field: Field,
        *,
        buckets: int = 50_000,
        width: int = 100,
        max_length: int = 32,
    ) -> Self:
        """An encoder of these sizes; hashing needs nothing from the training products."""
        return cls(buckets=buckets, width=width, max_length=max_length)

    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""
        return {
            "buckets": self.embed.num_embeddings,
            "width": self.dimension,
            "max_length": self.max_length,
        }

    def prepare(self, field: Field) -> Column:
        """Texts as hashed n-grams."""
        texts = field.texts()
        known: dict[str, list[int]] = {}
        return Bags.of(
            (self._hashes(words(text)[: self.max_length], known) if text else [] for text in texts),
            np.array([text is not None for text in texts], dtype=bool),
        )

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(ids (T,), starts (B,)) -> (B, dimension); zeros for an empty text."""
        ids, starts = inputs
        return torch.as_tensor(self.embed(ids, starts))  # (T,) -> (B, W)

    def _hashes(self, tokens: list[str], known: dict[str, list[int]]) -> list[int]:
        buckets = self.embed.num_embeddings
        hashes = [crc32(f"{left} {right}".encode()) % buckets for left, right in pairwise(tokens)]
        for word in tokens:
            if word not in known:
                known[word] = [crc32(gram.encode()) % buckets for gram in ngrams(word)]
            hashes += known[word]
        return hashes


def ngrams(word: str) -> list[str]:
    """The word itself and the character n-grams of ``<word>``, each once.

    Example:
        >>> ngrams("cup")
        ['cup', '<cu', '<cup', '<cup>', 'cup>', 'up>']
    """
    bounded = f"<{word}>"
    pieces = {
        bounded[start : start + size]
        for size in range(_SHORTEST, _LONGEST + 1)
        for start in range(len(bounded) - size + 1)
    }
    return [word, *sorted(pieces - {word})]
