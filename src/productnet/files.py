"""Files: whole or not at all, told apart by their hash, and locked against other processes."""

import errno
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from productnet.errors import ProjectError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike
    from upath import UPath

CACHE_VARIABLE = "PRODUCTNET_CACHE"


def cache_folder() -> Path:
    """Where is kept what any project may use again: ``$PRODUCTNET_CACHE``, or the user's cache."""
    from platformdirs import user_cache_path

    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("productnet")


def write_atomically(path: Path, text: str) -> None:
    """Replace a small file whole: a reader, or a kill, sees the old text or the new one."""
    with drafted(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path``, on disk, when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _beside(path)
    try:
        with _full_disk_named(path):
            yield draft
            with draft.open("r+b") as file:
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def drafted_folder(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of ``path`` when all went well.

    What killed processes left unfinished of the same folder is removed first.

    Args:
        path: The folder's final place.
        replace: Whether a folder there already gives way; who has its files open keeps reading
            them. Otherwise OSError is raised where it is not empty.
    """
    _sweep(path)
    draft = _beside(path)
    draft.mkdir(parents=True)
    try:
        with _full_disk_named(path):
            yield draft
        if replace:
            put_in_place(draft, path)
        else:
            draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def put_in_place(folder: Path, path: Path) -> None:
    """Move a finished folder to where it belongs; what is there gives way to it."""
    if not path.exists():
        folder.rename(path)
        return
    _sweep(path)
    replaced = _beside(path)
    path.rename(replaced)
    folder.rename(path)
    shutil.rmtree(replaced)


def unfinished(place: Path) -> Path:
    """Where long work on a file or folder is kept until it is whole."""
    return place.with_name(f"{place.name}.unfinished")


def goes_on(work: Path, stamp: Mapping[str, object], *, mark: str, what: str) -> bool:
    """Make a folder for long work, or keep what killed work of the same stamp left in it.

    Args:
        work: The folder; what was begun under another stamp is removed from it.
        stamp: JSON values that say what the work is of.
        mark: The file within it that holds the stamp.
        what: In a word, for the error.

    Returns:
        Whether there is work to go on with.

    Raises:
        UsageError: Something else stands there.
    """
    known = work / mark
    wanted = json.loads(json.dumps(stamp))
    _sweep(work)
    try:
        if json.loads(known.read_text(encoding="utf-8")) == wanted:
            return True
    except (OSError, ValueError):
        pass
    begun = known.exists() or (known.parent != work and known.parent.exists())
    if work.exists():
        # A kill while the stamp was written leaves its draft, which is hidden.
        if not begun and any(not one.name.startswith(".") for one in work.iterdir()):
            raise UsageError(f"{work} exists and is no {what} that was begun. Move it away.")
        discard(work)
    known.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(known, json.dumps(wanted))
    return False


def discard(work: Path) -> None:
    """Remove a folder of long work at once: killed, it is there whole, or not at all.

    Otherwise the stamp might go first, and nobody would know whose the rest is.
    """
    hidden = _beside(work)
    work.rename(hidden)
    shutil.rmtree(hidden)


def file_hash(path: "Path | UPath") -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(cast(BufferedIOBase, file), "sha256").hexdigest()


@contextmanager
def alone(lock: Path, *, busy: str) -> Iterator[None]:
    """Keep others out while the context lasts; raises ProjectError saying ``busy`` to them.

    The operating system lets go of the lock of a killed process.
    """
    from filelock import FileLock, Timeout

    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise ProjectError(busy) from None
    try:
        yield
    finally:
        held.release()


@contextmanager
def alone_at(place: Path) -> Iterator[None]:
    """Keep others from writing a file or folder while the context lasts; nothing is left beside it.

    Raises ProjectError to them.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = place.with_name(f".{place.name}.lock")
    with alone(lock, busy=f"Somebody writes {place} already. Wait for it to end."):
        try:
            with _full_disk_named(place):
                yield
        finally:
            lock.unlink(missing_ok=True)


def mapped_array(path: Path, *, dtype: "DTypeLike", shape: tuple[int, ...]) -> "np.memmap":
    """A new ``.npy`` file, mapped into memory to be written to.

    Its room on the disk is taken at once. Otherwise the system would end the process without a
    word (SIGBUS) where the disk is full at a later write.

    Raises:
        OSError: There is no room.
    """
    from numpy.lib.format import open_memmap

    array = open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    if sys.platform == "linux":
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


@contextmanager
def _full_disk_named(place: Path) -> Iterator[None]:
    """Let an error about a full disk say what was being written.

    Those of pyarrow and numpy name nothing, others a hidden draft, and shutil has a list of them.
    """
    try:
        yield
    except OSError as error:
        full = os.strerror(errno.ENOSPC)
        if error.errno == errno.ENOSPC or (isinstance(error, shutil.Error) and full in str(error)):
            raise OSError(errno.ENOSPC, full, str(place)) from error
        raise


def _beside(path: Path) -> Path:
    """A name that nobody else uses, hidden, on the same disk, which tells whose it is."""
    return path.with_name(f".{path.name}.{uuid4().hex[:8]}.{os.getpid()}.draft")


def _sweep(path: Path) -> None:
    for draft in path.parent.glob(f".{path.name}.*.draft"):
        owner = re.search(r"\.(\d+)\.draft$", draft.name)
        if owner and not _is_running(int(owner[1])):
            shutil.rmtree(draft, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
