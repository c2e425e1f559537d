"""The presets of ours, as contenders."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

import productnet.encoders
import productnet.master
from benchmarks.quality.grounds import Ground, View
from benchmarks.quality.rivals import Fitted, Labels
from productnet.catalog.schema import ID, IMAGE
from productnet.master.model import MasterModel
from productnet.master.presets import PRESETS, Input, Preset
from productnet.master.sources import PoolPart

# The paper's sizes take 14 hours for 40 thousand products on two cores, Inception-v4 days more.
_REDUCED = {
    "attention-lstm": {"width": 64, "hidden": 64, "max_length": 24},
    "dpcnn": {"width": 64, "maps": 64, "max_length": 64},
    "fasttext": {"width": 64, "max_length": 48},
}


@dataclass(frozen=True, slots=True)
class Ours:
    """A preset."""

    preset: Preset
    needs_images: bool = False
    needs_text: bool = False

    def can_read(self, ground: Ground) -> bool:
        """Every set will do."""
        return True

    def fit(self, view: View, *, seed: int) -> Fitted:
        """Train on the pool's cached features where nothing is damaged, else on a table."""
        labels = dict(zip(view.ids, view.labels.tolist(), strict=True))
        fields = [name for name in view.ground.fields if name not in view.damage.dropped]
        if view.ground.has_images and IMAGE not in view.damage.dropped:
            fields.append(IMAGE)
        model = MasterModel(self.preset, seed=seed, fields=tuple(fields))
        model.fit(PoolPart(view.ground.project, view.ids), labels)

        def predict(other: View) -> Labels:
            source = PoolPart(other.ground.project, other.ids) if whole(other) else table_of(other)
            said: Labels = np.array(model.predict(source), dtype=np.str_)
            return said

        return predict, {"epochs": float(len(model.history))}


def whole(view: View) -> bool:
    """Whether nothing is damaged."""
    return not view.damage.fields()


def table_of(view: View) -> pa.Table:
    """Damaged products as a table, with their images where these are whole."""
    if IMAGE in view.damage.dropped or not view.ground.has_images:
        return view.table
    images = view.ground.pool.take(view.ids, columns=[ID, IMAGE]).column(IMAGE)
    return view.table.append_column(IMAGE, images)


def reduced_paper() -> Preset:
    """The paper's network at widths that a processor can train, with Lite0's frozen features."""
    paper = PRESETS["paper"].with_image("efficientnet-lite0")
    inputs = tuple(
        one
        if one.fields == (IMAGE,)
        else Input(one.fields, one.encoder, {**one.options, **_REDUCED[one.encoder]})
        for one in paper.inputs
    )
    return replace(paper, inputs=inputs, min_steps=300)


OURS: Mapping[str, Ours] = {
    "paper": Ours(reduced_paper()),
    "fast": Ours(PRESETS["fast"]),
    "best": Ours(PRESETS["best"]),
}


@cache
def our_version() -> str:
    """A hash of the code that our trials depend on."""
    told = hashlib.blake2b(digest_size=8)
    for package in (productnet.master, productnet.encoders):
        for file in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            told.update(file.read_bytes())
    return told.hexdigest()
