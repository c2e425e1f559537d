"""Releases handed on: ``release publish`` and ``fetch`` copy them, ``export`` reformats them."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from productnet.cli.console import Bars, say, show
from productnet.cli.options import (
    HERE,
    AddressOption,
    EngineOption,
    JsonOption,
    ProjectOption,
)
from productnet.cli.release import (
    RELEASE_PANEL,
    ReleaseArgument,
    add_to_releases,
    release_folder,
)
from productnet.errors import UsageError
from productnet.locations import Location, location
from productnet.settings import EngineSettings, Project


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    add_to_releases(publish, fetch)
    app.command(rich_help_panel=RELEASE_PANEL)(export)


def publish(
    release: ReleaseArgument,
    into: Annotated[
        str,
        typer.Argument(metavar="URL", help="Folder of releases: s3://…, gs://…, az://… or a path"),
    ],
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Copy a release into a folder of releases, in object storage or on a disk, and check it.

    Nobody finds it there before all of it has come; the same command goes on after a kill.
    Credentials come from the environment, as the store's own tools read them.

    Examples:
        productnet release publish 1.0.0 s3://shop-data/releases
    """
    _hand_on(release_folder(release, project), location(into), as_json=json)


def fetch(
    release: Annotated[
        str, typer.Argument(metavar="URL", help="Folder of one release: s3://…/1.0.0 or a path")
    ],
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of releases [default: the project's]"),
    ] = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Copy a release from where it was published, and check it.

    Examples:
        productnet release fetch s3://shop-data/releases/1.0.0

        productnet release fetch s3://shop-data/releases/1.0.0 --into downloads
    """
    target = Project.open(project).releases_path if into is None else into
    _hand_on(location(release), target, as_json=json)


def _hand_on(source: Location, into: Location, *, as_json: bool) -> None:
    from productnet.release.publish import copy_release

    done = copy_release(source, into, progress=Bars())

    def human() -> None:
        there = done.files - done.copied
        size = f"{done.files:,} files, {done.bytes / 1e6:.1f} MB"
        there = done.files - done.copied
        before = f" {there:,} of them were there." if there else ""
        say(f"{done.release}: {size}: {done.place}.{before}")

    show(asdict(done), as_json=as_json, human=human)


def export(
    release: ReleaseArgument,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="parquet, imagefolder, webdataset, jsonl, csv, lance, embeddings-parquet, "
            "embeddings-npy or embeddings-safetensors",
        ),
    ] = "parquet",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Folder to make [default: NAME-VERSION-FORMAT]"
        ),
    ] = None,
    embedding_set: Annotated[
        str | None,
        typer.Option(help="With embeddings: the set they are of [default: the one in use]"),
    ] = None,
    engine: EngineOption = None,
    address: AddressOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write a release in another format; the same command again goes on after a kill.

    Examples:
        productnet export 1.0.0 --format webdataset

        productnet export 1.0.0 --format imagefolder --out shop-images

        productnet export 1.0.0 --format embeddings-npy --embedding-set round-0002
    """
    from productnet.embeddings.active import active_set
    from productnet.embeddings.sets import EmbeddingSet
    from productnet.engine.registry import open_engine
    from productnet.release.export import export_release
    from productnet.release.exporters.registry import EXPORTERS
    from productnet.release.manifest import read_manifest

    folder = release_folder(release, project)
    vectors = None
    if format.startswith("embeddings-") and format in EXPORTERS:
        opened = Project.open(project)
        named = embedding_set and EmbeddingSet.open(opened.embeddings_path / embedding_set)
        vectors = named or active_set(opened)
    elif embedding_set:
        raise UsageError(f'--embedding-set goes with a format of embeddings, not with "{format}".')
    manifest = read_manifest(folder)
    target = out or Path(f"{manifest.name}-{manifest.version}-{format}".replace("/", "-"))
    settings = EngineSettings()
    if (project / Project.SETTINGS_FILE).is_file():
        settings = Project.open(project).settings.engine
    with open_engine(settings, name=engine, address=address) as where:
        summary = export_release(
            folder, target, format=format, vectors=vectors, progress=Bars(), engine=where
        )

    def human() -> None:
        went_on = (
            f" {summary.resumed:,} of them had been written before." if summary.resumed else ""
        )
        say(
            f"Exported {summary.rows:,} rows of release {summary.version} as {summary.format}, "
            f"{summary.files:,} files, {summary.bytes / 1e6:.1f} MB: {summary.path}.{went_on}"
        )

    show(asdict(summary), as_json=json, human=human)
