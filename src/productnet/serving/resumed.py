"""A table of any length, written part by part beside its place, so that a killed command goes on.

Until it is whole, the parts lie in ``NAME.unfinished`` beside it, with a stamp of what they are of:
the feed, the model, the options. The same command goes on after the last whole part, and ends with
the bytes that an undisturbed one gives, because parts lie where the feed's order puts them. In
memory are one batch of products and one part of results. Workers of an engine make parts in any
order, of shards that the feed is written out in; what is there is kept by either.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet import __version__
from productnet.catalog.schema import ID
from productnet.catalog.shards import fetches, read_shard
from productnet.engine.base import Engine, Stage
from productnet.engine.local import LOCAL
from productnet.errors import UsageError
from productnet.files import alone_at, discard, drafted, goes_on, unfinished
from productnet.progress import Advance, Progress
from productnet.serving.feeds import BATCH, FeedProducts
from productnet.serving.shards import LoadImages, write_feed_shards
from productnet.serving.tables import check_sink, table_sink

# Products of a part, whole batches: what a kill costs at most, some ten seconds of images.
PART = 8 * BATCH

_STAMP = "stamp.json"
_PARTS = "part-*.parquet"
_SHARDS = "feed"

_Rows = Callable[[pa.Table], pa.Table]


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
    rows: _Rows,
    *,
    stamp: Mapping[str, object],
    label: str,
    progress: Progress,
    tally: Callable[[pa.Table], None] = lambda table: None,
    part: int = PART,
    engine: Engine = LOCAL,
) -> Written:
    """Stream a feed through ``rows``, batch by batch, into a file that appears whole.

    Args:
        products: The feed.
        out: A ``.parquet`` or ``.csv`` file; one that is there is replaced.
        schema: Of the file.
        rows: Makes results of a batch of products, whose ids come first in them; it travels where
            the engine has workers.
        stamp: What results depend on beside the feed; JSON values.
        label: Of the bar.
        progress: Told of every product.
        tally: Sees all results, in order, as they are put together.
        part: Products of a part, whole batches.
        engine: Where results are made.

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
        there = len(list(work.glob(_PARTS))) if engine.apart else _whole(work)
        parts = _apart if engine.apart else _here
        with progress.task(label, total=None) as advance:
            for number, table in parts(products, rows, work, part, advance, engine):
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
        resumed=min(there * part, products.products),
        anew=begun and not known,
    )


def _here(
    products: FeedProducts, rows: _Rows, work: Path, part: int, advance: Advance, engine: Engine
) -> Iterator[tuple[int, pa.Table]]:
    """The parts after the last whole one, as the feed is read."""
    number = _whole(work)
    if number:
        advance(number * part, "going on")
    tables: list[pa.Table] = []
    count = 0
    for table, _ in products.batches(skip=number * part):
        tables.append(_answered(table, rows))
        count += len(table)
        advance(len(table))
        if count >= part:
            yield number, pa.concat_tables(tables)
            tables, count, number = [], 0, number + 1
    if tables:
        yield number, pa.concat_tables(tables)


def _apart(
    products: FeedProducts, rows: _Rows, work: Path, part: int, advance: Advance, engine: Engine
) -> Iterator[tuple[int, pa.Table]]:
    """The parts that are not there yet, as workers have them ready."""
    shards = write_feed_shards(products, work / _SHARDS, size=part)
    missing = [number for number in range(len(shards)) if not _part(work, number).exists()]
    if len(missing) < len(shards):
        advance((len(shards) - len(missing)) * part, "going on")
    stages = [
        Stage(partial(LoadImages, products.rows), waits=fetches(shards)),
        Stage(partial(_Applied, rows), keeps=True, processors=0.8, accelerated=True),
    ]
    pieces = [shards[number] for number in missing]
    for done in engine.stream(pieces, partial(read_shard, size=BATCH), stages, advance=advance):
        yield missing[done.number], pa.Table.from_batches(done.batches)


class _Applied:
    """What makes tables of tables, as a stage."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        table = _answered(pa.Table.from_batches([batch]), self._rows)
        (made,) = table.combine_chunks().to_batches() or [_no_rows(table.schema)]
        return made


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


def _answered(table: pa.Table, rows: _Rows) -> pa.Table:
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
