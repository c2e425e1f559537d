"""The annotator guide says of keys and pages what is so."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = DOCS / "annotating.md"

# Scopes whose keys the guide lists one by one.
LISTED = ("everywhere", "grid")


def test_the_keys_of_the_guide_are_those_of_the_portal(page: Page) -> None:
    page.goto("/settings")
    expect(page.locator("h1")).to_be_visible()
    commands = page.evaluate(
        """async () => {
          const { COMMANDS, spell } = await import("/static/lib/keys.js");
          return COMMANDS.map((one) => ({ ...one, keys: one.keys.map(spell) }));
        }"""
    )
    table = GUIDE.read_text().split("## Keys")[1].split("\n## ")[0]
    told = {
        label: re.findall(r"<kbd>(.+?)</kbd>", keys)
        for keys, label in re.findall(r"^\| (<kbd>.+?) \| (.+?) \|$", table, flags=re.MULTILINE)
    }
    sources = [one["keys"][0] for one in commands if one["scope"] == "candidates"]
    assert told.pop("Candidates from another source") == [sources[0], sources[-1]]
    assert told == {one["label"]: one["keys"] for one in commands if one["scope"] in LISTED}
    known = {key for one in commands for key in one["keys"]}
    elsewhere = re.findall(r"<kbd>(.+?)</kbd>", GUIDE.read_text().replace("−", "-"))
    assert set(elsewhere) <= known | {"Shift"}


def test_the_guide_names_every_source(page: Page) -> None:
    page.goto("/")
    expect(page.locator("h1")).to_be_visible()
    names = page.evaluate(
        """async () => {
          const { session } = await import("/static/lib/session.js");
          const { label } = await import("/static/lib/format.js");
          return session.value.sources.map(({ name }) => label(name));
        }"""
    )
    table = GUIDE.read_text().split("## Where candidates come from")[1].split("\n## ")[0]
    assert re.findall(r"^\| ([A-Z][\w ]+) \|", table, flags=re.MULTILINE) == names


def test_every_picture_of_the_docs_is_there() -> None:
    for text in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]:
        for name in re.findall(r"!\[.*?\]\((.+?)\)", text.read_text()):
            assert (text.parent / name).is_file(), f"{text.name} shows {name}"
