"""Making a backup while people work, products are imported and a round runs.

The database is copied first and the pool after it: the pool only grows, so every product that a
copied decision names is in the copy. What can be made again (features, word indexes, reports) is
left out.
"""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from productnet import __version__
from productnet.backup import snapshots
from productnet.backup.archive import Writer, free_space, writing
from productnet.backup.manifest import (
    MANIFEST,
    SNAPSHOTS,
    FileEntry,
    Manifest,
    PoolEntry,
)
from productnet.catalog.pool import Pool
from productnet.database.database import Database
from productnet.errors import BackupError
from productnet.progress import SILENT, Advance, Progress, unseen
from productnet.rounds.record import read_rounds
from productnet.settings import POOL_FOLDER, Project

# Times a pool is begun anew because an import took away what was being copied.
_POOL_TRIES = 5

# Lance numbers the file of a version downwards from this, so that the newest sorts first.
_LANCE_TOP = 2**64 - 1


def back_up(
    project: Project, target: Path, *, with_pool: bool = True, progress: Progress = SILENT
) -> Manifest:
    """Copy a project to a folder, or to a file that ends in .tar, whole or not at all.

    Args:
        project: Whose.
        target: Where to; nothing may be there.
        with_pool: With products, embedding sets and near-duplicates, so that people can go on at
            once where it is restored. Without, it holds what people made and cannot be had again:
            answers, accounts, guidelines, models, releases.
        progress: Who watches.

    Raises:
        BackupError: It cannot be made, or the disk would be full.
    """
    files = _Files(project, with_pool)
    if (needed := files.bytes()) > free_space(target.absolute()):
        raise BackupError(
            f"The backup takes {needed / 1e9:.1f} GB, and the disk of {target} has "
            f"{free_space(target.absolute()) / 1e9:.1f} GB left. Choose another, or --without-pool."
        )
    with writing(target) as writer:
        copy = _Copy(project, writer)
        with _room_beside(target) as room:
            with Database.open(project.database_url) as database:
                kind = database.engine.dialect.name
                snapshot = room / SNAPSHOTS[kind]
                entry = snapshots.take(database, snapshot, progress=progress)
            copy.add(SNAPSHOTS[kind], snapshot)
        pool = None
        with progress.task("Copying files", total=None) as advance:
            copy.advance = advance
            for file in files.small():
                copy.add_own(file)
            if with_pool and Pool.exists(project.pool_path):
                pool = _copy_pool(project, copy) if project.keeps_pool else _pool_elsewhere(project)
                for file in files.large():
                    copy.add_own(file)
        manifest = Manifest(
            project=project.settings.name,
            made_by=__version__,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            database=entry,
            pool=pool,
            files=tuple(copy.entries.values()),
        )
        text = (manifest.model_dump_json(indent=1) + "\n").encode()
        writer.add(MANIFEST, io.BytesIO(text), size=len(text))
    return manifest


@dataclass
class _Copy:
    """What has been copied so far."""

    project: Project
    writer: Writer
    entries: dict[str, FileEntry] = field(default_factory=dict)
    advance: Advance = unseen

    def add_own(self, file: Path) -> None:
        """A file of the project, under its place there; raises BackupError if it went away."""
        try:
            self.add(file.relative_to(self.project.root).as_posix(), file)
        except FileNotFoundError:
            raise BackupError(
                f"{file} was taken away while it was backed up; an import, embedding or deletion "
                "runs. Back up again."
            ) from None

    def add(self, name: str, file: Path) -> None:
        """A file under a name, unless it is there."""
        if name in self.entries:
            return
        with file.open("rb") as opened:
            size = file.stat().st_size
            self.entries[name] = self.writer.add(name, opened, size=size)
        self.advance(1)

    def add_bytes(self, name: str, content: bytes) -> None:
        """A file of this content."""
        self.entries[name] = self.writer.add(name, io.BytesIO(content), size=len(content))


@dataclass(frozen=True)
class _Files:
    """The files of a project that a backup takes, beside its database and its pool."""

    project: Project
    with_pool: bool

    def small(self) -> Iterator[Path]:
        """What people made, and what a round made of it."""
        project = self.project
        # Which round is in use is read before the rounds: it is among them.
        named = [project.root / project.SETTINGS_FILE, project.taxonomy_path]
        if self.with_pool:
            named.append(project.active_path)
        named += [project.imported_labels_path, project.reference_path]
        yield from (file for file in named if file.is_file())
        yield from _within(project.guidelines_path)
        for record in read_rounds(project):
            # One that is not finished is begun anew where it is restored.
            if record.finished:
                yield from _within(record.folder(project))
        yield from _within(project.releases_path)

    def large(self) -> Iterator[Path]:
        """What was computed from the pool, and takes long."""
        yield from _within(self.project.embeddings_path)
        yield from _within(self.project.near_duplicates_path)

    def bytes(self) -> int:
        """About how large the backup will be."""
        project = self.project
        files = [*self.small(), project.decisions_path]
        if self.with_pool:
            files += self.large()
        if self.with_pool and project.keeps_pool:
            files += _within(project.root / POOL_FOLDER)
        return sum(file.stat().st_size for file in files if file.exists())


def _copy_pool(project: Project, copy: _Copy) -> PoolEntry:
    """Copy one version of the pool: its files never change, but old ones may be taken away."""
    for _ in range(_POOL_TRIES):
        folder = project.root / POOL_FOLDER
        pool = Pool.open(folder)
        try:
            version = _version_file(folder, pool.version)
            content = version.read_bytes()
            for file in _within(folder):
                if file.parent.name != "_versions":
                    copy.add(file.relative_to(project.root).as_posix(), file)
        except FileNotFoundError:
            continue
        copy.add_bytes(version.relative_to(project.root).as_posix(), content)
        return PoolEntry(version=pool.version, products=len(pool))
    raise BackupError(
        f"{project.pool_path} kept changing while it was backed up. Back up again when the import "
        "is over, or with --without-pool."
    )


def _pool_elsewhere(project: Project) -> PoolEntry:
    """What is told of a pool that has a store of its own, and stays there."""
    pool = Pool.open(project.pool_path)
    return PoolEntry(version=pool.version, products=len(pool), kept_at=str(project.pool_path))


def _version_file(pool: Path, version: int) -> Path:
    """Where Lance keeps a version; older tables number upwards."""
    folder = pool / "_versions"
    older = folder / f"{version}.manifest"
    return older if older.exists() else folder / f"{_LANCE_TOP - version:020}.manifest"


def _within(folder: Path) -> Iterator[Path]:
    """The files of a folder, those aside that are drafts or locks of somebody at work."""
    for file in sorted(folder.rglob("*")):
        inner = file.relative_to(folder).parts
        if file.is_file() and not any(part.startswith(".") for part in inner):
            yield file


@contextmanager
def _room_beside(target: Path) -> Iterator[Path]:
    """A folder for the database's copy, on the disk that the backup goes to.

    It is called like a draft of the backup, so that one left by a kill is swept as they are.
    """
    room = target.absolute().with_name(f".{target.name}.database.{os.getpid()}.draft")
    room.mkdir(parents=True)
    try:
        yield room
    finally:
        shutil.rmtree(room)
