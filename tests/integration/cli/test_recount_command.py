"""``productnet recount`` as a person types it."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.cli.main import app
from productnet.settings import Project, Settings


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    opened = Project.create(tmp_path / "shop", Settings())
    with DecisionLog.open(opened.database_url) as log:
        log.append(decide(Role.LABEL, "a", "mugs", verdict=Verdict.POSITIVE, annotator="ann"))
    return opened


def test_what_is_kept_wrongly_is_told_and_made_anew(shop: Project) -> None:
    def recount(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["recount", "--project", str(shop.root), *options])
        return done.exit_code, done.stdout

    assert recount() == (0, "1 decisions counted, 0 differences.\n")
    with DecisionLog.open(shop.database_url) as log, log.database.writing() as connection:
        connection.execute(text("UPDATE leaf_sums SET positives = 5"))
    status, told = recount()
    assert status == 1
    assert "leaf_sums ('mugs',): kept " in told
    assert "1 differences." in told
    assert recount("--repair")[0] == 0
    status, told = recount("--json")
    assert (status, json.loads(told)["differences"]) == (0, 0)
