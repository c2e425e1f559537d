"""The log and the workflow over a small taxonomy."""

from collections.abc import Iterator

import pytest

from productnet.annotation.log import DecisionLog
from productnet.annotation.workflow import Workflow
from productnet.taxonomy.tree import Category, Taxonomy


@pytest.fixture
def log(database_url: str) -> Iterator[DecisionLog]:
    with DecisionLog.open(database_url) as opened:
        yield opened


@pytest.fixture
def taxonomy() -> Taxonomy:
    names = [("Kitchen",), ("Kitchen", "Mugs"), ("Kitchen", "Cups"), ("Kitchen", "Bowls")]
    return Taxonomy([Category(path[-1].lower(), path) for path in names], name="t", version="1")


@pytest.fixture
def workflow(log: DecisionLog, taxonomy: Taxonomy) -> Workflow:
    """Products p0 to p99; leaves mugs, cups and bowls under kitchen."""
    return Workflow(log, taxonomy, {f"p{number}" for number in range(100)})
