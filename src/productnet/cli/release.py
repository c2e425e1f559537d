"""Commands of releases: ``release make``, ``list``, ``show``, ``diff``, ``verify``; ``export``.

``release publish`` and ``release fetch`` hand them on through object storage.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import Bars, say, show, table
from productnet.cli.options import HERE, AddressOption, EngineOption, JsonOption, ProjectOption
from productnet.errors import UsageError
from productnet.locations import Location, failures_told, is_url, location
from productnet.settings import EngineSettings, Project

if TYPE_CHECKING:
    from productnet.release.diff import Difference
    from productnet.release.manifest import Manifest
    from productnet.release.parts import Released

RELEASE_PANEL = "Hand it on"

VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="Semantic version of the release, as 1.0.0")
]
ReleaseArgument = Annotated[
    str, typer.Argument(metavar="RELEASE", help="Version of a release, or the folder of one")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    release = typer.Typer(no_args_is_help=True, help="Gold as datasets that never change.")
    for command in (make, list_, show_, diff, verify, publish, fetch):
        release.command(command.__name__.rstrip("_"))(command)
    app.add_typer(release, name="release", rich_help_panel=RELEASE_PANEL)
    app.command(rich_help_panel=RELEASE_PANEL)(export)


def make(
    version: VersionArgument,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="SEQ|TIME",
            help="Take the log as it was at a sequence number, or at a time [default: now]",
        ),
    ] = None,
    provenance: Annotated[
        str | None,
        typer.Option(
            help="Who decided: none, pseudonyms, or full, which names people [default: the setting]"
        ),
    ] = None,
    validation_share: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=0.99, help="Share of gold on a validation side [default: the setting]"
        ),
    ] = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Release gold as an immutable dataset: Parquet with images, a card, a manifest of hashes.

    The same log, pool, taxonomy, guidelines and settings give the same bytes, whenever it is made.

    Examples:
        productnet release make 1.0.0

        productnet release make 1.1.0 --validation-share 0.1 --provenance none

        productnet release make 0.9.0 --as-of 2026-01-31T18:00
    """
    from productnet.annotation.past import parse_moment
    from productnet.events.kinds import Kind
    from productnet.release.build import release
    from productnet.release.entries import Provenance
    from productnet.rounds.news import telling

    opened = Project.open(project)
    if provenance is not None and provenance not in list(Provenance):
        raise UsageError(f'--provenance takes {", ".join(Provenance)}; not "{provenance}".')
    moment = None if as_of is None else parse_moment(as_of)
    with telling(opened, failure=Kind.RELEASE_FAILED, subject=version):
        summary = release(
            opened,
            version=version,
            as_of=moment,
            provenance=None if provenance is None else Provenance(provenance),
            validation_share=validation_share,
            progress=Bars(),
        )

    def human() -> None:
        say(
            f"Released {summary.gold:,} gold products and {summary.hard_negatives:,} hard "
            f"negatives of {summary.leaves} leaves, {summary.bytes / 1e6:.1f} MB: {summary.path}"
        )
        say(
            f"From the log up to decision {summary.log_sequence:,}; content "
            f"{summary.content_hash[:12]}. Its card: {summary.path / 'README.md'}"
        )

    show(asdict(summary), as_json=json, human=human)


def list_(project: ProjectOption = HERE, json: JsonOption = False) -> None:
    """List the releases of the project, the lowest version first.

    Examples:
        productnet release list
    """
    from productnet.release.shelf import read_releases

    manifests = list(read_releases(Project.open(project)))

    def human() -> None:
        if not manifests:
            say("No release yet. Next: productnet release make 1.0.0")
            return
        table(
            "Releases",
            ("version", "gold", "hard negatives", "leaves", "as of", "decision", "content"),
            [
                (
                    one.version,
                    one.gold,
                    one.hard_negatives,
                    len(one.leaves),
                    one.as_of[:16],
                    one.log_sequence,
                    one.content_hash[:12],
                )
                for one in manifests
            ],
        )

    show({"releases": [_facts(one) for one in manifests]}, as_json=json, human=human)


def show_(
    release: ReleaseArgument, project: ProjectOption = HERE, json: JsonOption = False
) -> None:
    """Show what a release holds, leaf by leaf.

    Examples:
        productnet release show 1.0.0

        productnet release show ~/downloads/shop-1.0.0 --json
    """
    opened = _open(release, project)
    manifest, taxonomy = opened.manifest, opened.taxonomy

    def human() -> None:
        say(f"{manifest.name} {manifest.version}, of taxonomy {taxonomy}, in {opened.folder}")
        say(
            f"{manifest.gold:,} gold products and {manifest.hard_negatives:,} hard negatives, from "
            f"the log up to decision {manifest.log_sequence:,} ({manifest.as_of})."
        )
        say(f"Provenance: {manifest.provenance}. Content: {manifest.content_hash}")
        table(
            "Leaves",
            ("leaf", "train", "validation", "test", "hard negatives"),
            [
                (
                    taxonomy[leaf.category].label,
                    leaf.train,
                    leaf.validation,
                    leaf.test,
                    leaf.hard_negatives,
                )
                for leaf in manifest.leaves
            ],
        )

    result = _facts(manifest) | {"leaves": [asdict(leaf) for leaf in manifest.leaves]}
    show(result, as_json=json, human=human)


def diff(
    before: Annotated[str, typer.Argument(metavar="RELEASE", help="The earlier one")],
    after: Annotated[str, typer.Argument(metavar="RELEASE", help="The later one")],
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Tell what changed between two releases: added, removed, relabelled, moved between sides.

    With --json every product is named.

    Examples:
        productnet release diff 1.0.0 1.1.0

        productnet release diff ~/downloads/shop-1.0.0 1.1.0 --json
    """
    from productnet.release.diff import compare_releases

    found = compare_releases(_open(before, project), _open(after, project))
    show(asdict(found), as_json=json, human=lambda: _show_difference(found))


def verify(
    release: ReleaseArgument,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Make it again from the log as it was, and compare bytes"),
    ] = False,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Hash every file of a release again; with --rebuild, make it again and compare.

    Examples:
        productnet release verify 1.0.0

        productnet release verify 1.0.0 --rebuild

        productnet release verify s3://shop-data/releases/1.0.0
    """
    from productnet.release import build
    from productnet.release.manifest import verify_release

    folder = location(release) if is_url(release) else _folder(release, project)
    with failures_told(folder):
        manifest = verify_release(folder)
    if rebuild:
        if not isinstance(folder, Path):
            raise UsageError(f"{folder} is no release of this project, so it cannot be rebuilt.")
        opened = Project.open(project)
        if folder.resolve().parent != opened.releases_path.resolve():
            raise UsageError(
                f"{folder} is no release of {opened.root.resolve()}, so it cannot be rebuilt."
            )
        build.rebuild(opened, folder.name, progress=Bars())
    made = " Made again from the log, every byte is the same." if rebuild else ""
    show(
        _facts(manifest) | {"files": len(manifest.files) + 1, "rebuilt": rebuild},
        as_json=json,
        human=lambda: say(
            f"{len(manifest.files):,} files of {manifest.name} {manifest.version} are as they were "
            f"released; content {manifest.content_hash[:12]}.{made}"
        ),
    )


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
    _hand_on(_folder(release, project), location(into), as_json=json)


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

    folder = _folder(release, project)
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


def _folder(release: str, project: Path) -> Path:
    """The folder of a release, given by its version or by its folder."""
    from productnet.release.manifest import MANIFEST
    from productnet.release.shelf import find_release

    if (Path(release) / MANIFEST).is_file():
        return Path(release)
    return find_release(Project.open(project), release)


def _open(release: str, project: Path) -> "Released":
    from productnet.release.parts import Released

    return Released.open(_folder(release, project))


def _facts(manifest: "Manifest") -> dict[str, object]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "gold": manifest.gold,
        "hard_negatives": manifest.hard_negatives,
        "leaves": len(manifest.leaves),
        "as_of": manifest.as_of,
        "log_sequence": manifest.log_sequence,
        "provenance": manifest.provenance,
        "content_hash": manifest.content_hash,
    }


def _show_difference(found: "Difference") -> None:
    if found.same_content:
        say(f"{found.before} and {found.after} hold the same, byte for byte.")
        return
    say(
        f"From {found.before} to {found.after}: {len(found.added):,} gold products added, "
        f"{len(found.removed):,} removed, {len(found.relabelled):,} relabelled, "
        f"{len(found.moved):,} moved to another side; {found.kept:,} stayed as they were."
    )
    if not found.same_taxonomy:
        say("The taxonomies differ, so labels count other leaves.")
    table(
        "By leaf",
        ("leaf", "added", "removed", "came", "left", "moved", "hard added", "hard removed"),
        [
            (
                leaf.path,
                leaf.added,
                leaf.removed,
                leaf.came,
                leaf.left,
                leaf.moved,
                leaf.hard_added,
                leaf.hard_removed,
            )
            for leaf in found.leaves
        ],
    )
