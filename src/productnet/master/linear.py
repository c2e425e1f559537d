"""The linear member: a linear SVM on all words, rare ones among them.

Main axes keep what many texts share. A part number or a rare word tells two products of a leaf
apart and lies on no axis; a linear classifier on every word (TF-IDF of words, pairs and character
n-grams) is what uses it, and the hardest rival to beat on product text. Here it is one member of
several: it errs elsewhere than they do.
"""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class LinearMember(nn.Module):
    """Weighed words of a batch -> (B, width): the sum of their rows.

    What it holds is solved by ``solve_members``, not trained, and saved like other weights.

    Args:
        words: How many words there are (V).
        width: Its share of the embedding.
    """

    project: torch.Tensor  # (V, r), r at most the width

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.words = words
        self.width = width
        self.register_buffer("project", torch.zeros(words, 0))
        self.register_load_state_dict_pre_hook(_make_room)  # type: ignore[no-untyped-call]

    def forward(
        self, words: torch.Tensor, weights: torch.Tensor, starts: torch.Tensor
    ) -> torch.Tensor:
        """Of words (T,), weights (T,) and each text's start (B,): its part of the embedding."""
        summed = F.embedding_bag(
            words, self.project, starts, mode="sum", per_sample_weights=weights
        )  # (T,) -> (B, r)
        return F.pad(summed, (0, self.width - self.project.shape[1]))


def _make_room(
    module: nn.Module, state: dict[str, torch.Tensor], prefix: str, *_rest: object
) -> None:
    """The rank is what was saved."""
    saved = state.get(f"{prefix}project")
    if saved is not None and isinstance(module, LinearMember):
        module.project = module.project.new_zeros(module.words, saved.shape[1])
