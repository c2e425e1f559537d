"""The map page in real Chromium, drawn by software WebGL; and where there is none."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import CHROMIUM
from tests.browser.serving import Door

WEBGL = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-background-networking",
]


@pytest.fixture(scope="module")
def drawing(browser: Browser) -> Iterator[Browser]:
    """A Chromium that draws WebGL without a graphics card."""
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=WEBGL)
    yield other
    other.close()


@pytest.fixture
def map_page(door: Door, drawing: Browser) -> Iterator[Page]:
    """The map, its colours there; whatever the console complains of fails the test."""
    context: BrowserContext = Door(door.served, drawing, door.state).context()
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: faults.append(message.text) if message.type == "error" else None,
    )
    page.goto("/map")
    expect(page.get_by_role("table")).to_be_visible()
    expect(page.locator("canvas[data-drawn]")).to_be_visible()
    yield page
    context.close()
    assert not faults


def coloured_pixels(page: Page) -> int:
    """Pixels of the picture of the canvas that are not its background."""
    return int(
        page.evaluate(
            """async () => {
              const source = document.querySelector("canvas.map-canvas");
              await new Promise(requestAnimationFrame);
              dispatchEvent(new Event("resize"));
              const copy = Object.assign(document.createElement("canvas"),
                { width: source.width, height: source.height });
              const context = copy.getContext("2d");
              return await new Promise((done) => {
                const key = new KeyboardEvent("keydown", { key: "0", bubbles: true });
                document.body.dispatchEvent(key);
                requestAnimationFrame(() => {
                  context.drawImage(source, 0, 0);
                  const { data } = context.getImageData(0, 0, copy.width, copy.height);
                  let some = 0;
                  for (let i = 3; i < data.length; i += 4) if (data[i] > 40) some++;
                  done(some);
                });
              });
            }"""
        )
    )


def lasso(page: Page) -> None:
    """Draw around everything, with Shift held."""
    box = page.locator("canvas.map-canvas").bounding_box()
    assert box
    left, top = box["x"] + 4, box["y"] + 4
    right, bottom = box["x"] + box["width"] - 4, box["y"] + box["height"] - 50
    page.keyboard.down("Shift")
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")


def test_points_are_drawn(map_page: Page) -> None:
    expect(map_page.get_by_role("heading", level=1)).to_have_text("Map")
    assert coloured_pixels(map_page) > 400


def test_a_lasso_selects_and_its_products_become_candidates(map_page: Page) -> None:
    lasso(map_page)
    heading = map_page.get_by_role("heading", name=re.compile(r"^\d+ products selected$"))
    expect(heading).to_be_visible()
    selected = int(heading.inner_text().split()[0])
    assert 200 < selected <= 400
    expect(map_page.locator(".map-selection .strip-item")).to_have_count(24)
    map_page.get_by_label("Open as candidates of").fill("mugs")
    map_page.get_by_label("Open as candidates of").press("Tab")
    map_page.get_by_role("button", name="Label them").click()
    expect(map_page).to_have_url(re.compile(r"/leaf\?id=.*&from=selection"))
    ids = json.loads(map_page.evaluate("sessionStorage.getItem('productnet.selection')"))
    assert len(ids) == len(set(ids)) == selected
    shown = map_page.locator("[data-product]")
    expect(shown.first).to_be_visible()
    assert shown.first.get_attribute("data-product") in ids


def test_everything_a_mouse_selects_keys_select(map_page: Page) -> None:
    map_page.keyboard.press("v")
    expect(map_page.get_by_role("heading", name="400 products selected")).to_be_visible()
    map_page.keyboard.press("Escape")
    expect(map_page.get_by_role("heading", name="Selection")).to_be_visible()
    for _ in range(6):
        map_page.keyboard.press("+")
    map_page.keyboard.press("ArrowRight")
    map_page.keyboard.press("v")
    heading = map_page.locator(".map-selection h2")
    expect(heading).to_have_text(re.compile(r"^(\d+ products? selected|Selection)$"))
    expect(heading).not_to_have_text("400 products selected")


def test_resting_on_a_point_shows_its_product(map_page: Page) -> None:
    box = map_page.locator("canvas.map-canvas").bounding_box()
    assert box
    x, y = map_page.evaluate(
        """async () => {
          const answer = await fetch("/api/v1/map/points");
          const [x, y] = new Float32Array(await answer.arrayBuffer());
          const { clientWidth, clientHeight } = document.querySelector("canvas.map-canvas");
          const scale = clientHeight / (2 * 1.08);
          return [clientWidth / 2 + x * scale, clientHeight / 2 - y * scale];
        }"""
    )
    map_page.mouse.move(box["x"] + x + 20, box["y"] + y)
    map_page.mouse.move(box["x"] + x, box["y"] + y)
    expect(map_page.locator(".map-card-title")).not_to_be_empty()


def test_a_group_is_selected_from_the_table(map_page: Page) -> None:
    map_page.get_by_role("button", name="Select No gold leaf").click()
    expect(map_page.get_by_role("heading", name="400 products selected")).to_be_visible()


def test_without_webgl_the_table_does_the_work(page: Page) -> None:
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto("/map")
    expect(page.get_by_text("has no WebGL 2")).to_be_visible()
    page.get_by_role("button", name="Select No gold leaf").click()
    expect(page.get_by_role("heading", name="400 products selected")).to_be_visible()


def test_a_map_that_is_not_there_says_what_to_do(page: Page) -> None:
    why = {"ready": False, "why": "Draw it with `productnet embed`.", "count": 0, "missing": 0}
    page.route("**/api/v1/map", lambda route: route.fulfill(json=why))
    page.goto("/map")
    expect(page.get_by_text("There is no map yet")).to_be_visible()
    expect(page.get_by_text("productnet embed")).to_be_visible()
