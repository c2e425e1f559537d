"""A model on its way to workers: what travels is the folder it is loaded from there."""

from collections.abc import Callable
from pathlib import Path

from productnet.errors import ModelError, UsageError
from productnet.master.model import MasterModel


class ShippedModel:
    """A master model of this process, and where a worker of an engine finds it.

    A worker loads it for its own accelerator, once, and checks that it is the same.

    Args:
        model: For this process.
        folder: Where it is saved, as workers see it; without one it cannot travel.
    """

    def __init__(self, model: MasterModel, folder: Path | None) -> None:
        self.model = model
        self._folder = folder

    def __reduce__(self) -> tuple[Callable[..., "ShippedModel"], tuple[Path, str]]:
        if self._folder is None:
            raise UsageError(
                "Workers load a model from its folder, and this one has none. Save it, and name "
                "the folder."
            )
        return _arrived, (self._folder.resolve(), self.model.fingerprint)


def _arrived(folder: Path, fingerprint: str) -> ShippedModel:
    model = MasterModel.load(folder)
    if model.fingerprint != fingerprint:
        raise ModelError(
            f"The model in {folder} is another than the command began with, as a worker sees it. "
            "Give all machines the same folder, and run the command again."
        )
    return ShippedModel(model, folder)
