"""``kill -9`` of PostgreSQL while people work: their outboxes drain, and every count is right.

    python -m benchmarks.portal.kills_postgres --work ../portal-kills --kills 10

A server of its own is made from the binaries on this machine, and two portals serve one shop from
it. Annotators answer fast and keep each answer until it is acknowledged, as the browser's outbox
does. The server is killed with all its processes at a moment drawn by chance and started again,
which recovers it; the portals go on by themselves. At the end the log must hold every answer that
was given, once, and the read models must be what the log comes to. The last line printed is one
JSON object.
"""

import argparse
import asyncio
import json
import random
from pathlib import Path
from typing import Any

from benchmarks.portal.load import spread
from benchmarks.portal.people import (
    Tally,
    at_work,
    differences,
    held_by_two,
    labelled_twice,
    team,
    times_recorded,
)
from benchmarks.portal.postgres import Postgres
from benchmarks.portal.served import Served, annotators
from benchmarks.portal.shop import make_shop

_PORTALS = 2


def main() -> None:
    arguments = _arguments()
    work: Path = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    shop = make_shop(work, products=arguments.products)
    with Postgres(work / "postgres") as postgres:
        portals = [
            Served(shop, log=work / f"server-{number}.log", database_url=postgres.url)
            for number in range(_PORTALS)
        ]
        people = annotators(shop, arguments.annotators)
        try:
            for portal in portals:
                portal.start()
            tally, starts = asyncio.run(
                _kill_again_and_again(postgres, portals, shop, people, arguments)
            )
        finally:
            for portal in portals:
                portal.stop()
        kept = times_recorded(shop)
        report = {
            "benchmark": "portal_kills_postgres",
            "kills": arguments.kills,
            "portals": _PORTALS,
            "annotators": arguments.annotators,
            "acknowledged": len(tally.acknowledged),
            "in_the_log": len(kept),
            "lost": len(tally.acknowledged - kept.keys()),
            "doubled": sum(count > 1 for count in kept.values()),
            "labelled_twice": labelled_twice(shop),
            "leaves_taken": len(tally.holds),
            "leaves_held_by_two": held_by_two(tally.holds),
            "differences_of_read_models": differences(shop),
            "refused": len(tally.refused),
            "errors": len(tally.errors),
            "retries": tally.retries,
            "recovery_ms": spread(starts),
            "first_errors": (tally.errors + tally.refused)[:3],
        }
    print(json.dumps(report))


async def _kill_again_and_again(
    postgres: Postgres,
    portals: list[Served],
    shop: Path,
    people: list[tuple[str, str]],
    arguments: Any,
) -> tuple[Tally, list[float]]:
    rng = random.Random(arguments.seed)
    tally, starts = Tally(), []
    everybody = team(
        [portal.url for portal in portals],
        people,
        shop,
        every=arguments.every,
        page=20,
        seed=arguments.seed,
        tally=tally,
        handed_out=True,
    )
    async with at_work(everybody, timeout=60):
        for _ in range(arguments.kills):
            await asyncio.sleep(rng.uniform(2.0, arguments.alive))
            postgres.kill()
            await asyncio.sleep(rng.uniform(0.0, 2.0))
            starts.append(await asyncio.to_thread(postgres.start))
        await asyncio.sleep(2.0)
    return tally, starts


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.portal.kills_postgres",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of shop, server and logs")
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two answers")
    parser.add_argument("--alive", type=float, default=8.0, help="most seconds between two kills")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
