"""The paper's workload (section 2.2): 39,680 products of 1,240 classes, 50 epochs.

Products are those of the generated store, texts and pictures, sorted by leaf and title and cut
into classes of 32. One in ten is held out. Three ways to train:

    paper    the network as published, Inception-v4 from chance and end to end; the paper took
             10 hours on a V100 (55 products/s)
    text     its text encoders alone
    cached   preset fast on features as the cache gives them (1,280 numbers of a picture, 384 of a
             text), made up: a centre a class, and noise

    python benchmarks/paper_workload.py --preset paper                    # on a GPU
    torchrun --nproc-per-node 4 benchmarks/paper_workload.py --preset paper
    python benchmarks/paper_workload.py --preset cached                   # five minutes at most
    python benchmarks/paper_workload.py --preset paper --scale 0.005 --epochs 1 --side 139

``--scale`` takes a part of the products and classes. The last line printed is one JSON object:
products a second, seconds to the best validation accuracy and in all, memory.
"""

import argparse
import json
import resource
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch

from productnet.catalog.store.stream import generate_products
from productnet.master import training
from productnet.master.batching import Examples, Prepared
from productnet.master.fields.columns import Vectors
from productnet.master.fields.frozen import Frozen
from productnet.master.fields.registry import learn_encoder
from productnet.master.history import Epoch, TrainingLog
from productnet.master.network import MasterNetwork
from productnet.master.presets import PRESETS, Input, Preset, choose_inputs
from productnet.master.products import InputField, Products
from productnet.master.sources import match_labels
from productnet.master.team import leads_team
from productnet.master.training import Run
from productnet.progress import SILENT
from productnet.settings import PAPER_FIELDS

PRODUCTS, CLASSES, EPOCHS = 39_680, 1_240, 50
HELD_OUT = 0.1


class Stopwatch(TrainingLog):
    """Remembers when each epoch was judged, and how."""

    def __init__(self) -> None:
        super().__init__(None)
        self.began = time.perf_counter()
        self.epochs: list[tuple[float, Epoch]] = []

    def epoch(self, phase: str, step: int, epoch: Epoch) -> None:
        """An epoch ended."""
        self.epochs.append((time.perf_counter() - self.began, epoch))
        if leads_team():
            print(f"{len(self.epochs)}: {self.epochs[-1][0]:.1f} s, {epoch}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=("paper", "text", "cached"), default="cached")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--side", type=int, default=299, help="pixels that pictures are scaled to")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--patience", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    classes = max(2, round(CLASSES * arguments.scale))
    count = classes * (PRODUCTS // CLASSES)
    device = training.pick_device(arguments.device)
    made = time.perf_counter()
    if arguments.preset == "cached":
        network, preset, data, targets = cached(count, classes, seed=arguments.seed)
    else:
        network, preset, data, targets = paper(
            count,
            classes,
            images=arguments.preset == "paper",
            side=arguments.side,
            seed=arguments.seed,
        )
    preset = replace(
        preset,
        epochs=arguments.epochs,
        min_steps=0,
        batch_size=arguments.batch_size or preset.batch_size,
        refit=False,
        patience=arguments.patience,
    )
    made = time.perf_counter() - made
    learnt, held_out = Examples.all_of(data, targets).split(HELD_OUT, seed=arguments.seed)
    watch = Stopwatch()
    run = Run(preset, arguments.seed, device, SILENT, log=watch, compiled=arguments.compile)
    history = run.train(network.to(device), learnt, validation=held_out)
    took = time.perf_counter() - watch.began
    best = max(range(len(history)), key=lambda epoch: history[epoch].accuracy or 0.0)
    if not leads_team():
        return
    report = {
        "benchmark": "paper_workload",
        "preset": arguments.preset,
        "products": count,
        "classes": classes,
        "epochs": len(history),
        "batch_size": preset.batch_size,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "products_per_second": round(len(learnt) * len(history) / took, 1),
        "seconds": round(took, 1),
        "seconds_to_best": round(watch.epochs[best][0], 1),
        "best_epoch": best + 1,
        "best_accuracy": history[best].accuracy,
        "seconds_to_make_the_products": round(made, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }
    if device.type == "cuda":
        report["peak_gpu_memory_gb"] = round(torch.cuda.max_memory_allocated(device) / 2**30, 2)
    print(json.dumps(report))


Made = tuple[MasterNetwork, Preset, Prepared, np.ndarray]


def paper(count: int, classes: int, *, images: bool, side: int, seed: int) -> Made:
    """The paper's network and products of the generated store."""
    store = generate_products(count, seed=seed, images=images)
    rows = [
        {"id": one.id, **{name: one.texts.get(name) for name in PAPER_FIELDS}}
        | ({"image": one.image} if images else {})
        | {"sort": f"{one.category} {one.texts.get('title')}"}
        for one in store
    ]
    rows.sort(key=lambda row: str(row.pop("sort")))
    table = pa.Table.from_pylist(rows)
    targets = np.arange(count) * classes // count
    products, _ = match_labels(table, [f"class {target}" for target in targets])
    image = Input(("image",), "inception-v4:random", {"side": side})
    preset = replace(PRESETS["paper"], inputs=(image, *PRESETS["paper"].inputs[1:]))
    return *_network(preset, products, classes, seed=seed), targets


def _network(
    preset: Preset, products: Products, classes: int, *, seed: int
) -> tuple[MasterNetwork, Preset, Prepared]:
    inputs = choose_inputs(preset, products.text_fields, with_image=products.has_images)
    fields = {name: InputField(products, one.fields) for name, one in inputs.items()}
    torch.manual_seed(seed)
    encoders = {
        name: learn_encoder(one.encoder, fields[name], one.options) for name, one in inputs.items()
    }
    network = MasterNetwork(encoders, preset, dimension=256, classes=classes)
    return network, preset, Prepared.of(fields, encoders)


def cached(count: int, classes: int, *, seed: int) -> Made:
    """Preset fast's network on made-up features: a centre a class, and three times as much noise.

    Held-out accuracy then rises over several epochs, as it does on real products.
    """
    rng = np.random.default_rng(seed)
    targets = np.arange(count) * classes // count
    preset, present = PRESETS["fast"], np.ones(count, dtype=bool)
    encoders, columns = {}, {}
    for name, width in (("image", 1_280), ("text", 384)):
        centres = rng.normal(size=(classes, width)).astype(np.float32)
        values = centres[targets]
        values += 3 * rng.standard_normal(values.shape, dtype=np.float32)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        encoders[name] = Frozen(encoder=name, dimension=width, scale=1.0)
        columns[name] = Vectors(torch.from_numpy(values), present)
    torch.manual_seed(seed)
    network = MasterNetwork(encoders, preset, dimension=256, classes=classes)
    return network, preset, Prepared(columns, count), targets


if __name__ == "__main__":
    main()
