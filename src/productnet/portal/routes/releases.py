"""Releases: which there are, making one, and fetching their files."""

import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from productnet.errors import ReleaseError, UnknownRecord
from productnet.events.kinds import Kind
from productnet.portal.portal import Portal
from productnet.portal.routes.rounds import JobDetail, jobs_of, start_job
from productnet.portal.security import AskedBy, PortalOf
from productnet.release.manifest import MANIFEST, Manifest, read_manifest

router = APIRouter(tags=["releases"])

# Bytes sent at a time.
_CHUNK = 1 << 20

_Version = Annotated[str, Query(max_length=100, description="Of the release", examples=["1.0.0"])]


class ReleasedFile(BaseModel):
    """A file of a release."""

    path: str = Field(description="Below the release's folder")
    bytes: int
    rows: int | None = Field(description="Null where it is no table")
    sha256: str


class Released(BaseModel):
    """One release."""

    version: str
    made_at: datetime
    as_of: datetime = Field(description="When the last decision in it was taken")
    gold: int
    hard_negatives: int
    leaves: int
    bytes: int
    files: list[ReleasedFile]


class Broken(BaseModel):
    """A release whose manifest cannot be read."""

    version: str
    fault: str


class Releases(BaseModel):
    """Every release, the latest first."""

    items: list[Released]
    broken: list[Broken]
    gold: int = Field(description="Gold products a release would hold now")
    jobs: list[JobDetail] = Field(description="The latest, running or over")


class ReleaseAsked(BaseModel):
    """The release that shall be made."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": "1.0.0"}]}
    )

    version: str = Field(min_length=1, max_length=100, description="Semantic, and not taken")


@router.get("/releases", operation_id="list_releases")
def list_releases(portal: PortalOf, person: AskedBy) -> Releases:
    """What was released, with the size of every file."""
    items: list[Released] = []
    broken: list[Broken] = []
    for file in portal.project.releases_path.glob(f"*/{MANIFEST}"):
        try:
            items.append(_released(file))
        except ReleaseError as error:
            broken.append(Broken(version=file.parent.name, fault=str(error)))
    state = portal.log.state()
    return Releases(
        items=sorted(items, key=lambda one: one.made_at, reverse=True),
        broken=broken,
        gold=sum(len(state.gold(leaf)) for leaf in state.categories()),
        jobs=jobs_of(portal, "release", person),
    )


@router.post("/releases", operation_id="start_release", status_code=202)
def start_release(portal: PortalOf, person: AskedBy, asked: ReleaseAsked) -> JobDetail:
    """Make a release of gold as it is now, in a process of its own."""
    job = start_job(portal, "release", {"version": asked.version}, person)
    return JobDetail.of(job, person)


@router.get(
    "/releases/file",
    operation_id="get_release_file",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def get_release_file(
    portal: PortalOf, person: AskedBy, version: _Version, path: Annotated[str, Query()]
) -> FileResponse:
    """One file of a release."""
    folder, manifest = _find(portal, version)
    if path not in _paths(manifest):
        raise UnknownRecord(
            f'Release {version} has no file "{path[:200]}". Its {MANIFEST} names those it has.'
        )
    _check_whole(folder, [path])
    portal.activity.record(Kind.EXPORTED, person=person.name, subject=version, file=path)
    return FileResponse(folder / path, filename=f"{manifest.name}-{version}-{Path(path).name}")


@router.get(
    "/releases/archive",
    operation_id="get_release_archive",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-tar": {}}}},
)
def get_release_archive(portal: PortalOf, person: AskedBy, version: _Version) -> StreamingResponse:
    """A whole release as one tar file, made while it is sent."""
    folder, manifest = _find(portal, version)
    name = f"{manifest.name}-{version}"
    _check_whole(folder, _paths(manifest))
    portal.activity.record(Kind.EXPORTED, person=person.name, subject=version, file="archive")
    return StreamingResponse(
        _tar(folder, _paths(manifest), name),
        media_type="application/x-tar",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.tar"},
    )


def _released(file: Path) -> Released:
    manifest = read_manifest(file.parent)
    return Released(
        version=manifest.version,
        made_at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
        as_of=datetime.fromisoformat(manifest.as_of),
        gold=manifest.gold,
        hard_negatives=manifest.hard_negatives,
        leaves=len(manifest.leaves),
        bytes=sum(record.bytes for record in manifest.files) + file.stat().st_size,
        files=[
            ReleasedFile(
                path=record.path, bytes=record.bytes, rows=record.rows, sha256=record.sha256
            )
            for record in manifest.files
        ],
    )


def _find(portal: Portal, version: str) -> tuple[Path, Manifest]:
    # Looked up among what is there, so that a version with a path in it finds nothing.
    for file in portal.project.releases_path.glob(f"*/{MANIFEST}"):
        if file.parent.name == version:
            return file.parent, read_manifest(file.parent)
    raise UnknownRecord(f'There is no release "{version}". It may have been removed.')


def _check_whole(folder: Path, paths: list[str]) -> None:
    """Raise UnknownRecord for a file that somebody has removed, before any is sent."""
    for path in paths:
        if not (folder / path).is_file():
            raise UnknownRecord(
                f'The file "{path}" of release {folder.name} is not there any more. Put it back '
                "from a backup, or make another release."
            )


def _paths(manifest: Manifest) -> list[str]:
    return [MANIFEST, *(record.path for record in manifest.files)]


def _tar(folder: Path, paths: list[str], name: str) -> Iterator[bytes]:
    for path in paths:
        file = folder / path
        info = tarfile.TarInfo(f"{name}/{path}")
        info.size, info.mtime = file.stat().st_size, int(file.stat().st_mtime)
        yield info.tobuf(tarfile.PAX_FORMAT)
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                yield chunk
        yield b"\0" * (-info.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)
