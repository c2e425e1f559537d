"""Writing a guideline in the browser: what is read, what somebody else saves, what fails."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from productnet.settings import Project
from productnet.taxonomy.guidelines import Guideline, guideline_file, read_guideline
from productnet.taxonomy.tree import Taxonomy
from tests.browser.review.team import Team, Visitor, serving

LEAF = "kitchen/drinking-serving/teapots"
STATUS = ".guideline-foot [role=status]"
PAGE = f"/guideline?id={quote(LEAF)}"


@pytest.fixture(scope="module")
def team(
    worked_on: tuple[Path, dict[str, str]],
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Team]:
    """People at a served shop of this file's own."""
    with serving(worked_on, browser, tmp_path_factory.mktemp("guideline")) as opened:
        yield opened


@pytest.fixture
def admin(team: Team) -> Iterator[Page]:
    """The page of a leaf without a guideline, opened by the admin."""
    file_of(team).unlink(missing_ok=True)
    visitor: Visitor = team.enter("root")
    visitor.page.goto(PAGE)
    expect(visitor.page.get_by_label("Definition")).to_be_visible()
    yield visitor.page
    visitor.close()


def written(team: Team) -> Guideline:
    project = Project.open(team.served.folder)
    return read_guideline(project.guidelines_path, Taxonomy.load(project.taxonomy_path)[LEAF])


def file_of(team: Team) -> Path:
    project = Project.open(team.served.folder)
    return guideline_file(project.guidelines_path, Taxonomy.load(project.taxonomy_path)[LEAF])


def test_what_is_written_is_read_at_once_by_whoever_labels(team: Team, admin: Page) -> None:
    labeler = team.enter("lena")
    labeler.page.goto(f"/leaf?id={quote(LEAF)}")
    aside = labeler.page.locator(".leaf-aside")
    expect(aside).to_contain_text("Nobody has written one yet")
    assert not aside.get_by_role("link", name=re.compile("Edit|Write one")).count()
    admin.get_by_label("Definition").fill("Pots with a spout, to brew tea in.")
    admin.get_by_label("Belongs").fill("Iron pots\n\n  Sets with cups  \n")
    # It is shown as labelers will read it while it is typed.
    preview = admin.locator(".guideline-beside .guideline")
    expect(preview).to_contain_text("Sets with cups")
    expect(preview.locator("li")).to_have_count(2)
    expect(admin.locator(STATUS)).to_have_text("Not saved yet")
    admin.keyboard.press("Control+Enter")
    expect(admin.locator(STATUS)).to_have_text("All saved")
    assert written(team) == Guideline(
        "Pots with a spout, to brew tea in.", ("Iron pots", "Sets with cups")
    )
    # Without being loaded again.
    expect(aside).to_contain_text("Pots with a spout, to brew tea in.")
    labeler.close()


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(team: Team, admin: Page) -> None:
    admin.get_by_label("Does not").fill("Kettles: they go to Kettles")
    file = file_of(team)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('definition = "Theirs."\n')
    admin.get_by_role("button", name=re.compile("^Save Ctrl")).click()
    expect(admin.get_by_role("alert")).to_contain_text("Somebody else has changed this guideline")
    expect(admin.locator(".guideline-theirs")).to_contain_text("Theirs.")
    assert written(team).definition == "Theirs."
    expect(admin.get_by_role("button", name=re.compile("^Save Ctrl"))).to_be_disabled()
    # A link followed by mistake loses nothing, and forgets nothing of the conflict.
    admin.get_by_role("link", name="To the leaf").click()
    expect(admin.locator(".leaf-aside")).to_contain_text("Theirs.")
    admin.get_by_role("link", name="Edit").click()
    expect(admin.get_by_label("Does not")).to_have_value("Kettles: they go to Kettles")
    admin.get_by_label("Definition").fill("Theirs, and mine.")
    admin.get_by_role("button", name="save over theirs").click()
    admin.get_by_role("button", name=re.compile("^Save Ctrl")).click()
    expect(admin.locator(STATUS)).to_have_text("All saved")
    assert written(team) == Guideline("Theirs, and mine.", (), ("Kettles: they go to Kettles",))


def test_what_is_not_saved_stays_and_says_why(team: Team, admin: Page) -> None:
    before = written(team)
    admin.get_by_label("Typical").fill("y" * 501)
    expect(admin.get_by_role("alert")).to_contain_text("501 characters")
    expect(admin.get_by_role("button", name=re.compile("^Save Ctrl"))).to_be_disabled()
    admin.get_by_label("Typical").fill("Cast iron teapot, 0.8 l")
    admin.context.set_offline(True)
    admin.keyboard.press("Control+Enter")
    expect(admin.get_by_role("alert")).to_contain_text("What you wrote is still here")
    admin.context.set_offline(False)
    admin.keyboard.press("Control+Enter")
    expect(admin.locator(STATUS)).to_have_text("All saved")
    assert written(team).examples == ("Cast iron teapot, 0.8 l",)
    admin.get_by_label("Definition").fill("Nothing that anybody wants")
    admin.get_by_role("button", name="Discard").click()
    expect(admin.get_by_label("Definition")).to_have_value(before.definition)
