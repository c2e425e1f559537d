"""The linear member: a linear SVM on all words, rare ones among them, beside the other fields.

Main axes keep what many texts share. A part number or a rare word tells two products apart and lies
on no axis. A linear classifier on every word (TF-IDF of words, pairs and character n-grams) uses
it; with the vectors of picture and sentence beside the words it was the hardest rival to beat. Here
it is one member of several: it errs elsewhere than they do.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from productnet.master.kernel import side_by_side, sized_as_saved


class LinearMember(nn.Module):
    """F fields of (B, F_i) and the words of a batch -> (B, width): a linear map of both.

    What it holds is solved by ``solve_members``, not trained, and saved like other weights.

    Args:
        dimensions: Of the fields (F_i).
        weights: What each field weighs beside the words; 0 for what the words say already.
        words: How many words there are (V).
        width: Its share of the embedding.
    """

    weight: torch.Tensor  # (F,)
    of_fields: torch.Tensor  # (J, r), J the sum of all F_i, r at most the width
    of_words: torch.Tensor  # (V, r)

    def __init__(
        self, dimensions: Sequence[int], weights: Sequence[float], *, words: int, width: int
    ) -> None:
        super().__init__()
        self.words = words
        self.width = width
        self.register_buffer("weight", torch.tensor(weights, dtype=torch.float32))
        self.register_buffer("of_fields", torch.zeros(sum(dimensions), 0))
        self.register_buffer("of_words", torch.zeros(words, 0))
        sized_as_saved(self, of_words=1, of_fields=1)

    def forward(
        self,
        encoded: Sequence[torch.Tensor],
        present: torch.Tensor,
        words: Sequence[torch.Tensor],
    ) -> torch.Tensor:
        """This member's part of the embedding: (B, width).

        Args:
            encoded: F of (B, F_i).
            present: (B, F) bool.
            words: Of all texts end to end (T,), what each weighs (T,), each text's start (B,).
        """
        if not self.of_words.shape[1]:
            # Not solved yet: torch reads past the end of a table that has no columns.
            return encoded[0].new_zeros(len(present), self.width)
        ids, weights, starts = words
        summed = F.embedding_bag(
            ids, self.of_words, starts, mode="sum", per_sample_weights=weights
        )  # (T,) -> (B, r)
        summed = summed + self.joined(encoded, present) @ self.of_fields
        return F.pad(summed, (0, self.width - summed.shape[1]))

    def put(self, rows: torch.Tensor) -> None:
        """From now on give ``rows @ features``, of rows (r, J + V)."""
        fields = len(self.of_fields)
        self.of_fields = rows[:, :fields].T.contiguous()
        self.of_words = rows[:, fields:].T.contiguous()

    def joined(self, encoded: Sequence[torch.Tensor], present: torch.Tensor) -> torch.Tensor:
        """The fields side by side, each at the length that it weighs: (B, J)."""
        return side_by_side(encoded, present, self.weight)
