"""Releases handed from place to place: into object storage for everybody, and out of it again.

The manifest comes last. Until it is there nobody finds a release, and a copy that was killed goes
on where it stopped.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj

from productnet.errors import ReleaseError
from productnet.files import drafted
from productnet.locations import Location, failures_told
from productnet.progress import SILENT, Progress
from productnet.release.manifest import MANIFEST, Manifest, read_manifest, verify_release

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy of a release did.

    Attributes:
        release: Name and version.
        place: Where it is now.
        files: Files of the release, manifest included.
        bytes: Their size.
        copied: Files that were not there yet.
    """

    release: str
    place: str
    files: int
    bytes: int
    copied: int


def copy_release(source: Location, into: Location, *, progress: Progress = SILENT) -> Copied:
    """Copy a release into a folder of releases, under its version, and check every byte.

    Memory is a megabyte, whatever its size.

    Args:
        source: The folder of a release, on this machine or in object storage.
        into: The folder of releases that it goes to.
        progress: Told of files.

    Raises:
        ReleaseError: ``source`` is no sound release, or another one of that version is there.
        StorageError: A store cannot be reached, or refuses.
    """
    with failures_told(source):
        manifest = read_manifest(source)
    target = into / manifest.version
    with failures_told(target):
        if (target / MANIFEST).is_file() and not _is_same(target, manifest):
            raise ReleaseError(
                f"{target} is another release {manifest.version} already, and releases never "
                "change. Make this one under another version."
            )
        names = [record.path for record in manifest.files]
        size = {record.path: record.bytes for record in manifest.files}
        copied = 0
        with progress.task("Copying files", total=len(names) + 1) as advance:
            for name in [*names, MANIFEST]:
                if name == MANIFEST or not _is_there(target / name, size[name]):
                    _copy(source / name, target / name)
                    copied += 1
                advance(1)
        with progress.task("Checking every file", total=None):
            verify_release(target)
    return Copied(
        release=f"{manifest.name} {manifest.version}",
        place=str(target),
        files=len(names) + 1,
        bytes=sum(size.values()),
        copied=copied,
    )


def _is_same(folder: Location, manifest: Manifest) -> bool:
    return read_manifest(folder).content_hash == manifest.content_hash


def _is_there(file: Location, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size


def _copy(source: Location, target: Location) -> None:
    # A store shows a file when all of it has come, or not at all; a disk shows a draft grow.
    whole: AbstractContextManager[Location]
    whole = drafted(target) if isinstance(target, Path) else nullcontext(target)
    with source.open("rb") as read, whole as place, place.open("wb") as written:
        copyfileobj(read, written, _BLOCK)
