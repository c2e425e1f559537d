import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from productnet.evaluation.report.data import LeafReport, ReportData
from productnet.evaluation.report.render import render_report, write_charts, write_report

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """The page as a browser would take it: elements, attributes, text, and that all tags close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(text for text in self.texts if text)


@pytest.fixture(scope="module")
def page(report: ReportData) -> Page:
    return Page(render_report(report))


def test_the_page_is_well_formed_and_has_every_section(page: Page) -> None:
    assert page.open == []
    sections = [attributes["id"] for attributes in page.all("section")]
    linked = [attributes["href"] for attributes in page.all("a")]
    assert linked == [f"#{section}" for section in sections]
    assert sections == [
        "progress", "accuracy", "confused", "candidates", "cost", "training",
        "certainty", "embedding", "import",
    ]  # fmt: skip


def test_the_page_asks_the_network_for_nothing_and_runs_nothing(report: ReportData) -> None:
    html = render_report(report)
    page = Page(html)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.elements}
    assert all((image["src"] or "").startswith("data:image/") for image in page.all("img"))
    assert not re.findall(r"(?:https?:)?//[a-z]", re.sub(r"base64,[^\"]*", "", html))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_the_page_says_what_happened(page: Page) -> None:
    assert "Corner shop" in page.text
    for figure in ("12,480", "95.0%", "Mugs", "taken for", "image cannot be decoded", "93.7%"):
        assert figure in page.text
    assert "Run" not in page.texts


def test_every_picture_chart_and_table_speaks_to_those_who_do_not_see_it(page: Page) -> None:
    assert all("alt" in image for image in page.all("img"))
    assert [chart for chart in page.all("svg") if chart.get("role") != "img"] == []
    counts = Counter(tag for tag, _ in page.elements)
    assert counts["svg"] == counts["desc"] == 12
    assert counts["table"] == counts["caption"]
    assert counts["h1"] == counts["main"] == 1
    assert all("scope" in cell for cell in page.all("th"))


def test_the_page_of_forty_leaves_is_light(report: ReportData) -> None:
    assert len(report.leaves) == 40
    assert len(render_report(report).encode()) < 3_000_000


def test_the_same_data_make_the_same_page(small_report: ReportData) -> None:
    assert render_report(small_report) == render_report(small_report)


def test_an_empty_project_is_told_what_to_run() -> None:
    page = Page(render_report(ReportData("New shop", "today")))
    assert page.open == []
    commands = Counter(text for text in page.texts if text.startswith("productnet "))
    assert commands == {
        "productnet simulate": 3,
        "productnet round": 4,
        "productnet embed": 1,
        "productnet import FEED": 1,
    }
    assert page.all("svg") == []


@pytest.mark.parametrize(
    "missing",
    [
        {"rounds": ()},
        {"strips": ()},
        {"compared": None},
        {"confused": ()},
        {"map": None},
        {"embeddings": ()},
        {"leaves": ()},
        {"import_errors": {}},
    ],
    ids=lambda missing: next(iter(missing)),
)
def test_any_part_may_be_missing(small_report: ReportData, missing: dict[str, object]) -> None:
    html = render_report(replace(small_report, **missing))  # type: ignore[arg-type]
    assert Page(html).open == []


def test_product_text_stays_text(hostile: ReportData) -> None:
    html = render_report(hostile)
    page = Page(html)
    assert page.open == []
    assert page.all("script") == []
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "<script>alert(1)</script>" in page.text


def test_many_leaves_are_folded_by_top_level_category(small_report: ReportData) -> None:
    leaves = tuple(
        LeafReport(path=(f"Top {n // 50}", f"Leaf {n}"), gold=n % 70, decisions=9)
        for n in range(150)
    )
    page = Page(render_report(replace(small_report, leaves=leaves)))
    assert page.open == []
    assert len(page.all("details")) == 4  # three of leaves, one of what is decided of them
    assert "Leaf 149" in page.text


def test_a_first_round_of_one_epoch_has_its_charts(small_report: ReportData) -> None:
    first = small_report.rounds[0]
    short = replace(first, history=first.history[:1])
    page = Page(render_report(replace(small_report, rounds=(short,))))
    assert "Learning curve of the master model" in page.text
    assert "nan" not in page.text


def test_charts_are_drawings_of_their_own(tmp_path: Path, small_report: ReportData) -> None:
    written = write_charts(tmp_path / "figures", small_report)
    assert {file.name for file in written} >= {"source-curves.svg", "hours.svg", "cost-by-leaf.svg"}
    for file in written:
        root = ElementTree.parse(file).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        style = root.find("{http://www.w3.org/2000/svg}style")
        assert style is not None
        assert "--mixed: #" in (style.text or "")
    assert write_charts(tmp_path / "none", ReportData("New shop", "today")) == []


def test_product_text_stays_text_in_a_chart(tmp_path: Path, hostile: ReportData) -> None:
    for file in write_charts(tmp_path, hostile):
        tags = {element.tag.partition("}")[2] for element in ElementTree.parse(file).iter()}
        assert "script" not in tags
        assert "img" not in tags


def test_writing_replaces_the_page_whole(tmp_path: Path, small_report: ReportData) -> None:
    path = tmp_path / "reports" / "report.html"
    write_report(path, small_report)
    write_report(path, replace(small_report, project="Another shop"))
    assert "Another shop" in path.read_text(encoding="utf-8")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(theme: str) -> None:
    css = render_report(ReportData("New shop", "today")).partition("</style>")[0]
    light, _, rest = css.partition("@media (prefers-color-scheme: dark)")
    rules = light if theme == "light" else rest.partition("* {")[0]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", rules))
    backgrounds = {"page", "card", "track", "rule"}
    fills = {name for name in colours if name.endswith("-fill")}
    assert len(colours) > 20
    for name in colours.keys() - backgrounds - fills:
        darker, lighter = sorted((luminance(colours[name]), luminance(colours["card"])))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"--{name} in the {theme} theme"
