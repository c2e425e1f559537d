"""Ray is quiet, and nobody else is made quiet with it."""

import io
import logging

import pytest

from productnet.engine.registry import open_engine
from productnet.settings import EngineSettings


@pytest.mark.usefixtures("workers")
def test_handlers_that_others_hung_on_rays_logger_keep_their_level() -> None:
    theirs = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger("ray.data")
    logger.addHandler(theirs)
    try:
        with open_engine(EngineSettings(workers=2), name="ray"):
            assert theirs.level == logging.NOTSET
            rays = [
                one for one in logger.handlers if type(one).__module__.startswith("ray._private")
            ]
            assert [one.level > logging.CRITICAL for one in rays] == [True]
    finally:
        logger.removeHandler(theirs)
