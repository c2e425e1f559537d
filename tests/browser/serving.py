"""A project served by the command, and a browser that is let in, for the tests of the portal."""

import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect
from typer.testing import CliRunner

from productnet.annotation.decisions import Decision
from productnet.annotation.log import DecisionLog
from productnet.cli.main import app
from productnet.database.database import Database
from productnet.settings import Project


@dataclass
class Served:
    """A project that is being served.

    Attributes:
        folder: Of the project.
        port: Kept over restarts.
    """

    folder: Path
    port: int
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> str:
        """Serve it, and give the link that the command prints."""
        command = [sys.executable, "-c", "from productnet.cli.main import run; run()", "serve"]
        with (self.folder / "serve.log").open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--project", str(self.folder), "--port", str(self.port)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"http://\S+", line):
                return found[0]
        raise AssertionError(f"serve ended with {self.process.wait()} before it printed a link")

    def kill(self) -> None:
        """End it as a power cut would: signal 9."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def decisions(self, leaf: str) -> list[Decision]:
        """The log's decisions about a leaf, in order."""
        log = DecisionLog(Database.open(Project.open(self.folder).database_url))
        try:
            return [decision for _, decision in log.since(0) if decision.category == leaf]
        finally:
            log.close()

    def wait_for(self, leaf: str, number: int, *, seconds: float = 20) -> list[Decision]:
        """The leaf's decisions once there are at least so many."""
        end = time.monotonic() + seconds
        while len(found := self.decisions(leaf)) < number:
            assert time.monotonic() < end, f"{len(found)} of {number} decisions after {seconds} s"
            time.sleep(0.1)
        return found


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(*arguments: str, input: str | None = None) -> None:
    """Run one of the product's commands."""
    result = CliRunner().invoke(app, [*arguments, "--json"], input=input, catch_exceptions=False)
    assert result.exit_code == 0, result.output


@dataclass
class Door:
    """A served project, and how to open it signed in."""

    served: Served
    browser: Browser
    state: Path

    def context(self, **options: object) -> BrowserContext:
        """A fresh browser profile, signed in."""
        context = self.browser.new_context(
            base_url=self.served.url,
            storage_state=self.state,
            viewport={"width": 1280, "height": 800},
            reduced_motion="reduce",
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(20_000)
        return context


def let_in(page: Page, name: str, password: str) -> None:
    """Sign in on the sign-in page; whatever page was asked for is shown then."""
    if not page.locator(".sign-in").count():
        page.goto("/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".bar")).to_be_visible()


def open_door(served: Served, browser: Browser, state: Path) -> Door:
    """Serve the project and sign in by its link, once."""
    link = served.start()
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.wait_for_selector("h1")
    context.storage_state(path=state)
    context.close()
    return Door(served, browser, state)
