"""The pool as a Hive-partitioned data set: a folder a category, what is not sure enough apart.

``OUT/category=LEAF/part-00000-of-00001.parquet``; pyarrow, pandas, polars, DuckDB and Spark read
``category`` from the folders' names. One category is written after another, so that one file is
open at a time, whatever the number of leaves. Until it is whole it is ``OUT.unfinished``; the same
command goes on after the last whole category.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from productnet.catalog.pool import Pool
from productnet.catalog.schema import GROUP, ID, IMAGE
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import UsageError
from productnet.files import alone_at, goes_on, put_in_place, unfinished, write_atomically
from productnet.master.model import MasterModel
from productnet.progress import SILENT, Progress
from productnet.release.exporters.parquet import write_shards
from productnet.serving.categorize import active_model_folder
from productnet.serving.pool_categories import PoolCategories, categorize_pool
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

FORMAT_VERSION: Final = 1

# What the set is. Readers of data sets pass over names that begin so.
PARTITION_FILE: Final = "_partition.json"

CATEGORY: Final = "category"
UNCERTAIN: Final = "uncertain"

_SCRATCH = "_work"
_STAMP = "stamp.json"
_DONE = "done"

# Products in memory at a time: their texts, or their images, which are large.
_TEXT_ROWS = 4_096
_IMAGE_ROWS = 256

# As Hive escapes them (FileUtils.escapePathName), and what makes a folder hidden or the one above.
_UNSAFE = re.compile(r"""[\x00-\x1f\x7f"#%'*/:=?\\{}\[\]^<>|]|[. ]$""")

# Of a file's name, on the file systems there are.
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class PartitionSummary:
    """What was written.

    Attributes:
        path: The folder.
        products: All of the pool.
        certain: Those that have a category.
        categories: Folders, but for the uncertain.
        precision: What was asked of the decided categories.
        certified: Whether the precision is certain, or an estimate from too few products.
        right: Share of the taken held-out predictions that were right; None where none was taken.
        model: Fingerprint of the model that decided.
        resumed: Products that an earlier, killed command had written.
    """

    path: Path
    products: int
    certain: int
    categories: int
    precision: float
    certified: bool
    right: float | None
    model: str
    resumed: int = 0

    @property
    def coverage(self) -> float:
        """Share of the products that have a category, 0 to 1."""
        return self.certain / self.products if self.products else 0.0


def partition_pool(
    project: Project,
    out: Path,
    *,
    precision: float,
    images: bool = False,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
) -> PartitionSummary:
    """Write every product into the folder of its category, if the model in use is sure enough.

    Rows hold the id, the text fields, the group, ``likeliest`` (the likeliest category, decided on
    or not) and its ``confidence``, in the order of the pool.

    Args:
        project: Whose pool.
        out: The folder to make; a partition that is there is replaced whole.
        precision: Share of the decided categories that should be right, such as 0.99.
        images: Whether rows hold the image, too.
        progress: Told of products.
        engine: Where products are encoded and categorised.

    Raises:
        UsageError: ``out`` holds something else, the precision is no share, or a name does not
            fit.
        ModelError: There is no model yet, or it was not calibrated.
        ProjectError: Somebody writes there already, or the pool is damaged.
    """
    _check_place(out)
    folder = active_model_folder(project)
    model = MasterModel.load(folder)
    taxonomy, pool = Taxonomy.load(project.taxonomy_path), Pool.open(project.pool_path)
    folders = _folders(model.classes)
    columns = _columns(pool, images=images)
    stamp = {
        "format_version": FORMAT_VERSION,
        "pool_version": pool.version,
        "model": model.fingerprint,
        "precision": precision,
        "columns": list(columns),
    }
    model.certainty.thresholds(precision)  # what is wrong is told before anything is made
    work = unfinished(out)
    with alone_at(out):
        goes_on(work, stamp, mark=f"{_SCRATCH}/{_STAMP}", what="partition")
        answers = categorize_pool(
            project,
            pool,
            model,
            work / _SCRATCH,
            made=folder.parent,
            precision=precision,
            progress=progress,
            engine=engine,
        )
        resumed = _write(pool, answers, folders, columns, work, progress)
        summary = _summary(out, answers, model, precision, resumed)
        record = _record(summary, stamp, answers, folders, taxonomy)
        write_atomically(work / PARTITION_FILE, json.dumps(record, indent=1) + "\n")
        del answers
        # In this order, so that a kill in between leaves what the same command knows as its own.
        put_in_place(work, out)
        shutil.rmtree(out / _SCRATCH)
    return summary


def folder_name(category: str) -> str:
    """The name of a category's folder, as Hive writes it; raises UsageError where it is too long.

    Example:
        >>> folder_name("kitchen/mugs")
        'category=kitchen%2Fmugs'
    """
    safe = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", category)
    name = f"{CATEGORY}={safe}"
    if len(name.encode()) > _LONGEST:
        raise UsageError(
            f'Category "{category}" is too long for the name of a folder. Give it a shorter id.'
        )
    return name


def _folders(classes: tuple[str, ...]) -> list[str]:
    """The folder of each category (K), and last that of the uncertain."""
    if UNCERTAIN in classes:
        raise UsageError(
            f'A category has the id "{UNCERTAIN}", as the folder of what is not sure enough. '
            "Give it another id."
        )
    return [folder_name(name) for name in (*classes, UNCERTAIN)]


def _columns(pool: Pool, *, images: bool) -> tuple[str, ...]:
    added = {CATEGORY, "likeliest", "confidence"}
    if taken := sorted(added.intersection(pool.fields)):
        raise UsageError(
            f'A text field of this project is called "{taken[0]}", as a column of a partition is. '
            "Call the field otherwise, and import again."
        )
    return (ID, *pool.fields, GROUP, *((IMAGE,) if images else ()))


def _check_place(out: Path) -> None:
    if out.exists() and not (out / PARTITION_FILE).is_file():
        raise UsageError(f"{out} exists and is no partition. Choose another folder.")


def _write(
    pool: Pool,
    answers: PoolCategories,
    folders: list[str],
    columns: tuple[str, ...],
    work: Path,
    progress: Progress,
) -> int:
    """Write every category that is not there yet; how many products were."""
    done = work / _SCRATCH / _DONE
    known = set(done.read_text(encoding="utf-8").split("\n")[:-1]) if done.exists() else set()
    resumed = 0
    counts = answers.counts()
    ends = np.cumsum(counts)
    ordered = answers.ordered(work / _SCRATCH)
    schema = _schema(pool, columns)
    with (
        done.open("a", encoding="utf-8") as finished,
        progress.task("Writing categories", total=len(answers)) as advance,
    ):
        for number in np.flatnonzero(counts).tolist():
            folder = folders[number]
            if folder in known:
                resumed += int(counts[number])
                advance(int(counts[number]))
                continue
            shutil.rmtree(work / folder, ignore_errors=True)
            rows = ordered[ends[number] - counts[number] : ends[number]]
            tables = _tables(pool, answers, rows, columns, schema)
            write_shards(tables, work / folder, name="part", schema=schema, advance=advance)
            finished.write(folder + "\n")
            finished.flush()
    return resumed


def _schema(pool: Pool, columns: tuple[str, ...]) -> pa.Schema:
    return pa.schema(
        [
            *(pa.field(name, pa.binary() if name == IMAGE else pa.string()) for name in columns),
            pa.field("likeliest", pa.string()),
            pa.field("confidence", pa.float32()),
        ]
    )


def _tables(
    pool: Pool,
    answers: PoolCategories,
    rows: npt.NDArray[np.int64],
    columns: tuple[str, ...],
    schema: pa.Schema,
) -> Iterator[pa.Table]:
    classes = pa.array(answers.classes, pa.string())
    size = _IMAGE_ROWS if IMAGE in columns else _TEXT_ROWS
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        table = pool.read(some, columns=columns)
        table = table.append_column("likeliest", classes.take(pa.array(answers.likeliest[some])))
        yield table.append_column("confidence", pa.array(answers.confidence[some])).cast(schema)


def _summary(
    out: Path, answers: PoolCategories, model: MasterModel, precision: float, resumed: int
) -> PartitionSummary:
    counts = answers.counts()
    found = model.certainty.thresholds(precision)
    return PartitionSummary(
        path=out,
        products=len(answers),
        certain=int(counts[:-1].sum()),
        categories=int(np.count_nonzero(counts[:-1])),
        precision=precision,
        certified=found.certified,
        right=found.right,
        model=model.fingerprint,
        resumed=resumed,
    )


def _record(
    summary: PartitionSummary,
    stamp: Mapping[str, object],
    answers: PoolCategories,
    folders: list[str],
    taxonomy: Taxonomy,
) -> dict[str, object]:
    counts = answers.counts()
    thresholds = answers.thresholds
    pooled = None if thresholds is None or np.isinf(thresholds.pooled) else thresholds.pooled
    return {
        **stamp,
        **{key: value for key, value in asdict(summary).items() if key not in ("path", "resumed")},
        "coverage": summary.coverage,
        "threshold": pooled,
        "uncertain": int(counts[-1]),
        "taxonomy": str(taxonomy),
        "taxonomy_hash": taxonomy.hash,
        "folders": [
            {
                "category": name,
                "path": taxonomy[name].label if name in taxonomy else name,
                "folder": folders[number],
                "products": int(counts[number]),
            }
            for number, name in enumerate(answers.classes)
            if counts[number]
        ],
    }
