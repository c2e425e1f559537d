"""The manifest: what a release holds, file by file, and the check that it still does."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from productnet.errors import ReleaseError
from productnet.files import file_hash
from productnet.locations import Location, files_below

FORMAT_VERSION: Final = 2
# Those before it lack what has a default below.
_READABLE: Final = (1, 2)
MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a release; ``rows`` is None where the file is no table."""

    path: str
    sha256: str
    bytes: int
    rows: int | None = None

    @classmethod
    def of(cls, file: Path, folder: Path, *, rows: int | None = None) -> "FileRecord":
        """The record of a file below ``folder``."""
        size = file.stat().st_size
        return cls(file.relative_to(folder).as_posix(), file_hash(file), size, rows)


@dataclass(frozen=True, slots=True)
class LeafCount:
    """How many products a release has of one leaf."""

    category: str
    train: int
    test: int
    hard_negatives: int
    validation: int = 0

    @property
    def gold(self) -> int:
        """Gold positives on all sides."""
        return self.train + self.validation + self.test


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that decided a release's content, and the hash of every file.

    Attributes:
        name: Name of the project.
        version: Semantic version of the release.
        taxonomy: Name, version and hash of the taxonomy.
        pool_version: Version of the pool's table.
        log_sequence: Sequence number of the last decision taken in.
        as_of: When the last released decision was taken, ISO 8601 in UTC.
        test_share: Share of gold wanted on the test side.
        seed: Seed of the split.
        leaves: Counts of every leaf that has any, in the taxonomy's order.
        files: Every file but the manifest, by path.
        validation_share: Share of gold wanted on the validation side.
        provenance: How much it tells of the decisions behind it.
        near_duplicates: What the pool's near-duplicates were found with; None where none were.
        made_with: Versions of the software that decides the bytes.
    """

    name: str
    version: str
    taxonomy: dict[str, str]
    pool_version: int
    log_sequence: int
    as_of: str
    test_share: float
    seed: int
    leaves: tuple[LeafCount, ...]
    files: tuple[FileRecord, ...]
    validation_share: float = 0.0
    provenance: str = "pseudonyms"
    near_duplicates: dict[str, str | int] | None = None
    made_with: dict[str, str] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def content_hash(self) -> str:
        """One hash of every file but the manifest: two releases with it hold the same."""
        lines = (f"{record.sha256}  {record.path}\n" for record in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def gold(self) -> int:
        """Gold positives on all sides."""
        return sum(leaf.gold for leaf in self.leaves)

    @property
    def hard_negatives(self) -> int:
        """Hard negatives on all sides."""
        return sum(leaf.hard_negatives for leaf in self.leaves)

    def write(self, folder: Path) -> None:
        """Put the manifest into a release's folder."""
        text = TypeAdapter(Manifest).dump_json(self, indent=1).decode() + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")


def verify_release(folder: Location) -> Manifest:
    """Hash every file of a release again.

    Returns:
        The manifest, when all is well.

    Raises:
        ReleaseError: The manifest is missing or unreadable, or a file is missing, changed or
            not part of the release.
    """
    manifest = read_manifest(folder)
    listed = {record.path: record for record in manifest.files}
    present = {*files_below(folder)} - {MANIFEST}
    if missing := sorted(listed.keys() - present):
        raise ReleaseError(f"{folder} lacks {missing[0]}. Fetch or make the release again.")
    if extra := sorted(present - listed.keys()):
        raise ReleaseError(f"{folder} holds {extra[0]}, which is not part of it. Take it out.")
    for path, record in listed.items():
        if file_hash(folder / path) != record.sha256:
            raise ReleaseError(
                f"{folder / path} is not the file that was released: its hash differs. "
                "Fetch or make the release again."
            )
    return manifest


def read_manifest(folder: Location) -> Manifest:
    """The manifest of a release, its files unchecked; raises ReleaseError."""
    file = folder / MANIFEST
    if not file.is_file():
        raise ReleaseError(f"{folder} is no release: it has no {MANIFEST}.")
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(raw, dict) and raw.get("format_version") not in _READABLE:
            raise ReleaseError(
                f"{folder} has release format {raw.get('format_version')}; this version of "
                f"ProductNet reads formats {_READABLE[0]} to {FORMAT_VERSION}."
            )
        return TypeAdapter(Manifest).validate_python(raw)
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise ReleaseError(f"{file} is damaged: {error}") from error
