"""A predictor without torch: NumPy, ONNX Runtime and what ``productnet onnx`` wrote.

    python docs/examples/onnx_predictor.py exported products.jsonl

prints one JSON object a product: its category and confidence, or its number. Copy it and cut out
the encoders that your model does not have: ``inputs.json`` names them. Frozen encoders
(``frozen:minilm`` ...) are ProductNet's own ONNX models, which need no torch either.
"""

import io
import json
import re
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

FORMAT_VERSION = 2

WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['’][^\W_]+)*")


class OnnxPredictor:
    """Categories, or numbers, and embeddings of products given as dictionaries of fields."""

    def __init__(self, folder: Path) -> None:
        self.about = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))
        if self.about["format_version"] != FORMAT_VERSION:
            raise SystemExit(
                f"{folder} has format {self.about['format_version']}, this predictor reads "
                f"{FORMAT_VERSION}. Export again, or copy the predictor of that version."
            )
        self.classes = self.about["classes"]
        self.session = onnxruntime.InferenceSession(
            folder / "model.onnx", providers=["CPUExecutionProvider"]
        )
        self.preparation = load_file(folder / "preparation.safetensors")

    def run(self, products: list[dict]) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings (B, D), and probabilities (B, K) or numbers (B,)."""
        tensors, present = {}, []
        for one in self.about["inputs"]:
            kind, _, variant = one["encoder"].partition(":")
            if kind == "inception-v4" or one["fields"] == ["image"]:
                values = [product.get("image") for product in products]
            else:
                how = self.about["text"]
                values = [
                    joined(product, one["fields"], how["separator"], how["most_characters"])
                    for product in products
                ]
            arrays = PREPARE[kind](self, one, variant, values)
            for tensor, array in zip(one["tensors"], arrays, strict=True):
                tensors[tensor["name"]] = array.astype(tensor["type"])
            present.append([value is not None for value in values])
        tensors["present"] = np.array(present).T
        wanted = {one.name for one in self.session.get_inputs()}
        embedded, said = self.session.run(None, {n: a for n, a in tensors.items() if n in wanted})
        return embedded, said

    def predict(self, products: list[dict]) -> list[dict]:
        """The likeliest category of each product and its confidence, or its number."""
        _, said = self.run(products)
        if not self.classes:
            return [{"number": float(one)} for one in said]
        best = said.argmax(axis=1)
        return [
            {"category": self.classes[place], "confidence": float(row[place])}
            for place, row in zip(best, said, strict=True)
        ]


def joined(product: dict, fields: list[str], separator: str, most: int) -> str | None:
    """The texts of these fields, as ProductNet joins them; None where there is none."""
    texts = (" ".join(str(product[name])[:most].split()) for name in fields if product.get(name))
    return separator.join(text for text in texts if text)[:most] or None


def words(text: str) -> list[str]:
    """Lower-case words and numbers."""
    return WORD.findall(unicodedata.normalize("NFKC", text).lower())


def sequences(model, one, variant, texts):
    """Word ids (B, L), padded with 0 on the right, and lengths (B,)."""
    known = {word: rank for rank, word in enumerate(one["config"]["words"], start=2)}
    longest = one["config"]["max_length"]
    rows = [[known.get(w, 1) for w in words(t)[:longest]] if t else [0] for t in texts]
    ids = np.zeros((len(rows), max([1, *map(len, rows)])), dtype=np.int64)
    for row, values in zip(ids, rows, strict=True):
        row[: len(values)] = values
    return ids, np.array([max(1, len(row)) for row in rows])


def bags(model, one, variant, texts):
    """Hashed words, bigrams and character n-grams end to end (T,), and where each text starts."""
    buckets = one["config"]["buckets"]
    rows = []
    for text in texts:
        tokens = words(text)[: one["config"]["max_length"]] if text else []
        row = [f"{left} {right}" for left, right in pairwise(tokens)]
        for word in tokens:
            bounded = f"<{word}>"
            pieces = {
                bounded[start : start + size]
                for size in range(3, 7)
                for start in range(len(bounded) - size + 1)
            }
            row += [word, *sorted(pieces - {word})]
        rows.append([crc32(piece.encode()) % buckets for piece in row])
    lengths = np.array([len(row) for row in rows])
    flat = np.array([one for row in rows for one in row], dtype=np.int64)
    return flat, np.cumsum(lengths) - lengths


def tfidf(model, one, variant, texts):
    """Places on the main axes of TF-IDF, of unit length (B, W), and the words that were weighed."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.preprocessing import normalize

    split = 2**20
    shared = {"n_features": split, "alternate_sign": False, "norm": None, "dtype": np.float32}
    by_word = HashingVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2), **shared)
    by_character = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **shared)
    known = [text or "" for text in texts]
    counts = hstack([by_word.transform(known), by_character.transform(known)], format="csr")
    buckets, rarity, placed, axes = (
        model.preparation[f"{one['name']}/{part}"]
        for part in ("buckets", "rarity", "placed", "axes")
    )
    weighted = counts[:, buckets]
    weighted.data = (1 + np.log(weighted.data)) * rarity[weighted.indices]
    middle = int(np.searchsorted(buckets, split))
    halves = [normalize(weighted[:, :middle]), normalize(weighted[:, middle:])]
    weighted = hstack(halves, format="csr")
    values = normalize(weighted[:, placed] @ axes)
    if not one["config"]["word_count"]:
        return (values,)
    return values, weighted.indices, weighted.data, weighted.indptr[:-1]


def frozen(model, one, variant, values):
    """A pretrained encoder's output at the length that the model wants, zeros where missing."""
    from productnet.encoders.registry import image_encoder, text_encoder

    encoder = (image_encoder if one["fields"] == ["image"] else text_encoder)(variant)
    features = np.zeros((len(values), one["config"]["dimension"]), dtype=np.float32)
    known = [place for place, value in enumerate(values) if value is not None]
    if known:
        features[known] = encoder.encode([values[place] for place in known])
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return (features / np.maximum(lengths, 1e-12) * one["config"]["scale"],)


def pixels(model, one, variant, images):
    """Pictures (B, 3, S, S) between -1 and 1; zeros where missing."""
    from PIL import Image

    side = one["config"]["side"]
    made = np.zeros((len(images), 3, side, side), dtype=np.float32)
    for place, image in enumerate(images):
        if image is not None:
            with Image.open(io.BytesIO(image)) as opened:
                small = opened.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
            made[place] = np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 127.5 - 1
    return (made,)


PREPARE = {
    "attention-lstm": sequences,
    "dpcnn": sequences,
    "fasttext": bags,
    "tfidf": tfidf,
    "frozen": frozen,
    "inception-v4": pixels,
}


if __name__ == "__main__":
    predictor = OnnxPredictor(Path(sys.argv[1]))
    with Path(sys.argv[2]).open(encoding="utf-8") as lines:
        for answer in predictor.predict([json.loads(line) for line in lines]):
            print(json.dumps(answer, ensure_ascii=False))
