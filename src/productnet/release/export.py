"""Exporting a release: written part by part beside its place, so that a killed one goes on."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from productnet.embeddings.sets import EmbeddingSet
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import ReleaseError, UsageError
from productnet.files import alone_at, goes_on, unfinished, write_atomically
from productnet.progress import SILENT, Progress
from productnet.release.card import features
from productnet.release.exporters.base import SCRATCH, Contents, Exporter
from productnet.release.exporters.registry import EXPORTERS
from productnet.release.manifest import FileRecord
from productnet.release.parts import Part, Released

FORMAT_VERSION: Final = 1
# In the folder of an export: what it is, and the hash of every other file.
EXPORT_FILE: Final = "export.json"

_STAMP = "stamp.json"
_DONE = "done"
_DOCUMENTS = ("DATASHEET.md", "taxonomy.json", "guidelines.json")
_PATH_LINE = re.compile(r"^    path: ([^/\n]+)/([a-z]+)-\*\.parquet$", re.MULTILINE)

Stamp = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was exported, and where to.

    Attributes:
        version: Of the release.
        format: Name of the exporter.
        path: The folder.
        rows: Gold and hard negatives.
        files: How many there are.
        bytes: Of all of them.
        resumed: Rows that an earlier, killed export had written already.
    """

    version: str
    format: str
    path: Path
    rows: int
    files: int
    bytes: int
    resumed: int


def export_release(
    folder: Path,
    out: Path,
    *,
    format: str,
    vectors: EmbeddingSet | None = None,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
) -> ExportSummary:
    """Write a release in another format, into a folder that appears when it is whole.

    Until then it is ``OUT.unfinished``; a kill costs the part that was being written, and the same
    call goes on after the last whole one.

    Args:
        folder: Of the release.
        out: The folder to make.
        format: Name of an exporter.
        vectors: The embedding set, for formats of embeddings.
        progress: Told of rows.
        engine: Where parts are written, but of a format that takes them in order.

    Raises:
        ReleaseError: The release is damaged, or the disk does not take the files.
        UsageError: ``out`` holds something else, or vectors are missing.
        UnknownName: There is no such format.
        EmbeddingError: The embedding set lacks a released product.
    """
    released = Released.open(folder)
    exporter = EXPORTERS[format](Contents(released, vectors))
    stamp = _stamp(released, format, vectors)
    if out.exists():
        return _summary(_finished(out, stamp), out, resumed=0)
    work = unfinished(out)
    with _disk_faults(work), alone_at(out):
        goes_on(work, stamp, mark=f"{SCRATCH}/{_STAMP}", what="export")
        where = LOCAL if exporter.in_order else engine
        writing = _Writing(
            folder.resolve(),
            format,
            None if vectors is None else vectors.path.resolve(),
            work.resolve(),
        )
        resumed = _write_parts(released, work, writing, where, progress)
        exporter.finish(work)
        _write_documents(exporter, released, work)
        record = _record(work, stamp, released)
        write_atomically(work / EXPORT_FILE, json.dumps(record, indent=1) + "\n")
        work.rename(out)
        shutil.rmtree(out / SCRATCH)
    return _summary(record, out, resumed=resumed)


def _stamp(released: Released, format: str, vectors: EmbeddingSet | None) -> Stamp:
    """What an export is of: only one with the same is gone on with."""
    return {
        "format_version": FORMAT_VERSION,
        "format": format,
        "name": released.manifest.name,
        "version": released.manifest.version,
        "content_hash": released.manifest.content_hash,
        "embedding_set": None if vectors is None else vectors.name,
        "encoder": None if vectors is None else vectors.stamp.encoder,
        "embedded_at": None if vectors is None else vectors.stamp.created_at,
    }


def _finished(out: Path, stamp: Stamp) -> dict[str, object]:
    """What is there already, if it is just what was asked for."""
    try:
        record: dict[str, object] = json.loads((out / EXPORT_FILE).read_text(encoding="utf-8"))
        if all(record.get(key) == value for key, value in stamp.items()):
            # Killed in its last moment, it left this.
            shutil.rmtree(out / SCRATCH, ignore_errors=True)
            return record
    except (OSError, ValueError):
        pass
    raise UsageError(f"{out} exists and is no such export. Choose another folder, or delete it.")


@dataclass(frozen=True)
class _Writing:
    """Writes parts of a release, by their number, where an engine has it done."""

    folder: Path
    format: str
    vectors: Path | None
    work: Path

    def __call__(self) -> Callable[[int], int]:
        """What writes a part, and tells its number again."""
        released = Released.open(self.folder)
        vectors = None if self.vectors is None else EmbeddingSet.open(self.vectors)
        exporter = EXPORTERS[self.format](Contents(released, vectors))

        def write(number: int) -> int:
            part = released.parts[number]
            part.check()
            exporter.write(part, self.work)
            return number

        return write


def _write_parts(
    released: Released, work: Path, writing: _Writing, engine: Engine, progress: Progress
) -> int:
    """Write every part that is not there yet; how many rows were."""
    done = work / SCRATCH / _DONE
    known = set(done.read_text(encoding="utf-8").split("\n")[:-1]) if done.exists() else set()
    parts = released.parts
    missing = [number for number, part in enumerate(parts) if _line(part) not in known]
    total = sum(part.rows for part in parts)
    resumed = total - sum(parts[number].rows for number in missing)
    with (
        done.open("a", encoding="utf-8") as finished,
        progress.task("Exporting", total=total) as advance,
    ):
        advance(resumed)
        for number in engine.each(writing, missing):
            finished.write(_line(parts[number]) + "\n")
            finished.flush()
            advance(parts[number].rows)
    return resumed


def _line(part: Part) -> str:
    return f"{part.table}/{part.name}"


def _write_documents(exporter: Exporter, released: Released, work: Path) -> None:
    """The release's own, the card with the paths of this format."""
    for name in _DOCUMENTS:
        shutil.copyfile(released.folder / name, work / name)
    pattern = exporter.pattern
    if pattern is not None:
        card = (released.folder / "README.md").read_text(encoding="utf-8")
        named = _PATH_LINE.sub(
            lambda found: "    path: " + pattern.format(table=found[1], side=found[2]), card
        )
        if exporter.types is not None:
            head, body = named.split("\n---\n", 1)
            named = f"{head}\n{features(released.manifest, exporter.types)}\n---\n{body}"
        (work / "README.md").write_text(named, encoding="utf-8")


def _record(work: Path, stamp: Stamp, released: Released) -> dict[str, object]:
    files = [
        FileRecord.of(file, work)
        for file in sorted(work.rglob("*"))
        if file.is_file() and file.relative_to(work).parts[0] not in (SCRATCH, EXPORT_FILE)
    ]
    return {
        **stamp,
        "rows": sum(part.rows for part in released.parts),
        "files": [
            {"path": file.path, "sha256": file.sha256, "bytes": file.bytes} for file in files
        ],
    }


def _summary(record: Mapping[str, object], out: Path, *, resumed: int) -> ExportSummary:
    files = record["files"]
    rows = record["rows"]
    if not isinstance(files, list) or not isinstance(rows, int):
        raise UsageError(f"{out / EXPORT_FILE} is damaged. Delete {out} and export again.")
    return ExportSummary(
        version=str(record["version"]),
        format=str(record["format"]),
        path=out,
        rows=rows,
        files=len(files),
        bytes=sum(int(file["bytes"]) for file in files),
        resumed=resumed,
    )


@contextmanager
def _disk_faults(work: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReleaseError(
            f"The export could not be written to {work}: {error.strerror or error}. Check the "
            "disk's free space and the rights on that folder; the same command then goes on."
        ) from error
