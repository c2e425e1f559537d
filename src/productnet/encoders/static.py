"""Static token vectors distilled from MiniLM: the text encoder for bulk, 50 times faster.

Model2Vec (Tulkens and van Dongen, 2024, https://github.com/MinishLab/model2vec): every token of
the vocabulary goes through the sentence encoder once, alone; the outputs are reduced by PCA and
weighted down by how common a token is; a text is the mean of its tokens. The recipe is carried
out here with MiniLM as ONNX Runtime runs it, which needs neither torch nor the older transformers
that Model2Vec's own distilling asks for; the result is stored and run by Model2Vec.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from productnet.encoders import minilm
from productnet.encoders.base import FloatArray
from productnet.encoders.prepared import prepared
from productnet.encoders.texts import well_formed

NAME = "static"
DIMENSION = 256

# Weight of a token of frequency p is a / (a + p) (Arora et al., 2017), with p by Zipf's law from
# its rank in the vocabulary, which BERT's is sorted by.
SIF_COEFFICIENT = 1e-4

# Tokens read of a text; at 50 times the speed there is no reason to stop where MiniLM does.
MAX_TOKENS = 512

# Raise it when distilling changes what a text is encoded to.
RECIPE = "1"


class Static:
    """Mean of static token vectors, L2-normalised: (B, 256). A text of no token gives zeros."""

    name = NAME
    version = f"{RECIPE}-{minilm.MiniLM.version}"
    dimension = DIMENSION

    def __init__(self) -> None:
        from model2vec import StaticModel

        folder = prepared(NAME, stamp={"recipe": self.version}, build=_distil)
        self._model = StaticModel.from_pretrained(folder, force_download=False)
        # Model2Vec sets its tokenizer up anew at each call, which two threads must not do at once.
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """See ``TextEncoder.encode``."""
        if not texts:
            return np.empty((0, DIMENSION), np.float32)
        safe = [well_formed(text) for text in texts]
        with self._lock:
            vectors: FloatArray = self._model.encode(safe, use_multiprocessing=False)
        return vectors.astype(np.float32)


def _distil(folder: Path) -> None:
    from model2vec import StaticModel
    from tokenizers import Tokenizer

    teacher = minilm.MiniLM()
    tokenizer = Tokenizer.from_str(_bare(teacher.tokenizer_file))
    vocabulary = tokenizer.get_vocab()
    # In order of id, which is order of rank. "[unused12]" and its like never occur in a text.
    tokens = sorted(id_ for text, id_ in vocabulary.items() if not re.fullmatch(r"\[.+]", text))
    begin, end = vocabulary["[CLS]"], vocabulary["[SEP]"]
    outputs = teacher.token_means([[begin, token, end] for token in tokens])  # (V, 384)
    vectors = np.zeros((len(vocabulary), DIMENSION), np.float32)
    vectors[tokens] = _principal(outputs) * _weights(len(tokens))[:, None]
    config = {"hidden_dim": DIMENSION, "max_length": MAX_TOKENS}
    StaticModel(vectors, tokenizer, config=config, normalize=True).save_pretrained(folder)


def _bare(tokenizer_file: Path) -> str:
    """The tokenizer without its special tokens, padding and limit."""
    content = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    return json.dumps(content | {"post_processor": None, "padding": None, "truncation": None})


def _principal(outputs: FloatArray) -> NDArray[np.float64]:
    """The first DIMENSION principal components of the rows: (V, D) -> (V, DIMENSION)."""
    centred = outputs.astype(np.float64) - outputs.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    components: NDArray[np.float64] = centred @ axes[:, : -DIMENSION - 1 : -1]
    return components


def _weights(count: int) -> NDArray[np.float64]:
    """How much a token of each rank counts: (count,). Ranks start at 2, as in Model2Vec."""
    frequency = 1 / np.arange(2, count + 2)
    weights: NDArray[np.float64] = SIF_COEFFICIENT / (SIF_COEFFICIENT + frequency / frequency.sum())
    return weights
