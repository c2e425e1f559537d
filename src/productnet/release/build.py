"""Freezing gold into an immutable, versioned folder that others can load and cite."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from pydantic import TypeAdapter

from productnet import __version__
from productnet.annotation.duplicate_reviews import reviews_of
from productnet.annotation.log import DecisionLog
from productnet.annotation.past import PastLog, sequence_at
from productnet.annotation.state import State
from productnet.catalog.pool import Pool
from productnet.embeddings.near_duplicates import (
    Stamp,
    near_duplicates_stamp,
    read_near_duplicates,
    signatures_path,
)
from productnet.embeddings.told_apart import ToldApart
from productnet.errors import ReleaseError
from productnet.files import drafted_folder
from productnet.progress import SILENT, Progress
from productnet.release.card import dataset_card
from productnet.release.croissant import croissant
from productnet.release.datasheet import datasheet
from productnet.release.entries import (
    PROVENANCE_SCHEMA,
    Entry,
    Journal,
    Provenance,
    gold_entries,
    hard_negative_entries,
    provenance_tables,
)
from productnet.release.exporters.parquet import write_shards
from productnet.release.groups import Kin, find_kin, rows_in
from productnet.release.leakage import Leakage, measure_leakage
from productnet.release.manifest import FileRecord, Manifest, verify_release
from productnet.release.parts import GOLD, HARD_NEGATIVES, PROVENANCE
from productnet.release.rows import read_rows, release_schema
from productnet.release.shelf import SEMANTIC
from productnet.release.splits import Side, sides_by_group
from productnet.release.statistics import Filled, Statistics, count_leaves, measure
from productnet.settings import Project
from productnet.taxonomy.guidelines import read_guideline
from productnet.taxonomy.tree import Taxonomy

# In a manifest, among what its near-duplicates were found with.
_REVIEWS = "reviews"


@dataclass(frozen=True, slots=True)
class ReleaseSummary:
    """What was released, and where to."""

    version: str
    path: Path
    gold: int
    hard_negatives: int
    leaves: int
    bytes: int
    log_sequence: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides a release's content beside the log, the pool and the taxonomy.

    Attributes:
        version: Its semantic version.
        sequence: Last sequence number of the log that is taken in.
        provenance: How much it tells of people.
        test_share: Share wanted on the test side.
        validation_share: Share wanted on the validation side.
        seed: Of the split.
        reviews: Last row of the reviews of near-duplicates that is taken in.
    """

    version: str
    sequence: int
    provenance: Provenance
    test_share: float
    validation_share: float
    seed: int
    reviews: int


def release(
    project: Project,
    *,
    version: str,
    as_of: int | datetime | None = None,
    provenance: Provenance | None = None,
    validation_share: float | None = None,
    progress: Progress = SILENT,
) -> ReleaseSummary:
    """Write gold and hard negatives to ``releases/VERSION``, whole or not at all.

    The same log and pool give the same bytes, whenever the release is made.

    Args:
        project: Whose gold.
        version: A semantic version that was not released before, such as "1.0.0".
        as_of: Take the log as it was at this sequence number or time; now when None.
        provenance: How much to tell of people; the setting when None.
        validation_share: Share wanted on a validation side; the setting when None.
        progress: Who watches.

    Raises:
        ReleaseError: The version is malformed or taken, there is no gold, a product is gone from
            the pool, or the disk does not take the files.
        UsageError: The moment is not in the log, or the shares leave nothing.
    """
    _check_version(project, version)
    settings = project.settings.release
    with DecisionLog.open(project.database_url) as log:
        terms = Terms(
            version=version,
            sequence=sequence_at(log, as_of),
            provenance=provenance or Provenance(settings.provenance),
            test_share=project.settings.master.test_share,
            validation_share=(
                settings.validation_share if validation_share is None else validation_share
            ),
            seed=project.settings.seed,
            reviews=reviews_of(project)[1],
        )
        target = project.releases_path / version
        frozen = _Frozen(project, PastLog(log, until=terms.sequence), terms, progress)
        with _draft_of(target) as draft:
            manifest = frozen.write(draft, progress)
    return ReleaseSummary(
        version=version,
        path=target,
        gold=manifest.gold,
        hard_negatives=manifest.hard_negatives,
        leaves=sum(1 for leaf in manifest.leaves if leaf.gold),
        bytes=sum(record.bytes for record in manifest.files),
        log_sequence=manifest.log_sequence,
        content_hash=manifest.content_hash,
    )


def rebuild(project: Project, version: str, *, progress: Progress = SILENT) -> Manifest:
    """Make a release again from the log as it was, and compare every byte.

    Returns:
        The manifest, when all is the same.

    Raises:
        ReleaseError: The release is damaged, or cannot be made again as it was; the text says
            which file differs and what of pool, taxonomy and software is another.
    """
    was = verify_release(project.releases_path / version)
    terms = Terms(
        version=was.version,
        sequence=was.log_sequence,
        provenance=Provenance(was.provenance),
        test_share=was.test_share,
        validation_share=was.validation_share,
        seed=was.seed,
        reviews=int((was.near_duplicates or {}).get(_REVIEWS, 0)),
    )
    with (
        DecisionLog.open(project.database_url) as log,
        tempfile.TemporaryDirectory(prefix=".rebuild-", dir=project.root) as folder,
    ):
        past = PastLog(log, until=sequence_at(log, terms.sequence))
        now = _Frozen(project, past, terms, progress).write(Path(folder), progress)
    if was == now:
        return was
    hashes = {record.path: record.sha256 for record in now.files}
    differing = [record.path for record in was.files if hashes.get(record.path) != record.sha256]
    changed = [
        name
        for name in ("taxonomy", "pool_version", "near_duplicates", "made_with", "name")
        if getattr(was, name) != getattr(now, name)
    ]
    why = f" Since then changed: {', '.join(changed)}." if changed else ""
    raise ReleaseError(
        f"Release {version} cannot be made again as it was: "
        f"{', '.join(differing[:5]) or 'manifest.json'} would differ.{why} Guidelines and settings "
        "are part of a release, too. The release itself is whole."
    )


class _Frozen:
    """Gold on its sides, as it will be released."""

    def __init__(self, project: Project, log: PastLog, terms: Terms, progress: Progress) -> None:
        self._project = project
        self._log = log
        self._terms = terms
        self._taxonomy = Taxonomy.load(project.taxonomy_path)
        self._pool = Pool.open(project.pool_path)
        self._schema = release_schema(
            self._pool.fields, self._taxonomy, provenance=terms.provenance
        )
        apart, _ = reviews_of(project, until=terms.reviews)
        self._near_duplicates = read_near_duplicates(project).without(apart)
        self._kin, self._sides = self._split(log.state(), apart, progress)

    def write(self, draft: Path, progress: Progress) -> Manifest:
        """Fill an empty folder."""
        state = self._log.state()
        journal = Journal.read(self._log.since(), provenance=self._terms.provenance)
        gold = gold_entries(self._taxonomy, state, journal, self._sides)
        hard = hard_negative_entries(self._taxonomy, state, journal, self._sides)
        filled = Filled()
        files = self._write_products(draft, gold, hard, filled, progress)
        if self._terms.provenance is not Provenance.NONE:
            files += self._write_provenance(draft, [*gold, *hard], journal)
        counts = count_leaves(gold, hard, self._taxonomy)
        statistics = measure(
            self._log,
            gold,
            hard,
            counts=counts,
            filled=filled.counts,
            near_duplicates=self._near_duplicates,
            taxonomy=self._taxonomy,
            settings=self._project.settings,
        )
        leakage = measure_leakage(self._kin, self._sides, seed=self._terms.seed)
        manifest = Manifest(
            name=self._project.settings.name,
            version=self._terms.version,
            taxonomy={
                "name": self._taxonomy.name,
                "version": self._taxonomy.version,
                "hash": self._taxonomy.hash,
            },
            pool_version=self._pool.version,
            log_sequence=self._log.seq,
            as_of=max(entry.decided_at for entry in (*gold, *hard)).isoformat(),
            test_share=self._terms.test_share,
            validation_share=self._terms.validation_share,
            seed=self._terms.seed,
            leaves=counts,
            files=tuple(sorted(files, key=lambda record: record.path)),
            provenance=self._terms.provenance.value,
            near_duplicates=_with_reviews(near_duplicates_stamp(self._project), self._terms),
            made_with={"productnet": __version__, "pyarrow": pa.__version__},
        )
        return self._write_documents(draft, manifest, statistics, leakage)

    def _split(
        self, state: State, apart: ToldApart, progress: Progress
    ) -> tuple[Kin, dict[str, Side]]:
        labels = {
            product: leaf
            for product, leaf in state.gold_labels().items()
            if leaf in self._taxonomy and self._taxonomy.is_leaf(leaf)
        }
        if not labels:
            raise ReleaseError(
                "There is no gold to release yet. Gold is what one person labelled and another "
                "confirmed; `productnet status` tells what waits for audit."
            )
        since = {product: state.pair(product, leaf).since for product, leaf in labels.items()}
        for leaf in self._taxonomy.leaves:
            for product in state.hard_negatives(leaf.id):
                pair = state.pair(product, leaf.id)
                since[product] = min(pair.since, since.get(product, pair.since))
        kin = find_kin(
            self._pool,
            since,
            near_duplicates=self._near_duplicates,
            apart=apart,
            signatures=signatures_path(self._project),
            progress=progress,
        )
        sides = sides_by_group(
            labels,
            kin.groups,
            test_share=self._terms.test_share,
            validation_share=self._terms.validation_share,
            seed=self._terms.seed,
            since=since,
        )
        return kin, sides

    def _write_products(
        self,
        draft: Path,
        gold: list[Entry],
        hard: list[Entry],
        filled: Filled,
        progress: Progress,
    ) -> list[FileRecord]:
        files: list[FileRecord] = []
        with progress.task("Writing the release", total=len(gold) + len(hard)) as advance:
            for table, entries in ((GOLD, gold), (HARD_NEGATIVES, hard)):
                for side in Side:
                    rows = self._rows([entry for entry in entries if entry.side is side])
                    written = write_shards(
                        filled.counting(rows) if table == GOLD else rows,
                        draft / table,
                        name=side.value,
                        schema=self._schema,
                        advance=advance,
                    )
                    files += [FileRecord.of(path, draft, rows=count) for path, count in written]
        return files

    def _rows(self, entries: Sequence[Entry]) -> Iterator[pa.Table]:
        classes = {leaf.id: index for index, leaf in enumerate(self._taxonomy.leaves)}
        places = rows_in(self._pool, [entry.product for entry in entries])
        return read_rows(entries, places, pool=self._pool, schema=self._schema, classes=classes)

    def _write_provenance(
        self, draft: Path, entries: list[Entry], journal: Journal
    ) -> list[FileRecord]:
        tables = provenance_tables(self._log, entries, journal, provenance=self._terms.provenance)
        written = write_shards(
            tables,
            draft / PROVENANCE,
            name="decisions",
            schema=PROVENANCE_SCHEMA,
            advance=lambda _: None,
        )
        return [FileRecord.of(path, draft, rows=count) for path, count in written]

    def _write_documents(
        self, draft: Path, manifest: Manifest, statistics: Statistics, leakage: Leakage
    ) -> Manifest:
        """Add what explains the tables to the manifest's files, and write it last."""
        settings = self._project.settings.release
        fields = self._pool.fields
        self._taxonomy.save(draft / "taxonomy.json")
        texts = {
            "README.md": dataset_card(
                manifest, statistics, leakage,
                taxonomy=self._taxonomy, fields=fields, settings=settings,
            ),
            "DATASHEET.md": datasheet(
                manifest, statistics, leakage,
                taxonomy=self._taxonomy, fields=fields, settings=settings,
            ),
            "guidelines.json": self._guidelines(manifest),
            "statistics.json": _json(statistics),
            "leakage.json": _json(leakage),
            "croissant.json": croissant(
                manifest,
                self._schema,
                settings=settings,
                description=f"{manifest.gold:,} products and the leaf each belongs to, of taxonomy "
                f"{self._taxonomy}, with {manifest.hard_negatives:,} hard negatives.",
            ),
        }  # fmt: skip
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        documents = [FileRecord.of(draft / name, draft) for name in (*texts, "taxonomy.json")]
        files = sorted([*manifest.files, *documents], key=lambda record: record.path)
        manifest = replace(manifest, files=tuple(files))
        manifest.write(draft)
        return manifest

    def _guidelines(self, manifest: Manifest) -> str:
        """What belongs in each released leaf, where somebody has written it."""
        folder = self._project.guidelines_path
        leaves = (self._taxonomy[count.category] for count in manifest.leaves)
        written = {leaf.id: asdict(read_guideline(folder, leaf)) for leaf in leaves}
        kept = {leaf: said for leaf, said in written.items() if any(said.values())}
        return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def _json(record: Statistics | Leakage) -> str:
    return TypeAdapter(type(record)).dump_json(record, indent=1).decode() + "\n"


def _with_reviews(stamp: Stamp | None, terms: Terms) -> dict[str, str | int] | None:
    """What the near-duplicates were found with, and how far they were reviewed, if they were."""
    if not terms.reviews:
        return None if stamp is None else dict(stamp)
    return {**(stamp or {}), _REVIEWS: terms.reviews}


def _check_version(project: Project, version: str) -> None:
    if not SEMANTIC.fullmatch(version):
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


@contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """A folder that becomes the release at the end, unless another took its version meanwhile."""
    try:
        with drafted_folder(target, replace=False) as draft:
            yield draft
    except OSError as error:
        if target.exists():
            raise _taken(target) from error
        raise ReleaseError(
            f"Release {target.name} could not be written to {target.parent}: "
            f"{error.strerror or error}. Nothing of it was left there. Check the disk's free space "
            "and the rights on that folder, then make it again."
        ) from error
