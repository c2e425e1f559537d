"""``kill -9`` while people work, again and again: nothing acknowledged is lost, nothing doubled.

    python -m benchmarks.portal.kills --work ../portal-kills --kills 50

Annotators answer fast and keep each answer until it is acknowledged, as the browser's outbox
does. The server is killed at a moment drawn by chance and started again. At the end the log must
hold every answer that was acknowledged, once, and every answer that was given. The last line
printed is one JSON object.
"""

import argparse
import asyncio
import json
import random
from pathlib import Path
from typing import Any

from benchmarks.portal.load import spread
from benchmarks.portal.people import Tally, at_work, team, times_recorded
from benchmarks.portal.served import Served, annotators
from benchmarks.portal.shop import make_shop


def main() -> None:
    arguments = _arguments()
    work: Path = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    shop = make_shop(work, products=arguments.products)
    served = Served(shop, log=work / "server.log", database_url=arguments.database)
    people = annotators(shop, arguments.annotators)
    before = times_recorded(shop)
    tally, starts = asyncio.run(_kill_again_and_again(served, shop, people, arguments))
    served.stop()
    kept = times_recorded(shop) - before
    report = {
        "benchmark": "portal_kills",
        "database": (arguments.database or "sqlite").partition(":")[0],
        "kills": arguments.kills,
        "acknowledged": len(tally.acknowledged),
        "in_the_log": len(kept),
        "lost": len(tally.acknowledged - kept.keys()),
        "doubled": sum(count > 1 for count in kept.values()),
        "refused": len(tally.refused),
        "errors": len(tally.errors),
        "retries": tally.retries,
        "start_ms": spread(starts),
        "first_errors": (tally.errors + tally.refused)[:3],
    }
    print(json.dumps(report))


async def _kill_again_and_again(
    served: Served, shop: Path, people: list[tuple[str, str]], arguments: Any
) -> tuple[Tally, list[float]]:
    rng = random.Random(arguments.seed)
    tally, starts = Tally(), [served.start()]
    everybody = team(
        [served.url],
        people,
        shop,
        every=arguments.every,
        page=20,
        seed=arguments.seed,
        tally=tally,
    )
    async with at_work(everybody, timeout=30):
        for _ in range(arguments.kills):
            await asyncio.sleep(rng.uniform(0.2, arguments.alive))
            served.kill()
            starts.append(await asyncio.to_thread(served.start))
    return tally, starts


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.portal.kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of the shop and the log")
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between two answers")
    parser.add_argument("--alive", type=float, default=4.0, help="most seconds between two kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", metavar="URL", help="instead of the shop's SQLite file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
