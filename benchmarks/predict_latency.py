"""Seconds from one product to its category, model warm: the median and the 99th percentile.

A model is trained on products of the generated store and then asked about others, one by one,
as ``MasterModel.predict`` gets them: a table of one row with its texts and its JPEG. We want a
median of 40 ms at most. ``--parts`` tells where the time goes.

    python benchmarks/predict_latency.py --preset fast --products 200

The last line printed is one JSON object.
"""

import argparse
import cProfile
import json
import pstats
import time

import numpy as np
import pyarrow as pa
import torch

from productnet.catalog.store.stream import generate_products
from productnet.master.model import MasterModel
from productnet.settings import PAPER_FIELDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--train", type=int, default=300, help="products to train on")
    parser.add_argument("--products", type=int, default=200, help="products asked about")
    parser.add_argument("--parts", action="store_true", help="print where the time goes")
    arguments = parser.parse_args()
    table = products(arguments.train + arguments.products)
    model = MasterModel(arguments.preset, epochs=2).fit(table.slice(0, arguments.train), "kind")
    asked = [
        table.slice(row, 1).select(["id", *PAPER_FIELDS, "image"])
        for row in range(arguments.train, len(table))
    ]
    for one in asked[:10]:
        model.predict(one)
    profile = cProfile.Profile()
    if arguments.parts:
        profile.enable()
    taken = []
    for one in asked:
        began = time.perf_counter()
        model.predict(one)
        taken.append(time.perf_counter() - began)
    if arguments.parts:
        profile.disable()
        pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    report = {
        "benchmark": "predict_latency",
        "preset": arguments.preset,
        "threads": torch.get_num_threads(),
        "products": len(taken),
        "p50_ms": round(1_000 * float(np.median(taken)), 1),
        "p99_ms": round(1_000 * float(np.quantile(taken, 0.99)), 1),
    }
    print(json.dumps(report))


def products(count: int) -> pa.Table:
    """Products of the generated store that belong to a leaf."""
    rows: list[dict[str, object]] = []
    for one in generate_products(2 * count, seed=0):
        if one.category is not None and len(rows) < count:
            texts = {name: one.texts.get(name) for name in PAPER_FIELDS}
            rows.append({"id": one.id, **texts, "image": one.image, "kind": one.category})
    return pa.Table.from_pylist(rows)


if __name__ == "__main__":
    main()
