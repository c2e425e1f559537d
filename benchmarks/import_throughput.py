"""Import throughput beside pandas and Pillow doing the same work, in one run.

Both read a CSV of products, decode every image whole, make a JPEG thumbnail of 256 pixels and
write texts, images and thumbnails: we into the pool, they into one Parquet file. Ours also maps
columns, checks limits, fingerprints and commits. The two take turns. The last line printed is one
JSON object; ``ratio`` is our least wall time over theirs, the least being what other load on the
machine disturbs least, and ``cpu_ratio`` the same of processor time.

    python benchmarks/import_throughput.py --products 3000 --repetitions 3
"""

import argparse
import csv
import io
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from productnet.catalog.importer import import_feed
from productnet.settings import Project, Settings

IMAGE_SIDE = 320
THUMBNAIL_SIDE = 256
WORDS = ("cotton", "steel", "oak", "mug", "chair", "lamp", "towel", "red", "blue", "classic", "set")


class Cost(NamedTuple):
    """Seconds that a piece of work took: by the clock, and of all its threads' processor time."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=3_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        feed = write_feed(root, arguments.products, np.random.default_rng(arguments.seed))
        plain: list[Cost] = []
        ours: list[Cost] = []
        for repetition in range(arguments.repetitions):
            target = root / f"plain-{repetition}.parquet"
            plain.append(cost(partial(plain_import, feed, target)))
            project = Project.create(root / f"project-{repetition}", Settings())
            ours.append(cost(partial(productnet_import, project, feed)))
            print(f"repetition {repetition}: ours {ours[-1].wall} s, plain {plain[-1].wall} s")
    best, best_plain = min(ours).wall, min(plain).wall
    report = {
        "benchmark": "import",
        "products": arguments.products,
        "image_side": IMAGE_SIDE,
        "ours": [one._asdict() for one in ours],
        "plain": [one._asdict() for one in plain],
        "ours_products_per_second": round(arguments.products / best),
        "plain_products_per_second": round(arguments.products / best_plain),
        "ratio": round(best / best_plain, 3),
        "cpu_ratio": round(min(one.cpu for one in ours) / min(one.cpu for one in plain), 3),
    }
    print(json.dumps(report))


def write_feed(root: Path, products: int, rng: np.random.Generator) -> Path:
    """A CSV of made-up products with a JPEG each, about as detailed as a photograph."""
    (root / "images").mkdir()
    feed = root / "products.csv"
    with feed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "description", "brand", "image"])
        for number in range(products):
            rough = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            image = Image.fromarray(rough).resize((IMAGE_SIDE, IMAGE_SIDE))
            image = image.filter(ImageFilter.EDGE_ENHANCE)
            image.save(root / "images" / f"{number}.jpg", quality=85)
            title, description = (" ".join(rng.choice(WORDS, size)) for size in (6, 80))
            row = [f"p{number}", title, description, str(rng.choice(WORDS))]
            writer.writerow([*row, f"images/{number}.jpg"])
    return feed


def plain_import(feed: Path, target: Path) -> None:
    """What a notebook would do."""
    frame = pd.read_csv(feed)
    images, thumbnails = [], []
    for name in frame["image"]:
        data = (feed.parent / name).read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            small = image.convert("RGB")
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=85)
        images.append(data)
        thumbnails.append(buffer.getvalue())
    frame.assign(image=images, thumbnail=thumbnails).to_parquet(target)


def productnet_import(project: Project, feed: Path) -> None:
    """The same through ProductNet."""
    summary = import_feed(project, feed)
    if summary.errors or summary.added != summary.rows:
        raise SystemExit(f"The import is not clean, so the times say nothing: {summary}")


def cost(work: Callable[[], None]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(round(time.perf_counter() - wall, 3), round(time.process_time() - cpu, 3))


if __name__ == "__main__":
    main()
