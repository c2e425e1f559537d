"""Embedding throughput: ProductNet beside ONNX Runtime alone doing the same work.

Both encode the same generated products with the same exported networks, in alternating
repetitions. Ours reads a pool, keeps every feature in the cache and writes an embedding set; the
plain loop decodes, resizes and encodes batches of 32, and keeps the results in memory.

    python benchmarks/embed_throughput.py --products 2000 --repetitions 3

Prints one JSON object; ``ratio`` is our time over the plain loop's.
"""

import argparse
import io
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw
from tokenizers import Tokenizer

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.initial import embed_initial
from productnet.encoders import minilm
from productnet.encoders.efficientnet import LITE0
from productnet.encoders.features import compute_features
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.files import cache_folder
from productnet.settings import CatalogSettings, Project, Settings

IMAGE_ENCODER = "efficientnet-lite0"
TEXT_ENCODER = "minilm"
BATCH = 32

WORDS = ("red", "blue", "steel", "oak", "small", "mug", "tray", "lamp", "chair", "kitchen", "set")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=2_000)
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()

    # Made ready before the clock starts, as on every run but a machine's first.
    image_encoder(IMAGE_ENCODER)
    text_encoder(TEXT_ENCODER)

    products = [generated(number) for number in range(arguments.products)]
    images = [product.image for product in products if product.image is not None]
    texts = [product.texts["title"] for product in products]
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder) / "shop", products)

        def ours_images() -> None:
            compute_features(project, IMAGE_ENCODER, modality="image")

        def ours_texts() -> None:
            compute_features(project, TEXT_ENCODER, modality="text")

        def ours_set() -> None:
            embed_initial(project)

        work: dict[str, Callable[[], object]] = {
            "ours_images": ours_images,
            "plain_images": lambda: plain_images(images),
            "ours_texts": ours_texts,
            "plain_texts": lambda: plain_texts(texts),
            "ours_set": ours_set,
        }
        seconds: dict[str, list[float]] = {name: [] for name in work}
        for repetition in range(arguments.repetitions):
            for path in (project.features_path, project.embeddings_path):
                shutil.rmtree(path, ignore_errors=True)
            for name, run in work.items():
                seconds[name].append(timed(run))
            print(f"repetition {repetition + 1} of {arguments.repetitions}", file=sys.stderr)

    median = {name: statistics.median(times) for name, times in seconds.items()}
    count = arguments.products
    ours = median["ours_images"] + median["ours_texts"] + median["ours_set"]
    plain = median["plain_images"] + median["plain_texts"]
    result = {
        "products": count,
        "cores": os.cpu_count(),
        "images_per_second": rates("images", median, count),
        "texts_per_second": rates("texts", median, count),
        "set_seconds": round(median["ours_set"], 2),
        "ratio": round(ours / plain, 3),
        "seconds": {name: [round(time, 2) for time in times] for name, times in seconds.items()},
    }
    print(json.dumps(result))


def rates(what: str, median: dict[str, float], count: int) -> dict[str, float]:
    ours, plain = median[f"ours_{what}"], median[f"plain_{what}"]
    return {
        "ours": round(count / ours, 1),
        "plain": round(count / plain, 1),
        "ratio": round(ours / plain, 3),
    }


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def generated(number: int) -> Product:
    """A product of a drawn JPEG, 320 pixels wide, and a title of some nine words."""
    rng = np.random.default_rng(number)
    image = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        left, top, width, height = rng.integers(5, 150, 4).tolist()
        fill = tuple(rng.integers(0, 256, 3).tolist())
        draw.ellipse((left, top, left + width, top + height), fill=fill)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    title = " ".join(rng.choice(WORDS, 8 + number % 3)) + f" {number}"
    return Product(
        id=str(number),
        texts={"title": title},
        image=file.getvalue(),
        fingerprint=number.to_bytes(8, "big"),
    )


def make_project(root: Path, products: list[Product]) -> Project:
    settings = Settings(catalog=CatalogSettings(fields=("title",)))
    project = Project.create(root, settings)
    Pool.create(project.pool_path, ("title",)).append(products_to_table(products, ("title",)))
    return project


def plain_images(images: list[bytes]) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(cache_folder() / IMAGE_ENCODER / "model.onnx"))
    features = []
    for start in range(0, len(images), BATCH):
        pixels = [
            np.asarray(Image.open(io.BytesIO(one)).convert("RGB").resize((LITE0.side, LITE0.side)))
            for one in images[start : start + BATCH]
        ]
        features.append(session.run(None, {"images": np.stack(pixels)})[0])
    return np.concatenate(features)


def plain_texts(texts: list[str]) -> np.ndarray:
    folder = cache_folder() / TEXT_ENCODER
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(minilm.MAX_TOKENS)
    tokenizer.enable_padding()
    features = []
    for start in range(0, len(texts), BATCH):
        encodings = tokenizer.encode_batch(texts[start : start + BATCH])
        ids = np.array([one.ids for one in encodings], np.int64)
        mask = np.array([one.attention_mask for one in encodings], np.int64)
        outputs = session.run(None, {"ids": ids, "mask": mask})[0]
        means = (outputs * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        features.append(means / np.linalg.norm(means, axis=1, keepdims=True))
    return np.concatenate(features)


if __name__ == "__main__":
    main()
