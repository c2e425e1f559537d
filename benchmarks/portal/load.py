"""A hundred annotators at once: how long an answer waits for the disk, and a page for its models.

    python -m benchmarks.portal.load --work ../portal-load
    python -m benchmarks.portal.load --work ../portal-load --database postgresql://…

    python -m benchmarks.portal.load --work ../portal-load --database postgresql://… \
        --processes 2 --annotators 200

Everything runs on this machine: the servers, and the clients in a process of their own. Each
annotator has a leaf, gives an answer every 1.5 s, and fetches the next page while answering. They
begin one after another in the first half minute, as people come to work; all is counted. With
several processes each request goes to any of them, and leaves are handed out: everybody takes the
first free one of their queue, and another after a minute. At the end the log is read and must hold
exactly what the clients were told is recorded, no product labelled twice, no leaf held by two. The
last line printed is one JSON object.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.portal.people import (
    Annotator,
    Tally,
    differences,
    held_by_two,
    labelled_twice,
    team,
    times_recorded,
)
from benchmarks.portal.served import Served, annotators
from benchmarks.portal.shop import PARTS, make_shop


def main() -> None:
    arguments = _arguments()
    work: Path = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    several = arguments.processes > 1
    # A leaf for everybody, and some more.
    parts = max(PARTS, -(-arguments.annotators * 5 // (43 * 4)))
    shop = make_shop(work, products=arguments.products, parts=parts)
    portals = [
        Served(shop, log=work / f"server-{number}.log", database_url=arguments.database)
        for number in range(arguments.processes)
    ]
    people = annotators(shop, arguments.annotators)
    already = times_recorded(shop)
    ready = max(served.start() for served in portals)
    to_start = [served.usage()["cpu_seconds"] for served in portals]
    try:
        tally = Tally()
        annotators_at_work = team(
            [served.url for served in portals],
            people,
            shop,
            every=arguments.every,
            page=arguments.page,
            seed=arguments.seed,
            tally=tally,
            arrives=arguments.arrive,
            parts=parts,
            handed_out=several,
        )
        asyncio.run(work_together(annotators_at_work, seconds=arguments.seconds))
        usages = [served.usage() for served in portals]
    finally:
        for served in portals:
            served.stop()
    kept = (times_recorded(shop) - already).keys()
    report = {
        "benchmark": "portal_load",
        "database": (arguments.database or "sqlite").partition(":")[0],
        "products": arguments.products,
        "annotators": arguments.annotators,
        "processes": arguments.processes,
        "seconds": arguments.seconds,
        "ready_seconds": round(ready, 2),
        "decisions": len(tally.acknowledged),
        "in_the_log": len(kept),
        "lost": len(tally.acknowledged - kept),
        "labelled_twice": labelled_twice(shop),
        "leaves_taken": len(tally.holds),
        "leaves_held_by_two": held_by_two(tally.holds),
        "differences_of_read_models": differences(shop),
        "retries": tally.retries,
        "acknowledgement_ms": spread(tally.acknowledgements),
        "candidates_ms": spread(tally.pages),
        "refused": len(tally.refused),
        "errors": len(tally.errors),
        "server_cpu_seconds": [round(usage["cpu_seconds"], 1) for usage in usages],
        "server_cpu_seconds_to_start": [round(seconds, 1) for seconds in to_start],
        "server_peak_mb": [round(usage["peak_mb"]) for usage in usages],
        "first_errors": (tally.errors + tally.refused)[:3],
    }
    print(json.dumps(report))


async def work_together(annotators_at_work: Sequence[Annotator], *, seconds: float) -> None:
    """Have everybody label for so many seconds."""
    # A client each, as people have: one for all looks through all its connections each time.
    context = httpx.create_ssl_context()
    until = time.perf_counter() + seconds

    async def work(one: Annotator) -> None:
        async with httpx.AsyncClient(verify=context, timeout=60) as client:
            await one.work(client, until)

    await asyncio.gather(*(work(one) for one in annotators_at_work))


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, p95, p99 and maximum in milliseconds, of so many."""
    if not seconds:
        return {"count": 0}
    p50, p95, p99 = (1_000 * np.percentile(seconds, [50, 95, 99])).round(1).tolist()
    most = round(1_000 * max(seconds), 1)
    return {"count": len(seconds), "p50": p50, "p95": p95, "p99": p99, "max": most}


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.portal.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of the shop and the log")
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--annotators", type=int, default=100)
    parser.add_argument("--processes", type=int, default=1, help="portals on the one database")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--every", type=float, default=1.5, help="seconds between two answers")
    parser.add_argument("--arrive", type=float, default=30, help="seconds in which all begin")
    parser.add_argument("--page", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", metavar="URL", help="instead of the shop's SQLite file")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
