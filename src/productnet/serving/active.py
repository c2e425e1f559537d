"""The master model of a project that is in use, and the paths of its categories."""

from collections.abc import Sequence
from pathlib import Path

from productnet.embeddings.active import read_active
from productnet.errors import ModelError
from productnet.master.hierarchy import Path as CategoryPath
from productnet.master.model import MasterModel
from productnet.rounds.steps import MODEL_FOLDER
from productnet.settings import Project
from productnet.taxonomy.paths import split_path
from productnet.taxonomy.tree import Taxonomy


def active_model(project: Project) -> MasterModel:
    """The master model of the round in use; raises ModelError before the first round."""
    return MasterModel.load(active_model_folder(project))


def active_model_folder(project: Project) -> Path:
    """Where the master model in use is; raises ModelError before the first round."""
    active = read_active(project)
    if active is None or active.round is None:
        raise ModelError(
            f"{project.root} has no master model yet. Train one with `productnet round`, name a "
            "model's folder with --model, or have categories guessed by name with --zero-shot."
        )
    folder = project.round_path(active.round) / MODEL_FOLDER
    if not folder.exists():
        raise ModelError(
            f"The model in use, {folder}, is gone. Bring it back from a backup, or train another "
            "with `productnet round`."
        )
    return folder


def class_paths(classes: Sequence[str], taxonomy: Taxonomy | None) -> list[CategoryPath]:
    """Names from the root down to each of a model's categories (K), no two of them the same.

    Without a taxonomy that has them all, a category such as "A > B" is taken for its own path.
    """
    if taxonomy is not None and all(name in taxonomy for name in classes):
        return [taxonomy[name].path for name in classes]
    paths = [split_path(name) or (name,) for name in classes]
    # Two spellings of one path are still two classes.
    return paths if len(set(paths)) == len(paths) else [(name,) for name in classes]
