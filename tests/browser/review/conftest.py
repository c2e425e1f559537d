"""A team's project that has been worked on, served for the tests of one file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.review.team import Team, Visitor, serving


@pytest.fixture
def team(
    worked_on: tuple[Path, dict[str, str]], browser: Browser, tmp_path: Path
) -> Iterator[Team]:
    """A server of the test's own."""
    with serving(worked_on, browser, tmp_path) as opened:
        yield opened


@pytest.fixture
def enter(team: Team) -> Iterator[Callable[..., Visitor]]:
    """Gives the browser of somebody who has signed in."""
    inside: list[Visitor] = []

    def come(name: str, **options: object) -> Visitor:
        inside.append(team.enter(name, **options))
        return inside[-1]

    yield come
    for visitor in inside:
        visitor.close()
