"""Where the bytes of an image come from: the feed itself, a file beside it, or a zip archive.

A path is looked for below the feed's folder and nowhere else: first as a file, then as a member
of ``images.zip`` beside the feed. ``photos.zip!a/b.jpg`` names a member of another archive below
that folder. URLs are left to ``fetch``.
"""

import os
import re
import stat
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from productnet.catalog.images import BadImage
from productnet.catalog.readers.rows import FaultKind

# An image as a feed gives it: its bytes, or a path, a zip member or a URL.
ImageReference = bytes | str

_BESIDE = "images.zip"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)

# Lists in one cell: a bar, line end, comma or semicolon ends a reference where an image's suffix
# is before it or a URL behind; elsewhere, as in ".../w_100,h_100/a.jpg", it is part of it.
_BETWEEN = re.compile(
    r"(?<=\.jpg|\.png|\.gif|\.bmp)\s*[,;|]\s*|(?<=\.jpeg|\.webp)\s*[,;|]\s*"
    r"|\s*[,;|]\s*(?=https?://)|\s*\n\s*",
    re.IGNORECASE,
)


def image_references(cell: object) -> Iterator[ImageReference]:
    """The images a cell names: bytes, ``{"bytes", "path"}``, a reference, or a list of these."""
    if isinstance(cell, bytes):
        if cell:
            yield cell
    elif isinstance(cell, dict):
        yield from image_references(cell.get("bytes") or cell.get("path"))
    elif isinstance(cell, list | tuple):
        for item in cell:
            yield from image_references(item)
    elif isinstance(cell, str):
        inner = cell.strip().removeprefix("[").removesuffix("]") if cell[:1] == "[" else cell
        for part in _BETWEEN.split(inner.replace('"', "") if inner is not cell else inner):
            if part.strip():
                yield part.strip()


def is_url(reference: ImageReference) -> bool:
    """Whether the image has to be fetched."""
    return isinstance(reference, str) and reference.startswith(("http://", "https://", "//"))


class ImageSources:
    """Reads images that are on this machine, from several threads at once.

    Args:
        folder: The feed's folder; nothing outside it is read.
        max_bytes: Size above which an image is refused unread.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = Path(os.path.normpath(Path.cwd() / folder))
        self._max_bytes = max_bytes
        self._archives: dict[Path, zipfile.ZipFile | None] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "ImageSources":
        return self

    def __exit__(self, *_: object) -> None:
        for archive in self._archives.values():
            if archive is not None:
                archive.close()

    def read(self, reference: ImageReference) -> bytes:
        """The encoded image; raises BadImage with the reason when there is none."""
        if isinstance(reference, bytes):
            if len(reference) > self._max_bytes:
                raise self._too_large("The image", len(reference))
            return reference
        if scheme := _SCHEME.match(reference):
            reason = f'"{reference}" is of scheme "{scheme[1]}"; http, https and paths are read.'
            raise BadImage(FaultKind.IMAGE_OUTSIDE, reason)
        archive, bang, member = reference.rpartition("!")
        if bang and archive.lower().endswith(".zip"):
            return self._member(archive, member, reference)
        try:
            return self._file(self._inside(reference), reference)
        except FileNotFoundError:
            return self._member(_BESIDE, reference, reference)
        except OSError as error:
            reason = f'"{reference}" cannot be read: {error.strerror}.'
            raise BadImage(FaultKind.IMAGE_MISSING, reason) from error

    def _inside(self, reference: str) -> Path:
        # Not resolve(): a link that someone made within the folder may lead out of it.
        path = Path(os.path.normpath(self._folder / reference.replace("\\", "/")))
        if not path.is_relative_to(self._folder):
            reason = f'"{reference}" is outside of the feed\'s folder. Move the images below it.'
            raise BadImage(FaultKind.IMAGE_OUTSIDE, reason)
        return path

    def _file(self, path: Path, reference: str) -> bytes:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise BadImage(FaultKind.IMAGE_MISSING, f'"{reference}" is not a file.')
        with path.open("rb") as file:
            if (size := os.fstat(file.fileno()).st_size) > self._max_bytes:
                raise self._too_large(f'"{reference}"', size)
            return file.read(self._max_bytes)

    def _member(self, archive: str, member: str, reference: str) -> bytes:
        opened = self._archive(archive)
        if opened is None:
            reason = f'There is no file "{reference}" in the feed\'s folder.'
            raise BadImage(FaultKind.IMAGE_MISSING, reason)
        try:
            info = opened.getinfo(member.replace("\\", "/").removeprefix("./"))
            if info.file_size > self._max_bytes:
                raise self._too_large(f'"{reference}"', info.file_size)
            with opened.open(info) as file:
                return file.read(self._max_bytes)
        except KeyError:
            reason = f'There is no file "{reference}" in the feed\'s folder or in {archive}.'
            raise BadImage(FaultKind.IMAGE_MISSING, reason) from None
        except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError) as error:
            reason = f'"{reference}" cannot be unpacked: {error}.'  # RuntimeError: it is encrypted
            raise BadImage(FaultKind.IMAGE_CORRUPT, reason) from error

    def _archive(self, name: str) -> zipfile.ZipFile | None:
        path = self._inside(name)
        with self._lock:
            if path not in self._archives:
                try:
                    self._archives[path] = zipfile.ZipFile(path)
                except (OSError, zipfile.BadZipFile):
                    self._archives[path] = None
            return self._archives[path]

    def _too_large(self, what: str, size: int) -> BadImage:
        reason = f"{what} has {size:,} bytes; settings.images.max_bytes is {self._max_bytes:,}."
        return BadImage(FaultKind.IMAGE_TOO_LARGE, reason)
