"""How long a decision takes to be acknowledged while a hundred people decide at once.

    python benchmarks/acknowledge.py [--url sqlite:////tmp/bench.db] [--people 100] [--seconds 30]

Every person is a thread that decides every 1.5 s, as an annotator does, through the workflow's
rules and with full synchronisation. ``--known N`` puts N decisions into the log first.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np

from productnet.annotation.commits import Sent, Status
from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.annotation.quality.numbers import Quality
from productnet.annotation.read_models.sources_of_sums import KeptSums
from productnet.annotation.workflow import Workflow
from productnet.taxonomy.tree import Category, Taxonomy

_LEAVES = 200
_PAUSE = 1.5


class CountedLog(DecisionLog):
    """A log that counts its transactions."""

    transactions = 0

    def _write(self, batch: Sequence[Sent]) -> None:
        self.transactions += 1
        super()._write(batch)


class AnyProduct:
    """A pool that holds every product asked about."""

    def __contains__(self, product: object) -> bool:
        return True


def label(product: str, leaf: int, by: str, role: Role = Role.LABEL) -> Decision:
    verdict = Verdict.POSITIVE if hash(product) % 3 else Verdict.NEGATIVE
    return decide(
        role, product, f"leaf-{leaf}", verdict=verdict, annotator=by, seconds=1.5, source="mixed"
    )


def fill(log: DecisionLog, known: int) -> None:
    """Put ``known`` decisions into the log, half of them labels and half their audits."""
    for start in range(0, known // 2, 5_000):
        numbers = range(start, min(start + 5_000, known // 2))
        log.append(
            *(
                label(f"known-{number}", number % _LEAVES, by, role)
                for number in numbers
                for by, role in (("ann", Role.LABEL), ("bob", Role.AUDIT))
            )
        )


def person(workflow: Workflow, number: int, until: float) -> list[float]:
    """Decide until then; how long each answer took to be acknowledged, in milliseconds."""
    random = Random(number)
    time.sleep(random.random() * _PAUSE)
    took = []
    count = 0
    while (begun := time.perf_counter()) < until:
        decision = label(f"p-{number}-{count}", number % _LEAVES, f"person-{number}")
        (outcome,) = workflow.record_each([decision])
        took.append(1_000 * (time.perf_counter() - begun))
        if outcome.status is not Status.RECORDED:
            raise SystemExit(f"not recorded: {outcome}")
        count += 1
        time.sleep(max(0.0, begun + _PAUSE * random.uniform(0.8, 1.2) - time.perf_counter()))
    return took


def report_quality(log: DecisionLog) -> None:
    """Print what the quality numbers of the log cost, at first and then by new decisions."""
    resident = _resident()
    quality = Quality(KeptSums(log.database), pause=120.0)
    first = _timed(quality.refresh)
    held = _resident() - resident
    log.append(*(label(f"late-{number}", number % _LEAVES, "ann") for number in range(1_000)))
    again, nothing = _timed(quality.refresh), _timed(quality.refresh)
    read = _timed(lambda: (quality.leaves(), quality.people(), quality.pairs(), quality.days()))
    print(
        f"quality: {first:.1f} s and {held:.0f} MB at first, {1e3 * again:.0f} ms for 1,000 new "
        f"decisions, {1e3 * nothing:.1f} ms for none, {1e3 * read:.0f} ms to read everything"
    )


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _resident() -> float:
    """Megabytes in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--known", type=int, default=0)
    options = parser.parse_args()
    leaves = [Category(f"leaf-{number}", (f"Leaf {number}",)) for number in range(_LEAVES)]
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'decisions.db'}"
        with CountedLog.open(url) as log:
            begun = time.perf_counter()
            fill(log, options.known)
            filled = time.perf_counter() - begun
            begun = time.perf_counter()
            log.state()
            loaded = time.perf_counter() - begun
            log.transactions = 0
            workflow = Workflow(log, Taxonomy(leaves, name="bench"), AnyProduct())
            until = time.perf_counter() + options.seconds
            with ThreadPoolExecutor(options.people) as pool:
                people = [
                    pool.submit(person, workflow, number, until) for number in range(options.people)
                ]
                took = np.array([one for each in people for one in each.result()])
            begun = time.perf_counter()
            for _ in range(1_000):
                state = log.state()
            asked = time.perf_counter() - begun
            print(f"{datetime.now(UTC):%Y-%m-%d}  {log.state().seq:,} decisions in the log")
            if options.known:
                print(f"written in {filled:.1f} s, state made in {loaded:.1f} s")
                report_quality(log)
            p50, p99 = np.percentile(took, [50, 99])
            print(
                f"{len(took) / options.seconds:.0f} decisions/s in {log.transactions:,} "
                f"transactions: p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {took.max():.1f} ms"
            )
            print(f"state() with nothing new: {asked:.3f} ms; seq {state.seq:,}")


if __name__ == "__main__":
    main()
