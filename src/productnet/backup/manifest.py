"""What a backup says of itself: its files with their hashes, and how much the database held."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from productnet.errors import BackupError

FORMAT_VERSION: Final = 1

# Written last: what has none is no backup, however much of it is there.
MANIFEST: Final = "backup.json"

# Where the database is within a backup, by its kind.
SNAPSHOTS: Final[Mapping[str, str]] = {
    "sqlite": "decisions.db",
    "postgresql": "decisions.pg_dump",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileEntry(_Part):
    """A file of the backup: its path, size in bytes and SHA-256 in hex."""

    path: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: str


class DatabaseEntry(_Part):
    """The database as it was at one moment.

    Attributes:
        kind: "sqlite" or "postgresql".
        revision: Of its schema.
        schema_name: PostgreSQL: the schema that held the tables.
        rows: Rows of every table.
        last_seq: Sequence number of the last decision; 0 for none.
    """

    kind: Literal["sqlite", "postgresql"]
    revision: str
    schema_name: str | None = None
    rows: dict[str, int]
    last_seq: int

    @property
    def decisions(self) -> int:
        """Decisions in the log."""
        return self.rows.get("decisions", 0)


class PoolEntry(_Part):
    """The pool as it was.

    Attributes:
        version: Of its table.
        products: How many it held.
        kept_at: Where it stays, because ``pool_url`` says so; None where the backup holds it.
    """

    version: int
    products: int
    kept_at: str | None = None


class Manifest(_Part):
    """All a backup says of itself.

    Attributes:
        project: Name of the project.
        made_by: Version of ProductNet.
        made_at: ISO time, UTC.
        database: The database; it holds what people said.
        pool: The products; None where they were left out.
        files: Every file but the manifest itself.
    """

    format_version: int = FORMAT_VERSION
    project: str
    made_by: str
    made_at: str
    database: DatabaseEntry
    pool: PoolEntry | None
    files: tuple[FileEntry, ...]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files)


def manifest_from_json(text: bytes, *, source: str) -> Manifest:
    """The manifest in a file; raises BackupError naming ``source``."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise BackupError(
            f"{source} cannot be read as a backup: {first['msg']} "
            f"({'.'.join(str(part) for part in first['loc'])}). Use another backup, or the version "
            "of ProductNet that made this one."
        ) from None
    if manifest.format_version != FORMAT_VERSION:
        raise BackupError(
            f"{source} has backup format {manifest.format_version}; this version of ProductNet "
            f"reads format {FORMAT_VERSION}. Upgrade with `pip install -U productnet`."
        )
    return manifest
