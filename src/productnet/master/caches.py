"""A project's cache of pretrained features, brought up to date before a model asks for it."""

from collections.abc import Mapping

from productnet.encoders.features import compute_features, open_features
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import EncoderError
from productnet.master.presets import Input
from productnet.master.products import cached_as
from productnet.master.sources import PoolPart, Source
from productnet.master.storage import SavedInput
from productnet.progress import Progress
from productnet.settings import Project


def compute_missing_features(
    source: Source,
    inputs: Mapping[str, Input] | Mapping[str, SavedInput],
    progress: Progress,
    *,
    engine: Engine = LOCAL,
) -> None:
    """Bring a project's cache of frozen features up to date; a table has none."""
    project = source.project if isinstance(source, PoolPart) else source
    if not isinstance(project, Project):
        return
    for one in inputs.values():
        kind, _, encoder = one.encoder.partition(":")
        if kind != "frozen":
            continue
        modality, fields = cached_as(one.fields, project.settings.catalog.fields)
        try:
            open_features(project, encoder, modality=modality, fields=fields)
        except EncoderError:
            compute_features(
                project,
                encoder,
                modality=modality,
                fields=fields,
                progress=progress,
                engine=engine,
            )
