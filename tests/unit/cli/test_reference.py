from pathlib import Path

import pytest

from productnet.cli.reference import PAGES, commands_page, settings_page
from productnet.settings import described_settings

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "The page is stale. Run `make docs`."


def test_the_settings_page_mentions_every_setting() -> None:
    page = settings_page()
    for key, _ in described_settings():
        assert f"`{key}`" in page


def test_every_command_has_examples() -> None:
    sections = commands_page().split("\n## ")[1:]
    assert {section.split()[1] for section in sections} >= {
        "init", "import", "taxonomy", "embed", "simulate", "round", "status", "report", "release",
        "export", "train", "evaluate", "categorize", "encode", "similar", "demo", "backup",
        "restore",
    }  # fmt: skip
    for section in sections:
        assert "```bash\nproductnet" in section, section.splitlines()[0]


def test_the_architecture_page_names_every_folder() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "productnet"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    named = {line.split("`")[1].rstrip("/") for line in page.splitlines() if line.startswith("| `")}
    assert folders == {name for name in named if (package / name).is_dir()}
    assert folders <= named
