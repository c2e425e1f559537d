"""Which round and embedding set are in use: one small file, replaced whole."""

import json
from dataclasses import asdict, dataclass

from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import EmbeddingError
from productnet.files import write_atomically
from productnet.settings import Project


@dataclass(frozen=True, slots=True)
class Active:
    """What a project works with at the moment.

    Attributes:
        round: Number of the round whose master model is in use; None before the first.
        embedding_set: Name of the embedding set in use.
    """

    round: int | None
    embedding_set: str


def read_active(project: Project) -> Active | None:
    """What is in use; None before the first embedding. Raises EmbeddingError if unreadable."""
    try:
        active = Active(**json.loads(project.active_path.read_text(encoding="utf-8")))
        if not isinstance(active.round, int | None) or not isinstance(active.embedding_set, str):
            raise ValueError(f"{active} is not a round's number and a set's name")
        return active
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise EmbeddingError(
            f"{project.active_path} cannot be read: {error}. Delete it and run "
            "`productnet embed` again."
        ) from error


def activate(project: Project, active: Active) -> None:
    """Put a round and its embedding set into use, at once for everyone who asks from now on.

    Raises EmbeddingError if the set is not there or is damaged.
    """
    EmbeddingSet.open(project.embeddings_path / active.embedding_set)
    write_atomically(project.active_path, json.dumps(asdict(active)) + "\n")


def active_set(project: Project) -> EmbeddingSet:
    """The embedding set in use; raises EmbeddingError if there is none yet."""
    active = read_active(project)
    if active is None:
        raise no_embeddings(project)
    return EmbeddingSet.open(project.embeddings_path / active.embedding_set)


def no_embeddings(project: Project) -> EmbeddingError:
    """The error that says what to do first."""
    return EmbeddingError(
        f"{project.root} has no embeddings yet. Make them with `productnet embed`."
    )
