"""ONNX export: the network for runtimes without torch, and a JSON file that says how to feed it.

What is written has been run: ONNX Runtime's answers to two batches of different sizes and to a
single product are those of torch, or nothing is written. Turning texts and pictures into the
network's inputs is not part of ONNX; ``inputs.json`` holds what that needs, and
``docs/examples/onnx_predictor.py`` does it.
"""

import io
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F  # noqa: N812

from productnet.encoders.texts import MAX_CHARACTERS, SEPARATOR, reading_order
from productnet.errors import ModelError
from productnet.files import drafted_folder
from productnet.master.batching import Prepared
from productnet.master.fields.base import FieldEncoder
from productnet.master.network import Batch, MasterNetwork
from productnet.master.storage import Card

FORMAT_VERSION = 2
GRAPH = "model.onnx"
INPUTS = "inputs.json"
PREPARATION = "preparation.safetensors"

# The most that ONNX Runtime and torch may differ in a probability or a number of the embedding.
_TOLERANCE = 1e-4

# Above this many bytes weights are kept beside the graph: one protobuf file holds 2 GB.
_IN_ONE_FILE = 1_500 * 2**20

# Made-up texts by number of words, a product each: what differs between the two is dynamic.
_SAMPLES = ((3, 5, 2), (7, 1, 4, 6))


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export left.

    Attributes:
        folder: The files.
        difference: The most that ONNX Runtime and torch differed in.
        bytes: Of all files.
    """

    folder: Path
    difference: float
    bytes: int


def export_onnx(network: MasterNetwork, card: Card, folder: Path) -> Exported:
    """Write ``model.onnx``, ``inputs.json`` and what preparing inputs needs beside vocabularies.

    Raises ModelError if the graph does not answer as torch does, or the folder holds other things.
    """
    if folder.exists() and not (folder / INPUTS).is_file():
        raise ModelError(f"{folder} exists and is no ONNX export. Choose another folder.")
    device = next(network.parameters()).device
    graph = _Graph(network.cpu().eval(), card)
    try:
        samples = [_sample(network, words) for words in _SAMPLES]
        with drafted_folder(folder) as draft:
            _write_graph(graph, samples, draft / GRAPH)
            difference = _difference(draft / GRAPH, graph, [*samples, _first(samples[0])])
            if not difference <= _TOLERANCE:
                raise ModelError(
                    f"The exported graph differs from the model by {difference:.1e}, more than "
                    f"{_TOLERANCE:.0e}; nothing was written."
                )
            _describe(graph, card, samples, draft)
            size = sum(file.stat().st_size for file in draft.iterdir())
    finally:
        network.to(device)
    return Exported(folder, difference, size)


class _Graph(nn.Module):
    """The network with its answers as people get them, over a flat list of tensors."""

    def __init__(self, network: MasterNetwork, card: Card) -> None:
        super().__init__()
        self.network = network
        self.temperature = card.temperature
        self.classes = len(card.classes)
        self.number = card.number
        self.names = _names(network)

    @property
    def outputs(self) -> list[str]:
        """What ``forward`` gives, in order."""
        return ["product_embedding", "number" if self.number else "probabilities"]

    def forward(self, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """(embedding (B, D) of unit length, calibrated probabilities (B, K) or numbers (B,))."""
        left = list(tensors)
        inputs = {}
        for name, parts in self.names.items():
            inputs[name], left = tuple(left[: len(parts)]), left[len(parts) :]
        embedded = self.network.embed(Batch(inputs, left[0]))  # (B, D)
        logits = self.network.logits(embedded)  # (B, C)
        if self.number:
            said = logits[:, 0] * self.number.spread + self.number.centre
        else:
            said = (logits / self.temperature).softmax(dim=1)[:, : self.classes]
        return F.normalize(embedded, dim=1), said


def _names(network: MasterNetwork) -> dict[str, list[str]]:
    """A name for each tensor of each input."""
    return {
        name: [f"input{place}_{part}" for part in _parts(encoder)]
        for place, (name, encoder) in enumerate(network.encoders_by_name.items())
    }


def _parts(encoder: FieldEncoder) -> Sequence[str]:
    """What the tensors of an encoder's column are called."""
    if encoder.word_count:
        return "values", "words", "weights", "starts"
    column = encoder.prepare(_MadeUp(encoder, (1, 2)))
    known = {"Sequences": ("ids", "lengths"), "Bags": ("ids", "starts")}
    tensors = column.batch(np.arange(2))
    return known.get(type(column).__name__, [f"values{place}" for place in range(len(tensors))])


def _sample(network: MasterNetwork, words: Sequence[int]) -> list[torch.Tensor]:
    """The flat tensors of made-up products."""
    fields = {name: _MadeUp(one, words) for name, one in network.encoders_by_name.items()}
    batch = Prepared.of(fields, network.encoders_by_name).batch(np.arange(len(words)))
    tensors: list[torch.Tensor] = []
    for name, encoder in network.encoders_by_name.items():
        vectors, *rest = batch.inputs[name]
        made_up = _known_words(encoder.word_count, words) if encoder.word_count else rest
        tensors += [vectors, *made_up]
    return [*tensors, batch.present]


def _known_words(count: int, lengths: Sequence[int]) -> tuple[torch.Tensor, ...]:
    """Ids, weights and starts of words that are known, where made-up texts may have none."""
    ids = torch.arange(sum(lengths)) % count
    starts = np.cumsum([0, *lengths[:-1]])
    return ids, torch.linspace(0.1, 1.0, len(ids)), torch.from_numpy(starts)


def _first(sample: list[torch.Tensor]) -> list[torch.Tensor]:
    """The first product of a sample alone, where every tensor has a row a product."""
    count = len(sample[-1])
    alone = all(len(one) == count for one in sample)
    return [one[:1] for one in sample] if alone else sample


def _write_graph(graph: _Graph, samples: list[list[torch.Tensor]], file: Path) -> None:
    names = [*(part for parts in graph.names.values() for part in parts), "present"]
    dynamic = [
        {
            place: torch.export.Dim.DYNAMIC
            for place, sizes in enumerate(zip(one.shape, other.shape, strict=True))
            if sizes[0] != sizes[1]
        }
        for one, other in zip(*samples, strict=True)
    ]
    size = sum(one.numel() * one.element_size() for one in graph.state_dict().values())
    with _quiet():
        torch.onnx.export(
            graph,
            (samples[1],),
            file,
            input_names=names,
            output_names=graph.outputs,
            dynamic_shapes=(dynamic,),
            dynamo=True,
            external_data=size > _IN_ONE_FILE,
            verbose=False,
        )


def _difference(file: Path, graph: _Graph, samples: Sequence[list[torch.Tensor]]) -> float:
    """The most that ONNX Runtime and torch differ in, over all outputs of these samples."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    most = 0.0
    for sample in samples:
        names = [one.name for one in session.get_inputs()]
        given = dict(zip(names, (one.numpy() for one in sample), strict=True))
        with torch.inference_mode():
            expected = [one.numpy() for one in graph(sample)]
        for one, other in zip(session.run(None, given), expected, strict=True):
            scale = max(1.0, float(np.abs(other).max(initial=0.0)))
            most = max(most, float(np.abs(one - other).max(initial=0.0)) / scale)
    return most


def _describe(graph: _Graph, card: Card, samples: list[list[torch.Tensor]], folder: Path) -> None:
    """Write ``inputs.json``, and the arrays that preparing inputs needs."""
    names = graph.names
    shapes = dict(
        zip(
            [*(part for parts in names.values() for part in parts), "present"],
            zip(*samples, strict=True),
            strict=True,
        )
    )
    described = {
        "format_version": FORMAT_VERSION,
        "inputs": [
            {
                "name": name,
                "fields": reading_order(saved.fields),
                "encoder": saved.encoder,
                "config": saved.config,
                "tensors": [_tensor(part, *shapes[part]) for part in names[name]],
            }
            for name, saved in card.inputs.items()
        ],
        # Fields of one input are joined so, each with its white space folded.
        "text": {"separator": SEPARATOR, "most_characters": MAX_CHARACTERS},
        "present": {"columns": list(names), **_tensor("present", *shapes["present"])},
        "outputs": graph.outputs,
        "classes": card.classes,
        "abstains": card.abstains,
        "dimension": card.dimension,
        "nested": card.preset.nested,
        "taxonomy": card.taxonomy,
    }
    (folder / INPUTS).write_text(json.dumps(described, ensure_ascii=False, indent=1))
    arrays = {
        f"{name}/{part}": buffer.contiguous()
        for name, encoder in graph.network.encoders_by_name.items()
        if not encoder.reads_images
        for part, buffer in encoder.named_buffers()
    }
    save_file(arrays, folder / PREPARATION)


def _tensor(name: str, one: torch.Tensor, other: torch.Tensor) -> dict[str, object]:
    """Type and shape of a tensor; None stands for sizes that differ from batch to batch."""
    sizes = zip(one.shape, other.shape, strict=True)
    return {
        "name": name,
        "type": str(one.dtype).removeprefix("torch."),
        "shape": [size if size == same else None for size, same in sizes],
    }


class _MadeUp:
    """Values of one input for products that do not exist, by the words of their texts."""

    def __init__(self, encoder: FieldEncoder, words: Sequence[int]) -> None:
        self._encoder, self._words = encoder, words

    def __len__(self) -> int:
        return len(self._words)

    def texts(self) -> list[str | None]:
        """Texts of so many words."""
        return [" ".join(f"word{place}" for place in range(count)) for count in self._words]

    def images(self, rows: np.ndarray) -> list[bytes | None]:
        """Pictures of noise."""
        rng = np.random.default_rng(0)
        pictures: list[bytes | None] = []
        for _ in rows:
            file = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(file, "PNG")
            pictures.append(file.getvalue())
        return pictures

    def features(self, encoder: str) -> tuple[np.ndarray, np.ndarray]:
        """Noise, as wide as the encoder's output."""
        rng = np.random.default_rng(0)
        shape = len(self), self._encoder.dimension
        return rng.normal(size=shape).astype(np.float32), self.has_image()

    def has_image(self) -> np.ndarray:
        """Every product has one."""
        return np.ones(len(self), dtype=bool)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter tells its own developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
