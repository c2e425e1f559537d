"""Three nodes on this machine, of which one is killed in mid-run: run by a test, in a process.

    python -m tests.integration.engine.lost_node

Prints one JSON object: how many pieces, whether each came once and whole, and on how many nodes.
"""

import json
import os
import time
from collections.abc import Iterator

import pyarrow as pa

from productnet.engine.base import BatchFunction, Stage
from productnet.engine.registry import open_engine
from productnet.settings import EngineSettings

PIECES = 48
BATCHES = 3
ROWS = 5


def read(piece: int) -> Iterator[pa.RecordBatch]:
    for batch in range(BATCHES):
        numbers = [piece * 100 + batch * 10 + row for row in range(ROWS)]
        yield pa.record_batch({"number": pa.array(numbers, pa.int64())})


def slow() -> BatchFunction:
    import ray

    node = ray.get_runtime_context().get_node_id()

    def answer(batch: pa.RecordBatch) -> pa.RecordBatch:
        time.sleep(0.1)
        nodes = pa.array([node] * batch.num_rows)
        return pa.record_batch({"number": batch["number"], "node": nodes})

    return answer


def main() -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # loopback only
    # A dead node is noticed after two seconds instead of fifteen.
    os.environ["RAY_health_check_period_ms"] = "500"  # noqa: SIM112, as Ray spells it
    os.environ["RAY_health_check_failure_threshold"] = "4"  # noqa: SIM112
    from ray.cluster_utils import Cluster

    alike = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**alike, "include_dashboard": False})
    others = [cluster.add_node(**alike) for _ in range(2)]
    cluster.wait_for_nodes()
    came: dict[int, list[int]] = {}
    nodes: set[str] = set()
    killed_after = None
    stages = [Stage(slow, keeps=True, processors=0.8)]
    with open_engine(EngineSettings(), address=cluster.address) as engine:
        for number, batches in engine.stream(range(PIECES), read, stages):
            assert number not in came
            came[number] = [n for batch in batches for n in batch["number"].to_pylist()]
            nodes |= {node for batch in batches for node in batch["node"].to_pylist()}
            # On a busy machine one of them may start too late to get any work.
            working = [node for node in others if node.node_id in nodes]
            if killed_after is None and working:
                killed_after = len(came)
                cluster.remove_node(working[0], allow_graceful=False)
    whole = all(
        came.get(piece) == [n for batch in read(piece) for n in batch["number"].to_pylist()]
        for piece in range(PIECES)
    )
    result = {
        "pieces": len(came),
        "whole": whole,
        "nodes": len(nodes),
        "killed_after": killed_after,
    }
    print(json.dumps(result))
    cluster.shutdown()


if __name__ == "__main__":
    main()
