"""Freezing gold into an immutable, versioned folder that others can load and cite."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from productnet.annotation.log import DecisionLog
from productnet.annotation.state import State
from productnet.catalog.pool import Pool
from productnet.errors import ReleaseError
from productnet.files import drafted_folder
from productnet.progress import SILENT, Progress
from productnet.release.card import dataset_card
from productnet.release.entries import Entry, Journal, gold_entries, hard_negative_entries
from productnet.release.manifest import FileRecord, LeafCount, Manifest
from productnet.release.shards import release_schema, write_shards
from productnet.release.splits import Side, pool_groups, sides_by_group
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

# semver.org, section 2 and 9: three numbers without leading zeros, and a pre-release part.
_SEMANTIC = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ReleaseSummary:
    """What was released, and where to."""

    version: str
    path: Path
    gold: int
    hard_negatives: int
    leaves: int
    bytes: int


def release(project: Project, *, version: str, progress: Progress = SILENT) -> ReleaseSummary:
    """Write gold and hard negatives to ``releases/VERSION``, whole or not at all.

    The same log and pool give the same bytes, whenever the release is made.

    Args:
        project: Whose gold.
        version: A semantic version that was not released before, such as "1.0.0".
        progress: Who watches.

    Raises:
        ReleaseError: The version is malformed or taken, or there is no gold.
    """
    _check_version(project, version)
    taxonomy = Taxonomy.load(project.taxonomy_path)
    pool = Pool.open(project.pool_path)
    with DecisionLog.open(project.database_url) as log:
        state = log.state()
        journal = Journal.read(log.since(0))
    gold, hard = _entries(project, taxonomy, state, journal, pool)
    if not gold:
        raise ReleaseError(
            "There is no gold to release yet. Gold is what one person labelled and another "
            "confirmed; `productnet status` tells what waits for audit."
        )
    target = project.releases_path / version
    with _draft_of(target) as draft:
        files = _write_tables(draft, gold, hard, taxonomy, pool, progress)
        taxonomy.save(draft / "taxonomy.json")
        manifest = Manifest(
            name=project.settings.name,
            version=version,
            taxonomy={"name": taxonomy.name, "version": taxonomy.version, "hash": taxonomy.hash},
            pool_version=pool.version,
            log_sequence=state.seq,
            as_of=max(entry.decided_at for entry in (*gold, *hard)).isoformat(),
            test_share=project.settings.master.test_share,
            seed=project.settings.seed,
            leaves=_counts(gold, hard),
            files=tuple(sorted(files, key=lambda record: record.path)),
        )
        manifest = _write_documents(draft, manifest, taxonomy, pool.fields)
    return ReleaseSummary(
        version=version,
        path=target,
        gold=manifest.gold,
        hard_negatives=manifest.hard_negatives,
        leaves=len({entry.category.id for entry in gold}),
        bytes=sum(record.bytes for record in manifest.files),
    )


def _check_version(project: Project, version: str) -> None:
    if not _SEMANTIC.fullmatch(version):
        raise ReleaseError(
            f'"{version}" is not a semantic version. Give three numbers, such as 1.0.0, and '
            "perhaps a pre-release part, such as 1.1.0-rc.1."
        )
    if (project.releases_path / version).exists():
        raise _taken(project.releases_path / version)


def _taken(target: Path) -> ReleaseError:
    return ReleaseError(
        f"Release {target.name} exists already, in {target}, and releases never change. "
        "Choose a higher version."
    )


def _entries(
    project: Project, taxonomy: Taxonomy, state: State, journal: Journal, pool: Pool
) -> tuple[list[Entry], list[Entry]]:
    labels = state.gold_labels()
    negatives = {product for leaf in taxonomy.leaves for product in state.hard_negatives(leaf.id)}
    sides = sides_by_group(
        labels,
        pool_groups(pool, labels.keys() | negatives),
        test_share=project.settings.master.test_share,
        seed=project.settings.seed,
    )
    gold = list(gold_entries(taxonomy, state, journal, sides))
    return gold, list(hard_negative_entries(taxonomy, state, journal, sides))


def _write_tables(
    draft: Path,
    gold: list[Entry],
    hard: list[Entry],
    taxonomy: Taxonomy,
    pool: Pool,
    progress: Progress,
) -> list[FileRecord]:
    schema = release_schema(pool.fields, taxonomy)
    classes = {leaf.id: index for index, leaf in enumerate(taxonomy.leaves)}
    files = []
    with progress.task("Writing the release", total=len(gold) + len(hard)) as advance:
        for folder, entries in (("data", gold), ("hard_negatives", hard)):
            for side in Side:
                written = write_shards(
                    [entry for entry in entries if entry.side is side],
                    draft / folder,
                    name=side.value,
                    pool=pool,
                    schema=schema,
                    classes=classes,
                    advance=advance,
                )
                files += [FileRecord.of(path, draft, rows=rows) for path, rows in written]
    return files


def _write_documents(
    draft: Path, manifest: Manifest, taxonomy: Taxonomy, fields: tuple[str, ...]
) -> Manifest:
    """Add the card and the taxonomy to the manifest's files, and write it last."""
    card = dataset_card(manifest, taxonomy, fields)
    (draft / "README.md").write_text(card, encoding="utf-8")
    documents = [FileRecord.of(draft / name, draft) for name in ("README.md", "taxonomy.json")]
    files = sorted([*manifest.files, *documents], key=lambda record: record.path)
    manifest = replace(manifest, files=tuple(files))
    manifest.write(draft)
    return manifest


def _counts(gold: list[Entry], hard: list[Entry]) -> tuple[LeafCount, ...]:
    positives = Counter((entry.category.id, entry.side) for entry in gold)
    negatives = Counter(entry.category.id for entry in hard)
    leaves = dict.fromkeys(entry.category.id for entry in (*gold, *hard))
    return tuple(
        LeafCount(leaf, positives[leaf, Side.TRAIN], positives[leaf, Side.TEST], negatives[leaf])
        for leaf in leaves
    )


@contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """A folder that becomes the release at the end, unless another took its version meanwhile."""
    try:
        with drafted_folder(target, replace=False) as draft:
            yield draft
    except OSError as error:
        if target.exists():
            raise _taken(target) from error
        raise
