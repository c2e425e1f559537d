"""Errors that say what was wrong, with which value, and what to do next."""

from collections.abc import Iterable


class ProductNetError(Exception):
    """Base of every error a user can cause; the CLI prints its text and exits with 2."""


class UsageError(ProductNetError):
    """A command, argument or combination of them makes no sense; the text says which does."""


class ProjectError(ProductNetError):
    """The project folder is missing, incomplete or of another format version."""


class SettingsError(ProductNetError):
    """``productnet.toml`` holds an unknown key or a value of the wrong kind."""


class UnknownName(ProductNetError):
    """A registry has no entry of this name."""


class TaxonomyError(ProductNetError):
    """A taxonomy file is malformed: a duplicate, an orphan or a cycle, with its line."""


class UnknownCategory(ProductNetError):
    """No category of the taxonomy answers to this id, path or name."""


class UnknownProduct(ProductNetError):
    """The pool holds no product of this id."""


class FeedError(ProductNetError):
    """A feed as a whole cannot be read (a bad row is recorded instead and never raises)."""


class ImageError(ProductNetError):
    """An image is corrupt, too large, a decompression bomb, or cannot be fetched."""


class EngineError(ProductNetError):
    """An engine cannot be had here, or its workers die of the work."""


class EncoderError(ProductNetError):
    """An encoder's weights or library are missing here, or its input is unusable."""


class EmbeddingError(ProductNetError):
    """An embedding set is missing, damaged, or stamped for something else."""


class WorkflowError(ProductNetError):
    """A decision breaks a rule of the annotation workflow."""


class DatabaseUnavailable(WorkflowError):
    """The database is away, locked, full, read-only or damaged; what was sent may be sent again."""


class LeaseHeld(WorkflowError):
    """Somebody holds the leaf for this task; the text names them and when it is free again."""


class PeopleError(ProductNetError):
    """An account, a password, a role or an API key cannot be as asked."""


class UnknownPerson(PeopleError):
    """Nobody has this name."""


class SignInError(ProductNetError):
    """Nobody is let in; the text never says whether a name exists."""


class TooManyAttempts(SignInError):
    """Signing in failed too often, from here or for this name.

    Attributes:
        wait: Whole seconds until the next attempt is heard.
    """

    def __init__(self, text: str, *, wait: int) -> None:
        super().__init__(text)
        self.wait = wait


class TrainingError(ProductNetError):
    """A model cannot be trained from this data."""


class ModelError(ProductNetError):
    """A saved model is missing, damaged, or of another format version."""


class Overloaded(ProductNetError):
    """More is asked than can be answered in the time that is promised.

    Attributes:
        wait: Whole seconds until it is worth asking again.
    """

    def __init__(self, text: str, *, wait: int) -> None:
        super().__init__(text)
        self.wait = wait


class ServiceClosed(ProductNetError):
    """What answers is being shut down; another process may answer in its place."""


class ReleaseError(ProductNetError):
    """A release cannot be made, or its files fail their check."""


class StorageError(ProductNetError):
    """A store of objects cannot be reached, or refuses."""


class SearchError(ProductNetError):
    """A search index is missing, damaged or of another format version."""


class UnknownRecord(ProductNetError):
    """There is no webhook, delivery or job of this id."""


class WebhookError(ProductNetError):
    """A webhook's URL or kinds cannot be used, or a message's signature does not fit."""


class JobError(ProductNetError):
    """Long work cannot be started or stopped now."""


class GuidelineChanged(TaxonomyError):
    """Somebody has written a guideline since it was read; what they wrote would be lost."""


class BackupError(ProductNetError):
    """A backup cannot be made or put back, or its files fail their check."""


def did_you_mean(name: str, known: Iterable[str], *, limit: int = 3) -> str:
    """The tail of an error about an unknown name: the nearest known ones, or all if few.

    Returns an empty string when nothing is close and the list is too long to print.
    """
    from rapidfuzz import process, utils

    names = list(known)
    near = process.extract(
        name, names, limit=limit, score_cutoff=60, processor=utils.default_process
    )
    if near:
        return "Did you mean " + " or ".join(f'"{match[0]}"' for match in near) + "?"
    if 0 < len(names) <= 20:
        return "Known: " + ", ".join(sorted(names)) + "."
    return ""
