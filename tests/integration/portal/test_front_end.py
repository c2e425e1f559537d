"""What the browser is served: the document's list of modules, held against what they import."""

import re

from starlette.testclient import TestClient

from productnet.portal.app import STATIC, create_app
from productnet.portal.portal import Portal
from tests.integration.portal.conftest import Visit

_IMPORT = re.compile(r'^import\s[^;]*?"(\.[^"]+)";', re.MULTILINE)
_PRELOAD = re.compile(r'<link rel="modulepreload" href="([^"]+)">')


def test_the_document_names_every_module_that_each_page_needs(portal: Portal) -> None:
    page = TestClient(create_app(portal)).get("/")
    named = _PRELOAD.findall(page.text)
    wanted = {f"/static/{name}" for name in _imported_by("app.js") - {"app.js"}}
    assert len(wanted) > 10
    assert sorted(named) == sorted(wanted)


def test_its_policy_lets_modules_be_loaded_ahead(portal: Portal) -> None:
    browser = TestClient(create_app(portal))
    page = browser.get("/")
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    for address in _PRELOAD.findall(page.text):
        answer = browser.get(address)
        assert answer.status_code == 200, address
        assert "javascript" in answer.headers["Content-Type"], address


def test_a_refused_body_names_a_document_that_is_served(visit: Visit) -> None:
    browser = visit("root")
    detail = browser.post("/api/v1/releases", json={}).json()["detail"]
    named = re.search(r"See (\S+) for what", detail)
    assert named, detail
    assert browser.get(named[1]).status_code == 200


def _imported_by(name: str) -> set[str]:
    """A module and all that it imports, themselves and through others; not what comes later."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        file = STATIC / module
        paths = _IMPORT.findall(file.read_text(encoding="utf-8"))
        beside = ((file.parent / path).resolve() for path in paths)
        waiting += [path.relative_to(STATIC.resolve()).as_posix() for path in beside]
    return found
