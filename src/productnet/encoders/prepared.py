"""Models made ready once for this user: exported or distilled, checked, and kept in a cache folder.

A prepared model is a folder that appears whole or not at all. It is stamped with what it was made
of, and its files are checked each time it is opened: damaged or of another version, it is made
again.
"""

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from productnet.errors import EncoderError
from productnet.files import CACHE_VARIABLE, cache_folder

_STAMP_FILE = "stamp.json"


def prepared(name: str, *, stamp: Mapping[str, str], build: Callable[[Path], None]) -> Path:
    """The folder of a prepared model, made by ``build`` if it is absent, stale or damaged.

    Args:
        name: Folder name within the cache.
        stamp: What the model is made of. A folder with any other stamp is stale.
        build: Fills the empty folder it is given. It runs beside the final place, which its work
            takes only when complete; two processes may do so at the same time.
    """
    folder = cache_folder() / name
    if _is_intact(folder, stamp):
        return folder
    draft = folder.with_name(f".{name}-{uuid.uuid4().hex}.draft")
    try:
        draft.mkdir(parents=True)
    except OSError as error:
        raise EncoderError(
            f"Cannot write to the model cache {folder.parent}: {error.strerror}. "
            f"Name another folder in {CACHE_VARIABLE}."
        ) from error
    try:
        build(draft)
        files = {file.name: _digest(file) for file in sorted(draft.iterdir())}
        content = {"stamp": dict(stamp), "files": files}
        (draft / _STAMP_FILE).write_text(json.dumps(content, indent=2), encoding="utf-8")
        _put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _is_intact(folder: Path, stamp: Mapping[str, str]) -> bool:
    try:
        content = json.loads((folder / _STAMP_FILE).read_text(encoding="utf-8"))
        return content["stamp"] == dict(stamp) and all(
            _digest(folder / name) == digest for name, digest in content["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _digest(path: Path) -> str:
    # Faster than SHA-256 where the processor has no instructions for it; guards against accidents.
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _put_in_place(draft: Path, folder: Path) -> None:
    if folder.exists():
        discarded = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}.draft")
        folder.rename(discarded)
        shutil.rmtree(discarded, ignore_errors=True)
    try:
        draft.rename(folder)
    except OSError:
        # Another process finished the same work first; its folder serves as well as ours.
        if not (folder / _STAMP_FILE).is_file():
            raise
