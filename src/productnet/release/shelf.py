"""Where a project's releases stand: found by version, listed in the order of their versions."""

import re
from collections.abc import Iterator
from pathlib import Path

from productnet.errors import ReleaseError, did_you_mean
from productnet.release.manifest import MANIFEST, Manifest, read_manifest
from productnet.settings import Project

# semver.org, section 2 and 9: three numbers without leading zeros, and a pre-release part.
SEMANTIC = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?", re.ASCII
)

_Precedence = tuple[tuple[int, int, int], int, list[tuple[int, int, str]]]


def read_releases(project: Project) -> Iterator[Manifest]:
    """The manifest of every release, the lowest version first; raises ReleaseError."""
    if not project.releases_path.is_dir():
        return
    versions = [
        folder.name for folder in project.releases_path.iterdir() if SEMANTIC.fullmatch(folder.name)
    ]
    for version in sorted(versions, key=_precedence):
        if (project.releases_path / version / MANIFEST).is_file():
            yield read_manifest(project.releases_path / version)


def find_release(project: Project, version: str) -> Path:
    """The folder of a version; raises ReleaseError naming those there are."""
    folder = project.releases_path / version
    if SEMANTIC.fullmatch(version) and (folder / MANIFEST).is_file():
        return folder
    known = [manifest.version for manifest in read_releases(project)]
    hint = did_you_mean(version, known) if known else "Make one with `productnet release make`."
    raise ReleaseError(f'There is no release "{version}" in {project.releases_path}. {hint}')


def _precedence(version: str) -> _Precedence:
    """What versions are ordered by (semver.org, section 11)."""
    core, _, tail = version.partition("-")
    major, minor, patch = (int(part) for part in core.split("."))
    # Numbers stand before words; a version without a pre-release part stands after all with one.
    parts = [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in tail.split(".") if part
    ]
    return (major, minor, patch), int(not tail), parts
