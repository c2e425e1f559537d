"""The two forms of a backup, a folder and a tar file, written and read a file at a time."""

import hashlib
import io
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from productnet.backup.manifest import MANIFEST, FileEntry, Manifest, manifest_from_json
from productnet.errors import BackupError
from productnet.files import drafted, drafted_folder

_TAR = ".tar"
_BLOCK = 1 << 20

# A manifest names every file, some 150 bytes each; what is larger is none.
_LARGEST_MANIFEST = 256 << 20
# What file systems take as a name.
_LONGEST_NAME = 255


class Writer(Protocol):
    """Where a backup goes."""

    def add(self, name: str, file: IO[bytes], *, size: int) -> FileEntry:
        """Take in a file under this name."""
        ...


@contextmanager
def writing(target: Path) -> Iterator[Writer]:
    """A backup to fill; it takes its place when all went well, and not before.

    Args:
        target: A folder that does not exist yet, or a file that ends in .tar.

    Raises:
        BackupError: Something is there already.
    """
    if target.exists():
        raise BackupError(f"{target} exists already, and backups never change. Name another.")
    # What people said and the secrets of webhooks are in it.
    previous = os.umask(0o077)
    try:
        if target.suffix == _TAR:
            with drafted(target) as draft, tarfile.open(draft, "w") as tar:
                yield _TarWriter(tar)
        else:
            with drafted_folder(target, replace=False) as draft:
                yield _FolderWriter(draft)
    finally:
        os.umask(previous)


def read_manifest(backup: Path) -> Manifest:
    """What the backup says of itself; raises BackupError if it is none."""
    if backup.is_dir():
        file = backup / MANIFEST
        if not file.is_file():
            raise BackupError(
                f"{backup} is no backup, or one that was never finished: it has no {MANIFEST}."
            )
        with file.open("rb") as manifest:
            return _manifest(manifest, file)
    for name, opened in _tar_members(backup):
        if name == MANIFEST:
            return _manifest(opened, backup)
    raise BackupError(
        f"{backup} is no backup, or one that was never finished: no {MANIFEST} in it."
    )


def unpack(
    backup: Path, manifest: Manifest, to: Path, *, kept: Callable[[str], bool] = lambda name: True
) -> None:
    """Check every file of a backup, and copy those whose names are ``kept``.

    Raises:
        BackupError: A file is missing, or is not the one that was backed up.
    """
    wanted = {entry.path: entry for entry in manifest.files}
    _check_names(wanted, backup)
    for name, file in _members(backup, manifest):
        if name not in wanted:
            continue
        expected = wanted.pop(name)
        with file, _copy_to(to if kept(name) else None, name) as copy:
            # No more than was said, lest a few kB that unfold to petabytes fill the disk.
            digest, length = _transfer(file, copy, most=expected.bytes)
        if (digest, length) != (expected.sha256, expected.bytes):
            raise BackupError(
                f"{name} in {backup} is not the file that was backed up: its hash differs. Use "
                "another backup."
            )
    if wanted:
        raise BackupError(f"{backup} lacks {min(wanted)}. Use another backup.")


class _FolderWriter:
    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, name: str, file: IO[bytes], *, size: int) -> FileEntry:
        with _copy_to(self._root, name) as copy:
            digest, length = _transfer(file, copy)
            copy.flush()
            os.fsync(copy.fileno())
        return FileEntry(path=name, bytes=length, sha256=digest)


class _TarWriter:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, name: str, file: IO[bytes], *, size: int) -> FileEntry:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashing = _Hashing(file)
        self._tar.addfile(info, hashing)
        return FileEntry(path=name, bytes=size, sha256=hashing.digest.hexdigest())


class _Hashing(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


def _transfer(file: IO[bytes], copy: IO[bytes], *, most: int | None = None) -> tuple[str, int]:
    """Copy, and give hash and length; of a file longer than ``most`` bytes only its beginning."""
    digest, length = hashlib.sha256(), 0
    while block := file.read(_BLOCK):
        digest.update(block)
        length += len(block)
        if most is not None and length > most:
            break
        copy.write(block)
    return digest.hexdigest(), length


def _manifest(opened: IO[bytes], place: Path) -> Manifest:
    text = opened.read(_LARGEST_MANIFEST + 1)
    if len(text) > _LARGEST_MANIFEST:
        raise BackupError(f"{place} is no backup: its {MANIFEST} is too large. Do not use it.")
    return manifest_from_json(text, source=str(place))


def _copy_to(root: Path | None, name: str) -> IO[bytes]:
    if root is None:
        return Path(os.devnull).open("wb")
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.open("wb")


def _members(backup: Path, manifest: Manifest) -> Iterator[tuple[str, IO[bytes]]]:
    if not backup.is_dir():
        yield from _tar_members(backup)
        return
    for entry in manifest.files:
        place = backup / entry.path
        if place.is_file():
            yield entry.path, place.open("rb")


def _tar_members(backup: Path) -> Iterator[tuple[str, IO[bytes]]]:
    try:
        with tarfile.open(backup) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield member.name, file
    except FileNotFoundError:
        raise BackupError(f"There is no backup {backup}. Check its path.") from None
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BackupError(f"{backup} is no backup, or a damaged one: {error}.") from error


def _check_names(names: Collection[str], backup: Path) -> None:
    """Refuse names that lead outside, that no disk takes, or that are file and folder at once."""
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name:
            raise BackupError(f"{backup} names a file outside itself, {name!r}. Do not use it.")
        odd = not name.isprintable() or max(len(os.fsencode(part)) for part in path.parts)
        if str(path) != name or odd is True or odd > _LONGEST_NAME:
            raise BackupError(
                f"{backup} names a file {name[:100]!r}, which is no file name of ours."
            )
        if any(str(parent) in names for parent in path.parents):
            raise BackupError(
                f"{backup} names {name!r} within what it names as a file. Do not use it."
            )


def free_space(place: Path) -> int:
    """Bytes free on the disk of this folder, or of the nearest that exists."""
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
