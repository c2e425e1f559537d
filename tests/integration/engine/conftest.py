"""One cluster of two workers on this machine, for all tests here."""

from collections.abc import Iterator

import pytest

from productnet.engine.base import Engine
from productnet.engine.registry import open_engine
from productnet.settings import EngineSettings


@pytest.fixture(scope="session")
def workers() -> Iterator[Engine]:
    with open_engine(EngineSettings(workers=2), name="ray") as engine:
        yield engine
