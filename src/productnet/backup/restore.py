"""Putting a project back from a backup, or only checking that one could."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import tomlkit

from productnet.backup import snapshots
from productnet.backup.archive import free_space, read_manifest, unpack
from productnet.backup.manifest import SNAPSHOTS, Manifest, PoolEntry
from productnet.catalog.pool import Pool
from productnet.errors import BackupError
from productnet.files import drafted_folder
from productnet.progress import SILENT, Progress
from productnet.settings import POOL_FOLDER, Project, settings_from_toml


def check_backup(backup: Path, *, progress: Progress = SILENT) -> Manifest:
    """Read every byte of a backup again: its hashes, its database, its pool.

    Raises:
        BackupError: It could not be restored as it was; the text says why.
    """
    with tempfile.TemporaryDirectory(prefix="productnet-check-") as room:
        return _unpack(backup, Path(room), progress, kept=_looked_into)


def restore(
    backup: Path, folder: Path, *, database_url: str | None = None, progress: Progress = SILENT
) -> Manifest:
    """Make a project of a backup, checked, whole or not at all.

    Args:
        backup: A folder or .tar file that ``back_up`` made.
        folder: Of the new project; nothing may be there.
        database_url: An empty PostgreSQL database, for a backup of one; the settings' own when
            None. What is given is written into the new project's settings.
        progress: Who watches.

    Raises:
        BackupError: The backup is damaged, something is there already, or the disk would be full.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(
            f"{folder} exists already, and nothing is restored over it. Name a new folder."
        )
    manifest = read_manifest(backup)
    if manifest.bytes > free_space(folder.absolute()):
        raise BackupError(
            f"The project takes {manifest.bytes / 1e9:.1f} GB, more than the disk of {folder} has "
            "left. Choose another."
        )
    if manifest.database.kind == "sqlite" and database_url is not None:
        raise BackupError(
            "The backup holds a SQLite database, which is restored into the project's folder. "
            "Leave --database-url out."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with drafted_folder(folder, replace=False) as draft:
        _unpack(backup, draft, progress)
        file = draft / Project.SETTINGS_FILE
        snapshot = draft / SNAPSHOTS[manifest.database.kind]
        if manifest.database.kind == "sqlite":
            # Wherever it was, it is in the folder now.
            _set_database_url(file, None)
        else:
            url = database_url or _database_url(file)
            with progress.task("Restoring the database", total=None):
                snapshots.put_back(url, snapshot, manifest.database)
            _set_database_url(file, url)
            snapshot.unlink()
    return manifest


def _looked_into(name: str) -> bool:
    """Whether more than the hash of a file is checked: the database, and how large the pool is."""
    return name in SNAPSHOTS.values() or name.startswith(f"{POOL_FOLDER}/_versions/")


def _unpack(
    backup: Path, to: Path, progress: Progress, *, kept: Callable[[str], bool] = lambda name: True
) -> Manifest:
    manifest = read_manifest(backup)
    with progress.task("Checking every file", total=None):
        unpack(backup, manifest, to, kept=kept)
    snapshot = to / SNAPSHOTS[manifest.database.kind]
    if manifest.database.kind == "sqlite":
        snapshots.check_sqlite(snapshot, manifest.database)
    else:
        snapshots.check_dump(snapshot)
    if manifest.pool is not None and manifest.pool.kept_at is None:
        _check_pool(to / POOL_FOLDER, manifest.pool)
    return manifest


def _check_pool(folder: Path, said: PoolEntry) -> None:
    pool = Pool.open(folder)
    found = pool.version, len(pool)
    if found != (said.version, said.products):
        raise BackupError(
            f"The pool in the backup has {found[1]:,} products at version {found[0]}, not "
            f"{said.products:,} at {said.version}. Use another backup."
        )


def _database_url(file: Path) -> str:
    url = settings_from_toml(file.read_bytes(), source=str(file)).database_url
    if url is None:
        raise BackupError("Name an empty PostgreSQL database with --database-url.")
    return url


def _set_database_url(file: Path, url: str | None) -> None:
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    if url is None:
        document.pop("database_url", None)
    else:
        document["database_url"] = url
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
