"""Locations: folders on this machine or in object storage, behind one kind of path.

A URL such as ``s3://bucket/shop`` names what any fsspec file system keeps. Credentials come from
the environment, as the store's own tools read them (for S3 ``AWS_ACCESS_KEY_ID`` and its like,
``AWS_ENDPOINT_URL`` for another server), and never from settings or URLs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from productnet.errors import ProductNetError, StorageError, UsageError, did_you_mean

if TYPE_CHECKING:
    from upath import UPath

# A folder or file on this machine, or in object storage.
Location: TypeAlias = "Path | UPath"

# What a URL may begin with, and the extra of ours that installs what reads it.
SCHEMES = {"s3": "s3", "gs": "gs", "az": "az", "abfss": "az"}

# Servers that are no clouds may speak plain HTTP; where Lance looks which one is meant.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


def is_url(text: str) -> bool:
    """Whether this names a place in object storage, and no path."""
    return "://" in text


def location(text: str) -> Location:
    """The place that a URL or a path names.

    Raises:
        UsageError: The URL is of no store that can be used here, or holds credentials.
    """
    if not is_url(text):
        return Path(text)
    check_url(text)
    scheme = urlsplit(text).scheme
    from upath import UPath

    try:
        # Listings that are remembered would be old: other processes write there.
        place = UPath(text, use_listings_cache=False)
        place.fs  # noqa: B018  the file system is only looked for here
    except ImportError:
        raise UsageError(
            f"{text} needs a package that is not installed. Run "
            f"`pip install 'productnet[{SCHEMES[scheme]}]'`."
        ) from None
    return place


def check_url(url: str) -> None:
    """Raise UsageError if this is no URL of a store, or holds credentials."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        known = [f"{name}://" for name in SCHEMES]
        raise UsageError(
            f'"{parts.scheme}://" is no object store known here. '
            f"{did_you_mean(f'{parts.scheme}://', known)}"
        )
    if not parts.hostname:
        raise UsageError(f"{url} names no bucket. Write {parts.scheme}://BUCKET/FOLDER.")
    if "@" in parts.netloc or parts.query:
        raise UsageError(
            f"A {parts.scheme}:// URL must not hold credentials or options. Leave them out: they "
            "are read from the environment."
        )


def files_below(folder: Location) -> Iterator[str]:
    """The names of all files in a folder and its folders, as ``folder/name``."""
    if isinstance(folder, Path):
        yield from (
            file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
        )
        return
    # One listing of everything, where walking would ask for every folder.
    top = folder.path.rstrip("/") + "/"
    yield from (name.removeprefix(top) for name in folder.fs.find(top))


def lance_options() -> dict[str, str]:
    """What Lance is told of the stores besides what it reads from the environment itself."""
    named = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    if named is None:
        return {}
    return {"aws_endpoint": named, "allow_http": str(named.startswith("http://")).lower()}


@contextmanager
def failures_told(place: Location) -> Iterator[None]:
    """Say what is wrong with a store in place of its own errors, as StorageError."""
    if isinstance(place, Path):
        yield
        return
    try:
        yield
    except ProductNetError:
        raise
    except FileNotFoundError as error:
        raise StorageError(f"{place} is not there ({error}). Check its bucket and path.") from error
    except PermissionError as error:
        raise StorageError(
            f"{place} may not be read or written ({error}). Check the credentials in the "
            "environment, and what they are allowed."
        ) from error
    except Exception as error:
        # Each store's client has errors of its own, which derive from nothing in common.
        raise StorageError(
            f"{place} cannot be reached: {type(error).__name__}: {error}. Check the address, the "
            "credentials in the environment, and that the store runs."
        ) from error
