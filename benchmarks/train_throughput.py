"""Training throughput of the master model beside a bare torch loop, in one run.

Both train the same network on the same prepared products with the same batch size. The bare
loop is what one would write by hand: random batches, AdamW, cross-entropy; no schedule, clipping,
bucketing, history or progress. Two workloads: ``fast`` on cached features of 1,280 and 384
numbers, and ``paper``'s text encoders at reduced width. Texts are trained on a third way as well,
straightforward: the bare loop, with every text padded to the longest of the corpus. The loops take
turns. The last line printed is one JSON object; ``ratio`` is our least wall time over theirs, the
least being what other load on the machine disturbs least, ``cpu_ratio`` the same of processor
time, and ``speedup_over_straightforward`` how many times as many products a second we train on.

    python benchmarks/train_throughput.py --products 4000 --repetitions 5
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from productnet.master.batching import Examples, Prepared
from productnet.master.fields.columns import PAD, Sequences, Vectors
from productnet.master.fields.frozen import Frozen
from productnet.master.fields.registry import learn_encoder
from productnet.master.network import MasterNetwork
from productnet.master.presets import PRESETS, Input, Preset
from productnet.master.training import Run
from productnet.progress import SILENT

CPU = torch.device("cpu")
PAPER_TEXT = replace(
    PRESETS["paper"],
    inputs=(
        Input(("title",), "attention-lstm", {"width": 64, "hidden": 64}),
        Input(("description",), "dpcnn", {"width": 64, "maps": 64}),
        Input(("brand",), "fasttext", {"buckets": 20_000, "width": 64}),
    ),
)


class Cost(NamedTuple):
    """Seconds that a piece of work took: by the clock, and of all its threads' processor time."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=4_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    targets = rng.integers(0, arguments.classes, size=arguments.products)
    report: dict[str, object] = {"benchmark": "train", "threads": torch.get_num_threads()}
    for name, (network, preset, data) in {
        "fast": cached_features(arguments.products, arguments.classes, rng),
        "paper_text": texts(arguments.products, arguments.classes, rng),
    }.items():
        preset = replace(preset, epochs=arguments.epochs, min_steps=0, patience=None)
        examples = Examples.all_of(data, targets)
        first = {key: one.clone() for key, one in network.state_dict().items()}
        padded = replace(examples, data=padded_to_longest(data))
        costs: dict[str, list[Cost]] = {"ours": [], "bare": []}
        if name == "paper_text":
            costs["straightforward"] = []
        for repetition in range(arguments.repetitions):
            run = Run(preset, seed=repetition, device=CPU, progress=SILENT)
            loops: dict[str, Callable[[], object]] = {
                "ours": partial(run.train, network, examples),
                "bare": partial(bare_loop, network, examples, preset, seed=repetition),
                "straightforward": partial(bare_loop, network, padded, preset, seed=repetition),
            }
            for loop in costs:
                network.load_state_dict(first)
                costs[loop].append(cost(loops[loop]))
            ours, bare = costs["ours"][-1], costs["bare"][-1]
            print(f"{name} {repetition}: ours {ours.wall} s, bare {bare.wall} s")
        seen = arguments.products * arguments.epochs
        ours, bare = (Cost(*np.min(costs[loop], axis=0)) for loop in ("ours", "bare"))
        report[name] = {
            "batch_size": preset.batch_size,
            **{loop: [one._asdict() for one in taken] for loop, taken in costs.items()},
            "ours_products_per_second": round(seen / ours.wall),
            "bare_products_per_second": round(seen / bare.wall),
            "ratio": round(float(ours.wall / bare.wall), 3),
            "cpu_ratio": round(float(ours.cpu / bare.cpu), 3),
        }
        if name == "paper_text":
            slow = Cost(*np.min(costs["straightforward"], axis=0))
            report["speedup_over_straightforward"] = round(float(slow.wall / ours.wall), 2)
    print(json.dumps(report))


def cost(work: Callable[[], object]) -> Cost:
    """What one piece of work takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(round(time.perf_counter() - wall, 3), round(time.process_time() - cpu, 3))


def bare_loop(network: MasterNetwork, examples: Examples, preset: Preset, *, seed: int) -> None:
    """The least that trains: shuffle, forward, backward, step."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=preset.learning_rate, fused=True)
    targets = torch.from_numpy(examples.classes)
    network.train()
    for _ in range(preset.epochs):
        order = rng.permutation(len(examples))
        for start in range(0, len(order), preset.batch_size):
            rows = order[start : start + preset.batch_size]
            loss = F.cross_entropy(network(examples.data.batch(rows)), targets[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


class ToLongest(Sequences):
    """Texts that are all padded to the longest of the corpus."""

    def batch(self, rows: np.ndarray) -> tuple[torch.Tensor, ...]:
        """(ids (B, L), lengths (B,)), L the same for every batch."""
        ids, lengths = super().batch(rows)
        longest = int(np.diff(self.offsets).max())
        return F.pad(ids, (0, longest - ids.shape[1]), value=PAD), lengths


def padded_to_longest(data: Prepared) -> Prepared:
    """The same products with texts as ``ToLongest`` makes them."""
    columns = {
        name: ToLongest(column.values, column.offsets, column.present)
        if isinstance(column, Sequences)
        else column
        for name, column in data.columns.items()
    }
    return Prepared(columns, data.count)


def cached_features(
    count: int, classes: int, rng: np.random.Generator
) -> tuple[MasterNetwork, Preset, Prepared]:
    """The fast preset's dense inputs, as the feature cache gives them."""
    preset = PRESETS["fast"]
    encoders = {
        "image": Frozen(encoder="image", dimension=1_280, scale=1.0),
        "text": Frozen(encoder="text", dimension=384, scale=1.0),
    }
    present = np.ones(count, dtype=bool)
    columns = {
        name: Vectors(
            torch.from_numpy(rng.normal(size=(count, one.dimension)).astype(np.float32)), present
        )
        for name, one in encoders.items()
    }
    network = MasterNetwork(encoders, preset, dimension=256, classes=classes)
    return network, preset, Prepared(columns, count)


def texts(
    count: int, classes: int, rng: np.random.Generator
) -> tuple[MasterNetwork, Preset, Prepared]:
    """The paper's text encoders on made-up texts, whose lengths vary as real ones do."""
    fields = {
        "title": MadeUpTexts(count, 9, rng),
        "description": MadeUpTexts(count, 50, rng),
        "brand": MadeUpTexts(count, 1, rng),
    }
    encoders = {
        one.fields[0]: learn_encoder(one.encoder, fields[one.fields[0]], one.options)
        for one in PAPER_TEXT.inputs
    }
    network = MasterNetwork(encoders, PAPER_TEXT, dimension=256, classes=classes)
    return network, PAPER_TEXT, Prepared.of(fields, encoders)


class MadeUpTexts:
    """Texts of words drawn as in language: a few often, most seldom."""

    def __init__(self, count: int, mean_length: int, rng: np.random.Generator) -> None:
        self._texts: list[str | None] = [
            " ".join(f"word{rank}" for rank in rng.zipf(1.3, size=length).clip(max=30_000))
            for length in 1 + rng.geometric(1 / mean_length, size=count)
        ]

    def __len__(self) -> int:
        return len(self._texts)

    def texts(self) -> list[str | None]:
        """One text a product."""
        return self._texts

    def images(self, rows: np.ndarray) -> list[bytes | None]:
        """None: these products have no images."""
        return [None] * len(rows)

    def has_image(self) -> np.ndarray:
        """False for every product."""
        return np.zeros(len(self), dtype=bool)

    def features(self, encoder: str) -> tuple[np.ndarray, np.ndarray]:
        """None: these products have texts only."""
        return np.zeros((len(self), 0), dtype=np.float32), self.has_image()


if __name__ == "__main__":
    main()
