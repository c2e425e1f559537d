"""A table of any length, written part by part beside its place, so that a killed command goes on.

Until it is whole, the parts lie in ``NAME.unfinished`` beside it, with a stamp of what they are of:
the feed, the model, the options. The same command goes on after the last whole part, and ends with
the bytes that an undisturbed one gives, because parts lie where the feed's order puts them. In
memory are one batch of products and one part of results.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet import __version__
from productnet.catalog.schema import ID
from productnet.errors import UsageError
from productnet.files import alone_at, discard, drafted, goes_on, unfinished
from productnet.progress import Progress
from productnet.serving.feeds import BATCH, FeedProducts
from productnet.serving.tables import check_sink, table_sink

# Products of a part, whole batches: what a kill costs at most, some ten seconds of images.
PART = 8 * BATCH

_STAMP = "stamp.json"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written where.

    Attributes:
        path: The file.
        products: Products in it.
        skipped: Rows of the feed that could not be used.
        decided: Products that got a category, where not every one does.
        resumed: Products that an earlier, killed command had been through.
        anew: Whether there was begun work of another feed, model or options, which was dropped.
    """

    path: Path
    products: int
    skipped: int
    decided: int | None = None
    resumed: int = 0
    anew: bool = False


def write_resumed(
    products: FeedProducts,
    out: Path,
    schema: pa.Schema,
    rows: Callable[[pa.Table], pa.Table],
    *,
    stamp: Mapping[str, object],
    label: str,
    progress: Progress,
    tally: Callable[[pa.Table], None] = lambda table: None,
    part: int = PART,
) -> Written:
    """Stream a feed through ``rows``, batch by batch, into a file that appears whole.

    Args:
        products: The feed.
        out: A ``.parquet`` or ``.csv`` file; one that is there is replaced.
        schema: Of the file.
        rows: Makes results of a batch of products, whose ids come first in them.
        stamp: What results depend on beside the feed; JSON values.
        label: Of the bar.
        progress: Told of every product.
        tally: Sees all results, in order, as they are put together.
        part: Products of a part, whole batches.

    Raises:
        UsageError: ``out`` is the feed, its name ends otherwise, or the format cannot hold the
            schema.
        ProjectError: Somebody writes this file already.
    """
    check_sink(out, schema)
    if out.exists() and out.samefile(products.path):
        raise UsageError(f"{out} is the feed itself, which would be gone. Name another file.")
    work = unfinished(out)
    stamp = {**stamp, **products.stamp, "part": part, "productnet": __version__}
    with alone_at(out):
        begun = work.exists()
        known = goes_on(work, stamp, mark=_STAMP, what="table")
        resumed = _whole(work) if known else 0
        skip = resumed * part
        gone = sum(pq.read_metadata(_part(work, number)).num_rows for number in range(resumed))
        with progress.task(label, total=None) as advance:
            if skip:
                advance(gone, "going on")
            parts = _parts(products.batches(skip=skip), rows, part, advance)
            for number, table in enumerate(parts, resumed):
                with drafted(_part(work, number)) as draft:
                    pq.write_table(table.cast(schema), draft, compression="zstd")
        whole = work / out.name
        with table_sink(whole, schema) as sink:
            for number in range(_whole(work)):
                table = pq.read_table(_part(work, number), schema=schema)
                tally(table)
                sink.write_table(table)
        whole.replace(out)
        discard(work)
    return Written(
        out,
        products.products,
        products.skipped,
        resumed=gone,
        anew=begun and not known,
    )


def _parts(
    batches: Iterator[tuple[pa.Table, list[str | None]]],
    rows: Callable[[pa.Table], pa.Table],
    part: int,
    advance: Callable[[int], None],
) -> Iterator[pa.Table]:
    tables: list[pa.Table] = []
    count = 0
    for table, _ in batches:
        tables.append(_answered(table, rows))
        count += len(table)
        advance(len(table))
        if count >= part:
            yield pa.concat_tables(tables)
            tables, count = [], 0
    if tables:
        yield pa.concat_tables(tables)


def _answered(table: pa.Table, rows: Callable[[pa.Table], pa.Table]) -> pa.Table:
    """The results of a batch. Models tell products apart by id, which a feed may give twice."""
    ids = table.column(ID)
    numbers = pa.array(range(len(ids)), pa.int64()).cast(pa.string())
    made = rows(table.set_column(table.column_names.index(ID), ID, numbers))
    named = ids.take(made.column(0).cast(pa.int64()))
    return made.set_column(0, made.schema.field(0), named)


def _part(work: Path, number: int) -> Path:
    return work / f"part-{number:06d}.parquet"


def _whole(work: Path) -> int:
    """How many parts there are, from the first on."""
    number = 0
    while _part(work, number).exists():
        number += 1
    return number
