"""Comparing sources with one worker and with several, on every leaf of a project.

The same comparison runs over a copy of the project with one worker and with several, in
alternating repetitions; starting the processes counts. Their records are checked to be alike.

    python benchmarks/compare_workers.py my-shop --views 200 --seeds 3 --workers 2

Prints one JSON object; ``speed_up`` is the time of one worker over that of several.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from productnet.evaluation.comparison import ComparisonPlan
from productnet.evaluation.simulate import simulate
from productnet.evaluation.simulation_record import SimulationRecord
from productnet.settings import Project


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path, help="embedded, with reference labels")
    parser.add_argument("--views", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()

    seconds: dict[int, list[float]] = {1: [], arguments.workers: []}
    records: list[SimulationRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        project = Project.open(shutil.copytree(arguments.project, Path(folder) / "project"))
        for repetition in range(arguments.repetitions):
            for workers, times in seconds.items():
                plan = ComparisonPlan(
                    every_leaf=True,
                    seeds=arguments.seeds,
                    views=arguments.views,
                    workers=workers,
                )
                start = time.perf_counter()
                records.append(simulate(project, people=False, comparison=plan).comparison)
                times.append(time.perf_counter() - start)
            print(f"repetition {repetition + 1} of {arguments.repetitions}", file=sys.stderr)
    if any(record != records[0] for record in records):
        raise SystemExit("The workers found different things.")
    median = {workers: statistics.median(times) for workers, times in seconds.items()}
    result = {
        "leaves": len(records[0].leaves),
        "trials": len(records[0].found),
        "cores": os.cpu_count(),
        "speed_up": round(median[1] / median[arguments.workers], 2),
        "seconds": {name: [round(time, 2) for time in times] for name, times in seconds.items()},
    }
    print(json.dumps(result))


# Worker processes import this file, too.
if __name__ == "__main__":
    main()
