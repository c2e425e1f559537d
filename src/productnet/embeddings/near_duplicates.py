"""The near-duplicates of a pool: found once by ``productnet embed``, then looked up."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from productnet.catalog.pool import Pool
from productnet.catalog.signatures import sign_pool
from productnet.embeddings.duplicate_groups import lead_products
from productnet.embeddings.initial import NAME
from productnet.embeddings.lookup import IdLookup
from productnet.embeddings.nearest import Rows
from productnet.embeddings.sets import EmbeddingSet
from productnet.embeddings.told_apart import ToldApart
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import EmbeddingError
from productnet.files import drafted_folder
from productnet.progress import SILENT, Progress
from productnet.settings import Project

# Raise it when the files, or what counts as a near-duplicate, change.
FORMAT_VERSION = 1

_GROUPS_FOLDER = "groups"
_SIGNATURES = "signatures.lance"
_GROUPS = "groups.npy"
_STAMP = "stamp.json"

Stamp = Mapping[str, str | int]


class NearDuplicates:
    """Groups of two products and more that are near-duplicates of one another.

    Only products that have a near-duplicate are kept, memory-mapped: 20 bytes and its id each.
    """

    def __init__(self, lookup: IdLookup, groups: npt.NDArray[np.int32]) -> None:
        self._lookup = lookup
        self._groups = groups  # (n,), ascending: the group of each row of the lookup

    @classmethod
    def write(cls, folder: Path, groups: Sequence[Sequence[str]], *, stamp: Stamp) -> None:
        """Keep these groups of product ids, each id once, in place of what is in the folder."""
        ids = [product for group in groups for product in group]
        sizes = np.array([len(group) for group in groups], np.int64)
        numbers = np.repeat(np.arange(len(groups), dtype=np.int32), sizes)
        with drafted_folder(folder) as draft:
            IdLookup.write(draft, pa.array(ids, pa.string()))
            np.save(draft / _GROUPS, numbers)
            (draft / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")

    @classmethod
    def none(cls) -> "NearDuplicates":
        """No near-duplicates at all."""
        nothing = IdLookup(pa.array([], pa.string()), np.empty((2, 0), np.uint64))
        return cls(nothing, np.empty(0, np.int32))

    @classmethod
    def open(cls, folder: Path) -> "NearDuplicates":
        """The groups kept in a folder; raises OSError, ValueError or ArrowException if damaged."""
        found = cls(IdLookup.open(folder), np.load(folder / _GROUPS, mmap_mode="r"))
        if len(found._lookup) != len(found):
            raise ValueError("its files do not belong together")
        return found

    def __len__(self) -> int:
        """How many products have a near-duplicate."""
        return len(self._groups)

    @property
    def group_count(self) -> int:
        """How many groups there are."""
        return int(self._groups[-1]) + 1 if len(self._groups) else 0

    def groups_of(self, products: Sequence[str]) -> Rows:
        """The group (n,) of each of these products; -1 for one without near-duplicates."""
        if not len(self._groups):
            return np.full(len(products), -1, np.int64)
        rows = self._lookup.rows(products)
        return np.where(rows < 0, -1, self._groups[rows])

    def members(self, groups: Rows) -> list[str]:
        """The products of these groups, each once; -1 is no group."""
        wanted = np.unique(groups[groups >= 0])
        starts = np.searchsorted(self._groups, wanted)
        lengths = np.searchsorted(self._groups, wanted, side="right") - starts
        skipped = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        rows = skipped + np.arange(len(skipped))
        members: list[str] = self._lookup.ids.take(pa.array(rows)).to_pylist()
        return members

    def groups(self) -> Iterator[list[str]]:
        """Every group, each with the product that stands for it first."""
        ends = np.searchsorted(self._groups, np.arange(self.group_count), side="right").tolist()
        ids = self._lookup.ids
        for start, end in pairwise([0, *ends]):
            yield ids.slice(start, end - start).to_pylist()

    def group(self, number: int) -> list[str]:
        """The products of one group, the one that stands for it first."""
        return self.members(np.array([number], np.int64))

    def without(self, apart: ToldApart) -> "NearDuplicates":
        """These groups, those cut that hold products which people told apart.

        Of a group, each product in turn joins the first part in which it is told apart from none.
        """
        told = sorted(apart.products)
        touched = np.unique(self.groups_of(told))
        touched = touched[touched >= 0]
        if not len(touched):
            return self
        return _Cut(self, {int(number): _parts(self.group(number), apart) for number in touched})


class _Cut(NearDuplicates):
    """Groups of which a few are cut into parts; the parts are numbered after all others."""

    def __init__(self, whole: NearDuplicates, parts: Mapping[int, list[list[str]]]) -> None:
        super().__init__(whole._lookup, whole._groups)
        self._whole = whole
        # A part of one product is no group.
        kept = [part for cut in parts.values() for part in cut if len(part) > 1]
        self._cut = np.array(sorted(parts), np.int64)
        self._part = dict(enumerate(kept, start=whole.group_count))
        self._number = {product: n for n, part in self._part.items() for product in part}
        self._alone = sum(len(part) == 1 for cut in parts.values() for part in cut)

    def __len__(self) -> int:
        return len(self._whole) - self._alone

    @property
    def group_count(self) -> int:
        return self._whole.group_count - len(self._cut) + len(self._part)

    def groups(self) -> Iterator[list[str]]:
        cut = set(self._cut.tolist())
        for number, members in enumerate(self._whole.groups()):
            if number not in cut:
                yield members
        yield from self._part.values()

    def groups_of(self, products: Sequence[str]) -> Rows:
        groups = self._whole.groups_of(products)
        for place in np.flatnonzero(np.isin(groups, self._cut)).tolist():
            groups[place] = self._number.get(products[place], -1)
        return groups

    def members(self, groups: Rows) -> list[str]:
        numbers = np.unique(groups)
        members = self._whole.members(numbers[numbers < self._whole.group_count])
        for number in numbers[numbers >= self._whole.group_count].tolist():
            members += self._part[number]
        return members


def _parts(members: Sequence[str], apart: ToldApart) -> list[list[str]]:
    parts: list[list[str]] = []
    for product in members:
        for part in parts:
            if not any(apart(product, other) for other in part):
                part.append(product)
                break
        else:
            parts.append([product])
    return parts


def find_near_duplicates(
    project: Project, *, progress: Progress = SILENT, engine: Engine = LOCAL
) -> NearDuplicates:
    """Find the pool's near-duplicates, or open those found before in the same pool.

    Products are compared by their hashes and by the initial embedding set, which no training has
    drawn together. Killed and run again it goes on hashing where it stopped; until it is done,
    the groups found before stay. Products are hashed where the engine runs, and compared here.

    Raises EmbeddingError if there is no initial embedding set.
    """
    pool = Pool.open(project.pool_path)
    embedding_set = EmbeddingSet.open(project.embeddings_path / NAME)
    stamp: Stamp = {
        "format_version": FORMAT_VERSION,
        "pool_version": pool.version,
        "encoder": embedding_set.stamp.encoder,
        "embedded_pool_version": embedding_set.stamp.pool_version,
        "seed": embedding_set.stamp.seed,
    }
    folder = project.near_duplicates_path / _GROUPS_FOLDER
    try:
        if _read_stamp(folder) == stamp:
            return NearDuplicates.open(folder)
    except (OSError, ValueError, pa.ArrowException):  # missing or damaged: they are found again
        pass
    signatures = sign_pool(pool, signatures_path(project), progress=progress, engine=engine)
    ids = pool.ids()
    rows = embedding_set.rows(ids.to_pylist())
    leaders = lead_products(signatures, embedding_set.read, rows, progress=progress)
    NearDuplicates.write(folder, _groups(leaders, ids), stamp=stamp)
    return NearDuplicates.open(folder)


def read_near_duplicates(project: Project) -> NearDuplicates:
    """The near-duplicates found last; none before the first time.

    Raises EmbeddingError where they cannot be read.
    """
    folder = project.near_duplicates_path / _GROUPS_FOLDER
    if not folder.exists():
        return NearDuplicates.none()
    try:
        if (version := _read_stamp(folder)["format_version"]) != FORMAT_VERSION:
            raise ValueError(f"it has format {version}, this version reads {FORMAT_VERSION}")
        return NearDuplicates.open(folder)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise EmbeddingError(
            f"The near-duplicates in {folder} cannot be read: {error}. Find them again with "
            "`productnet embed`."
        ) from error


def near_duplicates_stamp(project: Project) -> Stamp | None:
    """What the near-duplicates found last were found with; None before the first time."""
    folder = project.near_duplicates_path / _GROUPS_FOLDER
    return _read_stamp(folder) if folder.exists() else None


def signatures_path(project: Project) -> Path:
    """The table that keeps the hashes of the pool's products."""
    return project.near_duplicates_path / _SIGNATURES


def _read_stamp(folder: Path) -> Stamp:
    stamp: Stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    return stamp


def _groups(leaders: Rows, ids: pa.StringArray) -> list[list[str]]:
    """The ids of each group of more than one product; leaders (N,) say who stands for each."""
    members = np.flatnonzero(np.bincount(leaders, minlength=len(leaders))[leaders] > 1)
    order = members[np.argsort(leaders[members], kind="stable")]
    named: list[str] = ids.take(pa.array(order)).to_pylist()
    starts = np.flatnonzero(np.diff(leaders[order])) + 1
    cuts = [0, *starts.tolist(), len(order)]
    return [named[start:end] for start, end in pairwise(cuts) if end > start]
