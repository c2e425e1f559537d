"""Our sources beside what people use today, on the same pools, seeds and budgets.

For each pool, leaf and seed every strategy starts from the same positive and the same negative,
and shows page after page; a page is answered by the reference labels before the next is asked.
A quarter of the title groups is set aside before that and shown to nobody: on it a master model
is tested that was trained on what a strategy found in all leaves. Counted are positives, hard
negatives (products of a sibling leaf) and how various the positives are; leaves with less than 2%
of the pool are counted apart as well, beside what chance would find of them. At the end ``mixed``
goes on once more after a round of ours, on what its first views brought.

small-text 1.4.1 and modAL need an older scikit-learn than we do. They run in an environment of
their own, and the simple peers with them:

    python -m venv peers
    peers/bin/pip install 'scikit-learn==1.7.*' small-text==1.4.1 modAL-python==0.4.2.1
    python -m benchmarks.candidates --work ../candidates --peers-python peers/bin/python

Without ``--peers-python`` only the simple peers run. Every trial is kept in ``--work`` under a key
of all it depends on: a run that was killed goes on, and after a change of our sources only their
trials are run again. PRODUCTNET_DATA names the folder of the real sets (default ../shared/data).
Progress is drawn on stderr; the last line printed is one JSON object.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks.candidates.ours import OURS
from benchmarks.candidates.peers import LIBRARIES, PEERS
from benchmarks.candidates.pools import POOLS, ground_of, prepare
from benchmarks.candidates.race import AFTER_ROUND, Race
from benchmarks.candidates.report import draw, table_of
from benchmarks.candidates.trials import page_sizes
from productnet.cli.console import Bars
from productnet.errors import ProductNetError, UsageError

# Masters are trained on what these found. The others find less, and masters take hours.
MASTERED = (
    *OURS,
    AFTER_ROUND,
    "bm25",
    "nearest-centroid",
    "nearest-positive",
    "greedy-lr-c1",
    "greedy-lr-c1-presumed",
    "greedy-lr-c10-presumed",
    "label-sleuth-20",
    "modal-uncertainty",
    "small-text-least-confidence",
)


def main() -> None:
    arguments = _arguments()
    # Several processes with several threads each get in one another's way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    progress = Bars()
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")).resolve()
    work: Path = arguments.work.resolve()
    race = Race(
        work=work,
        strategies=_strategies(arguments),
        seeds=arguments.seeds,
        leaves=arguments.leaves,
        pages=tuple(page_sizes(arguments.page, arguments.views)),
        checkpoints=arguments.views,
        python=arguments.peers_python or Path(sys.executable),
        workers=arguments.workers,
        mastered=MASTERED,
        master_seeds=arguments.master_seeds,
        master_views=arguments.master_views or arguments.views,
        progress=progress,
    )
    pools = {}
    for name in arguments.pools:
        project = prepare(name, data=data, folder=work / "projects")
        ground = ground_of(name, project, seeds=arguments.seeds)
        pools[name], shown = race.on(ground)
        if arguments.plot:
            draw(ground, shown, pools[name]["strategies"], arguments.plot / f"{name}.png")
    if arguments.table:
        arguments.table.write_text(table_of(pools, checkpoints=arguments.views))
    report = {
        "benchmark": "candidates",
        "seeds": arguments.seeds,
        "page": arguments.page,
        "views": arguments.views,
        "pools": pools,
    }
    print(json.dumps(report))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.candidates",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder that everything is kept in"
    )
    parser.add_argument("--pools", nargs="+", choices=POOLS, default=list(POOLS), metavar="POOL")
    parser.add_argument(
        "--strategies", nargs="+", choices=[*OURS, *PEERS], metavar="NAME", help="instead of all"
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--leaves", type=int, help="so many of a pool, instead of all")
    parser.add_argument("--page", type=int, default=20, help="products a page")
    parser.add_argument("--views", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--peers-python", type=Path, help="Python that has the peers' libraries")
    parser.add_argument("--master-seeds", type=int, default=2, help="0 trains no masters")
    parser.add_argument(
        "--master-views", type=int, nargs="+", help="train masters on what so many views brought"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes side by side")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write a Markdown table")
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="draw a picture a pool")
    return parser.parse_args()


def _strategies(arguments: argparse.Namespace) -> list[str]:
    """Those asked for, or all that can run here."""
    needing = [name for name in PEERS if name.startswith(tuple(LIBRARIES))]
    if arguments.peers_python is None:
        if asked := sorted(set(needing) & set(arguments.strategies or ())):
            raise UsageError(
                f"{', '.join(asked)}: give --peers-python; --help says how to make it."
            )
        return arguments.strategies or [name for name in (*OURS, *PEERS) if name not in needing]
    return arguments.strategies or [*OURS, *PEERS]


if __name__ == "__main__":
    try:
        main()
    except ProductNetError as error:
        sys.exit(f"error: {error}")
