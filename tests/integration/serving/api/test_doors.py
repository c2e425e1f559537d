"""Whether the service asks for API keys: of a team, not of who works alone on this machine."""

from contextlib import ExitStack

import pytest

from productnet.cli.serve_model import _doors
from productnet.client import ModelClient
from productnet.client.problems import NotSignedIn
from productnet.database.database import Database
from productnet.people.doors import Doors
from productnet.settings import Project


def asks(project: Project, keys: bool | None = None) -> bool:
    with ExitStack() as stack:
        return _doors(project, "127.0.0.1", keys, stack) is not None


def test_the_account_that_the_portal_made_by_itself_makes_no_team(project: Project) -> None:
    assert not asks(project)
    with Database.open(project.database_url) as database:
        doors = Doors.open(database)
        doors.local_person()
        assert not asks(project)
        assert asks(project, keys=True)
        doors.people.add("shop", roles=["labeler"], password="a-long-enough-word")
    assert asks(project)
    assert not asks(project, keys=False)


def test_a_key_that_none_can_be_is_told_before_anything_is_sent() -> None:
    with pytest.raises(NotSignedIn, match="people key add"):
        ModelClient("http://127.0.0.1:8500", key="pn_…")
