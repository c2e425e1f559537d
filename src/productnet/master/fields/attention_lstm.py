"""Attention-LSTM, the paper's title encoder: a weighted sum of what an LSTM says word by word.

Attention as in Zhou et al. 2016, *Attention-Based Bidirectional Long Short-Term Memory Networks
for Relation Classification*, equations 9 to 11, over one left-to-right LSTM: what it says of a
word then does not depend on the padding behind it, and batches need no packing.
"""

from typing import Self

import torch
from torch import nn

from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.master.fields.columns import PAD, Column
from productnet.master.fields.words import Vocabulary


class AttentionLstm(FieldEncoder):
    """Word embeddings, one LSTM, attention over its outputs.

    Args:
        words: The vocabulary, most frequent first.
        width: Numbers a word embedding has.
        hidden: Numbers the LSTM says of a word; the encoder's dimension.
        max_length: Words of a text that are read.
    """

    def __init__(self, words: list[str], *, width: int, hidden: int, max_length: int) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(words)
        self.max_length = max_length
        self.dimension = hidden
        self.embed = nn.Embedding(len(self.vocabulary), width, padding_idx=PAD)
        self.lstm = nn.LSTM(width, hidden, batch_first=True)
        self.attend = nn.Linear(hidden, 1, bias=False)

    @classmethod
    def learn(
        cls,
        field: Field,
        *,
        max_words: int = 50_000,
        width: int = 300,
        hidden: int = 300,
        max_length: int = 32,
    ) -> Self:
        """An encoder with the vocabulary of these titles."""
        vocabulary = Vocabulary.learn(field.texts(), max_words=max_words)
        return cls(list(vocabulary.words), width=width, hidden=hidden, max_length=max_length)

    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""
        return {
            "words": list(self.vocabulary.words),
            "width": self.embed.embedding_dim,
            "hidden": self.dimension,
            "max_length": self.max_length,
        }

    def prepare(self, field: Field) -> Column:
        """Titles as word ids."""
        return self.vocabulary.encode(field.texts(), max_length=self.max_length)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(ids (B, L), lengths (B,)) -> (B, dimension)."""
        ids, lengths = inputs
        said, _ = self.lstm(self.embed(ids))  # (B, L) -> (B, L, W) -> (B, L, H)
        weights = self.attend(torch.tanh(said)).squeeze(-1)  # (B, L, H) -> (B, L)
        padding = torch.arange(ids.shape[1], device=ids.device) >= lengths[:, None]  # (B, L)
        weights = weights.masked_fill(padding, -torch.inf).softmax(dim=1)  # (B, L)
        return torch.tanh(torch.einsum("bl,blh->bh", weights, said))  # (B, H)
