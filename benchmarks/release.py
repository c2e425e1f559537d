"""A release and its export at scale: throughput beside pyarrow's own, memory, and stable sides.

Generated products without images. ``--products`` are written as a release and exported: our whole
export (reading, checking hashes, writing, hashing what was written) beside the seconds pyarrow
spends in writing the same columns from memory, and nothing else; once with our compression and once
with its default. ``--gold`` products get an imported label each and are released: the log, the
pool, groups of near-duplicates, sides, Parquet and documents. Each runs in a process of its own,
whose peak memory is told.

    python benchmarks/release.py --products 1000000 --gold 100000
    python benchmarks/release.py --products 200000 --gold 20000 --formats parquet,jsonl,csv,lance

The last line printed is one JSON object; ``ratio`` is our rows a second over pyarrow's.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.annotation.log import DecisionLog
from productnet.annotation.workflow import Workflow
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.catalog.store.leaves import store_taxonomy
from productnet.catalog.store.stream import GeneratedProduct, generate_products
from productnet.embeddings.near_duplicates import NearDuplicates, signatures_path
from productnet.embeddings.told_apart import ToldApart
from productnet.release.build import release
from productnet.release.export import export_release
from productnet.release.exporters.parquet import write_shards
from productnet.release.groups import find_kin
from productnet.release.manifest import FileRecord, LeafCount, Manifest
from productnet.release.parts import Released
from productnet.release.rows import release_schema
from productnet.release.splits import sides_by_group
from productnet.settings import PAPER_FIELDS, Project, Settings
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Category, Taxonomy

ROWS_AT_ONCE = 16_384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--gold", type=int, default=100_000)
    parser.add_argument("--formats", default="parquet", help="commas between")
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keeps the generated products")
    parser.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        told = TASKS[arguments.task[0]](*arguments.task[1:])
        print(
            json.dumps(
                {name: round(value, 4) for name, value in told.items()} | {"peak_mb": peak()}
            )
        )
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        root = Path(folder)
        made = (arguments.folder or root) / f"generated-{arguments.products}"
        if not made.exists():
            draft = root / "draft"
            told = run("shards", str(draft), str(arguments.products))
            print(f"made {arguments.products:,} products: {told}", file=sys.stderr)
            draft.rename(made)
        result: dict[str, object] = {"benchmark": "release", "products": arguments.products}
        turns: dict[str, list[dict[str, float]]] = {}
        for turn in range(arguments.repetitions):
            for name in ("zstd", "snappy"):
                out = str(root / f"plain-{turn}-{name}")
                turns.setdefault(name, []).append(run("plain", str(made), out, name))
            for name in arguments.formats.split(","):
                out = str(root / f"ours-{turn}-{name}")
                turns.setdefault(name, []).append(run("export", str(made), out, name))
            print(json.dumps({name: told[-1] for name, told in turns.items()}), file=sys.stderr)
        best = {name: min(told, key=lambda one: one["seconds"]) for name, told in turns.items()}
        result["rows_per_second"] = {
            name: round(arguments.products / one["seconds"]) for name, one in best.items()
        }
        result["peak_mb"] = {name: one["peak_mb"] for name, one in best.items()}
        if "parquet" in best:
            result["ratio"] = round(best["zstd"]["seconds"] / best["parquet"]["seconds"], 3)
            result["ratio_to_default"] = round(
                best["snappy"]["seconds"] / best["parquet"]["seconds"], 3
            )
            cpu = {name: min(one["cpu"] for one in told) for name, told in turns.items()}
            result["cpu_ratio"] = round(cpu["zstd"] / cpu["parquet"], 3)
            result["cpu_ratio_to_default"] = round(cpu["snappy"] / cpu["parquet"], 3)
        result["release"] = run("release", str(root / "shop"), str(arguments.gold))
    print(json.dumps(result))


def run(*task: str) -> dict[str, float]:
    """A task in a process of its own."""
    command = [sys.executable, __file__, "--task", *task]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return told


def shards(folder: str, count: str) -> dict[str, float]:
    """A release of so many products, made without a pool or a log."""
    root, tree = Path(folder), taxonomy()
    schema = release_schema(PAPER_FIELDS, tree)
    root.mkdir(parents=True)
    tree.save(root / "taxonomy.json")
    for name in ("README.md", "DATASHEET.md", "guidelines.json"):
        (root / name).write_text("{}\n")
    start = time.perf_counter()
    written = write_shards(
        tables(int(count), tree, schema),
        root / "data",
        name="train",
        schema=schema,
        advance=lambda _: None,
    )
    seconds = time.perf_counter() - start
    files = [FileRecord.of(path, root, rows=rows) for path, rows in written]
    others = ("README.md", "DATASHEET.md", "guidelines.json", "taxonomy.json")
    files += [FileRecord.of(root / name, root) for name in others]
    Manifest(
        name="generated",
        version="1.0.0",
        taxonomy={"name": tree.name, "version": tree.version, "hash": tree.hash},
        pool_version=1,
        log_sequence=1,
        as_of="2026-01-01T00:00:00+00:00",
        test_share=0.2,
        seed=0,
        leaves=(LeafCount(tree.leaves[0].id, int(count), 0, 0),),
        files=tuple(sorted(files, key=lambda record: record.path)),
    ).write(root)
    return {"seconds": round(seconds, 2), "bytes": sum(record.bytes for record in files)}


def tables(count: int, tree: Taxonomy, schema: pa.Schema) -> Iterator[pa.Table]:
    stream = stocked(count, tree)
    number = {leaf.id: index for index, leaf in enumerate(tree.leaves)}
    while some := list(islice(stream, ROWS_AT_ONCE)):
        rows = len(some)
        columns: dict[str, list[object]] = {
            "id": [made.id for made, _ in some],
            **{name: [made.texts.get(name) for made, _ in some] for name in PAPER_FIELDS},
            "image": [None] * rows,
            "label": [number[leaf.id] for _, leaf in some],
            "category_id": [leaf.id for _, leaf in some],
            "category_path": [leaf.label for _, leaf in some],
            "verdict": ["positive"] * rows,
            "stage": ["confirmed"] * rows,
            "labeler": [f"person-{n % 7}" for n in range(rows)],
            "auditor": [f"person-{n % 5}" for n in range(rows)],
            "adjudicator": [None] * rows,
            "decisions": [2] * rows,
            "decided_at": [1_767_225_600_000_000 + n for n in range(rows)],
        }
        yield pa.table(columns, schema=schema)


def stocked(count: int, tree: Taxonomy) -> Iterator[tuple[GeneratedProduct, Category]]:
    """So many products that belong to a leaf, each with it."""
    leaves = {leaf.label: leaf for leaf in tree.leaves}
    known = (made for made in generate_products(2 * count, images=False) if made.category)
    for made in islice(known, count):
        yield made, leaves[str(made.category)]


def plain(folder: str, out: str, compression: str) -> dict[str, float]:
    """What pyarrow spends in writing, a shard read into memory before the clock starts."""
    Path(out).mkdir()
    seconds = cpu = 0.0
    for part in Released.open(Path(folder)).parts:
        table = pq.read_table(part.path)
        start, started = time.perf_counter(), time.process_time()
        pq.write_table(table, Path(out) / part.path.name, compression=compression)
        seconds += time.perf_counter() - start
        cpu += time.process_time() - started
    return {"seconds": seconds, "cpu": cpu}


def export(folder: str, out: str, format: str) -> dict[str, float]:
    """Our whole export."""
    start, started = time.perf_counter(), time.process_time()
    summary = export_release(Path(folder), Path(out), format=format)
    seconds, cpu = time.perf_counter() - start, time.process_time() - started
    return {"seconds": seconds, "cpu": cpu, "rows": summary.rows, "bytes": summary.bytes}


def make_release(folder: str, count: str) -> dict[str, float]:
    """A pool of generated products, each with an imported label, released."""
    project = Project.create(Path(folder), Settings(name="generated"))
    tree = taxonomy()
    tree.save(project.taxonomy_path)
    pool = Pool.create(project.pool_path, PAPER_FIELDS)
    labels: dict[str, str] = {}
    stream = stocked(int(count), tree)
    while some := list(islice(stream, ROWS_AT_ONCE)):
        products = [
            Product(made.id, made.texts, fingerprint=made.id.encode()[-8:].rjust(8))
            for made, _ in some
        ]
        pool.append(products_to_table(products, PAPER_FIELDS))
        labels |= {made.id: leaf.id for made, leaf in some}
    pool.compact()
    workflow = Workflow.open(project)
    with workflow.log:
        workflow.import_labels(labels, trusted=True)
    start, started = time.perf_counter(), time.process_time()
    summary = release(project, version="1.0.0")
    seconds, cpu = time.perf_counter() - start, time.process_time() - started
    held = peak()
    told = {"gold": summary.gold, "seconds": seconds, "cpu": cpu, "release_peak_mb": held}
    return told | stability(project)


def stability(project: Project) -> dict[str, float]:
    """How many products keep their side when gold doubles, and how even the leaves are."""
    pool = Pool.open(project.pool_path)
    with DecisionLog.open(project.database_url) as log:
        state = log.state()
    labels = state.gold_labels()
    since = {product: state.pair(product, leaf).since for product, leaf in labels.items()}
    order = sorted(labels, key=lambda product: since[product])
    half = {product: labels[product] for product in order[: len(order) // 2]}
    sides = []
    for some in (half, labels):
        kin = find_kin(
            pool,
            some,
            near_duplicates=NearDuplicates.none(),
            apart=ToldApart(),
            signatures=signatures_path(project),
        )
        sides.append(
            sides_by_group(
                some, kin.groups, test_share=0.2, validation_share=0.1, seed=0, since=since
            )
        )
    kept = sum(sides[0][product] is sides[1][product] for product in half)
    return {"kept_side_when_doubled": round(kept / len(half), 4)}


def taxonomy() -> Taxonomy:
    """The store's own."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(store_taxonomy())
        file.flush()
        return read_taxonomy(Path(file.name))


def peak() -> int:
    """Most memory this process ever had, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


TASKS: dict[str, Callable[..., dict[str, float]]] = {
    "shards": shards,
    "plain": plain,
    "export": export,
    "release": make_release,
}


if __name__ == "__main__":
    main()
