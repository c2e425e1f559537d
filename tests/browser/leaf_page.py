"""The leaf page as a person uses it: what is on screen, and what a key does."""

from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect


class LeafPage:
    """The leaf page, opened; ready when its candidates are there."""

    def __init__(self, page: Page, leaf: str) -> None:
        self.page = page
        page.goto(f"/leaf?id={quote(leaf)}")
        self.wait()

    def wait(self) -> None:
        """Until there are cards to answer."""
        expect(self.page.locator(".card-answers button").first).to_be_enabled()

    @property
    def cards(self) -> Locator:
        """The cards on the page."""
        return self.page.locator("li.card")

    @property
    def current(self) -> Locator:
        """The card under the cursor."""
        return self.page.locator("li.card-current")

    def products(self) -> list[str]:
        """Products on the page, in order."""
        return [str(card.get_attribute("data-product")) for card in self.cards.all()]

    def at(self) -> int:
        """Position of the cursor."""
        return int(self.current.get_attribute("data-at") or -1)

    def press(self, *keys: str) -> None:
        """Press keys one after another, as fast as they go."""
        for key in keys:
            self.page.keyboard.press(key)

    def expect_answers(self, **number: int) -> None:
        """How many cards show which answer, such as positive=2."""
        for verdict, times in number.items():
            expect(self.page.locator(f"li.card-{verdict}")).to_have_count(times)

    def expect_saved(self) -> None:
        """Until the bar says that every answer is with the server."""
        expect(self.page.locator(".bar .chip")).to_have_text("All saved", timeout=30_000)
