"""What leads look at: the dashboard, rounds, releases, people, activity and webhooks over HTTP."""

import io
import tarfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from productnet.annotation.decisions import Verdict
from productnet.events.kinds import Kind
from productnet.portal.app import create_app
from productnet.portal.jobs import JobState
from productnet.portal.portal import Portal
from productnet.portal.security import CSRF_HEADER
from productnet.release.build import release
from productnet.taxonomy.guidelines import guideline_file
from tests.integration.portal.conftest import PASSWORD, Visit

API = "/api/v1"


def say(browser: TestClient, leaf: str, products: list[str], verdicts: str, role: str) -> None:
    """Record answers: one of "+", "-" and "?" for each product."""
    words = {"+": "positive", "-": "negative", "?": "unsure"}
    sent = [
        {
            "id": str(uuid4()),
            "product": product,
            "leaf": leaf,
            "role": role,
            "verdict": words[verdict],
            "seconds": 2.0,
        }
        for product, verdict in zip(products, verdicts, strict=True)
    ]
    answered = browser.post(f"{API}/decisions", json={"decisions": sent})
    assert {one["status"] for one in answered.json()["results"]} == {"recorded"}, answered.text


@pytest.fixture
def audited(portal: Portal, visit: Visit, leaf: str) -> str:
    """A leaf with six positives, three of them confirmed and the others disputed."""
    products = portal.resources.ids[:6].to_pylist()
    say(visit("lena"), leaf, products, "++++++", "label")
    say(visit("otto"), leaf, products, "+++---", "audit")
    return leaf


def test_the_dashboard_tells_who_agrees_with_whom(visit: Visit, audited: str) -> None:
    told = visit("ada").get(f"{API}/dashboard", params={"days": 7}).json()
    assert (told["gold"], told["decisions"], len(told["days"])) == (3, 12, 7)
    today = {"day": "", "decisions": 12, "seconds": 24.0, "gold": 3}
    assert told["days"][-1] | {"day": ""} == today
    assert (told["precision"]["hits"], told["precision"]["of"]) == (3, 6)
    assert 0 < told["precision"]["low"] < 0.5 < told["precision"]["high"] < 1
    assert [(one["first"], one["second"]) for one in told["pairs"]] == [("lena", "otto")]
    assert told["pairs"][0]["agreement"]["agreed"]["share"] == 0.5
    assert {(one["person"], one["task"]) for one in told["people"]} == {
        ("lena", "label"),
        ("otto", "audit"),
    }
    [concern] = told["concerns"]
    assert (concern["leaf"], concern["why"]) == (
        audited,
        {"disputed": "3 disputes are open", "imprecise": "audits confirm 50% of 6 positives"},
    )


def test_every_leaf_begun_is_listed_page_by_page(
    portal: Portal, visit: Visit, audited: str
) -> None:
    other = next(one.id for one in portal.taxonomy.leaves if one.id != audited)
    say(visit("lena"), other, portal.resources.ids[20:22].to_pylist(), "+-", "label")
    browser = visit("ada")
    address = f"{API}/dashboard/leaves"
    page = browser.get(address, params={"limit": 1}).json()
    assert [one["leaf"] for one in page["items"]] == [audited]
    rest = browser.get(address, params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert [one["leaf"] for one in rest["items"]] == [other]
    assert rest["items"][0]["agreement"]["agreed"]["share"] is None
    assert rest["next_cursor"] is None
    assert browser.get(address, params={"cursor": "-1"}).status_code == 422


def test_the_dashboard_of_an_empty_project_is_empty(visit: Visit) -> None:
    told = visit("root").get(f"{API}/dashboard").json()
    assert (told["gold"], told["people"], told["seconds"]) == (0, [], None)
    assert told["agreement"]["agreed"]["share"] is None


def test_days_of_the_dashboard_end_with_the_last_answer_where_nobody_answered_since(
    portal: Portal, visit: Visit, leaf: str
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=200)
    product = portal.resources.ids[0].as_py()
    portal.workflow.label(
        product, leaf, verdict=Verdict.POSITIVE, annotator="lena", at=long_ago, seconds=2.0
    )
    ada = visit("ada")
    days = ada.get(f"{API}/dashboard", params={"days": 30}).json()["days"]
    assert (len(days), days[-1]["day"]) == (30, long_ago.date().isoformat())
    assert [day["decisions"] for day in days] == [*[0] * 29, 1]
    days = ada.get(f"{API}/dashboard", params={"days": 366}).json()["days"]
    assert days[-1]["day"] == datetime.now(UTC).date().isoformat()


def test_an_admin_adds_a_person_who_then_signs_in(portal: Portal, visit: Visit) -> None:
    admin = visit("root")
    made = admin.post(
        f"{API}/people",
        json={"name": "Nora", "roles": ["labeler"], "password": "a long enough one"},
    )
    assert (made.status_code, made.json()["name"]) == (201, "nora")
    newcomer = TestClient(create_app(portal))
    credentials = {"name": "nora", "password": "a long enough one"}
    assert newcomer.post(f"{API}/session", json=credentials).status_code == 200
    [nora] = [one for one in admin.get(f"{API}/people").json()["items"] if one["name"] == "nora"]
    assert nora["sessions"] == 1
    changed = admin.patch(f"{API}/people", params={"name": "nora"}, json={"active": False})
    assert changed.json()["active"] is False
    assert newcomer.get(f"{API}/session").status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"name": "lena", "roles": []}, 422, "exists already"),
        ({"name": "x y", "roles": []}, 422, "x y"),
        ({"name": "nora", "roles": ["labeller"]}, 422, "labeler"),
        ({"name": "nora", "password": "short"}, 422, "10"),
        ({"name": "nora", "admin": True}, 422, "admin"),
    ],
)
def test_an_account_that_cannot_be_is_refused_with_the_reason(
    visit: Visit, body: dict[str, object], status: int, text: str
) -> None:
    told = visit("root").post(f"{API}/people", json=body)
    assert told.status_code == status
    assert text in told.text


def test_the_last_admin_cannot_be_lost(visit: Visit) -> None:
    told = visit("root").patch(f"{API}/people", params={"name": "root"}, json={"roles": []})
    assert told.status_code == 422
    assert "last active admin" in told.json()["detail"]


def test_signing_somebody_out_frees_the_leaf(portal: Portal, visit: Visit, leaf: str) -> None:
    labeler, admin = visit("lena"), visit("root")
    labeler.post(f"{API}/leases", json={"leaf": leaf, "task": "label"})
    there = admin.get(f"{API}/people/sessions", params={"name": "lena"}).json()["items"]
    assert len(there) == 1
    admin.delete(f"{API}/people/sessions", params={"name": "lena"})
    assert labeler.get(f"{API}/session").status_code == 401
    assert portal.leases.current() == []


def test_one_signs_out_another_browser_of_ones_own(visit: Visit) -> None:
    here, there = visit("lena"), visit("lena")
    sessions = here.get(f"{API}/sessions").json()["items"]
    [other] = [one for one in sessions if not one["here"]]
    assert here.delete(f"{API}/sessions", params={"id": other["id"]}).status_code == 204
    assert there.get(f"{API}/session").status_code == 401
    assert here.get(f"{API}/session").status_code == 200


def test_a_key_is_shown_once_and_works_until_it_is_revoked(portal: Portal, visit: Visit) -> None:
    browser = visit("lena")
    made = browser.post(f"{API}/keys", json={"label": "script", "scopes": ["read"]}).json()
    program = TestClient(create_app(portal), headers={"Authorization": f"Bearer {made['key']}"})
    assert program.get(f"{API}/progress").status_code == 200
    # A key opens no way to more keys.
    assert program.post(f"{API}/keys", json={"label": "x", "scopes": ["read"]}).status_code == 403
    listed = browser.get(f"{API}/keys").text
    assert made["id"] in listed
    assert made["key"] not in listed
    assert visit("otto").delete(f"{API}/keys", params={"id": made["id"]}).status_code == 422
    browser.delete(f"{API}/keys", params={"id": made["id"]})
    assert program.get(f"{API}/progress").status_code == 401


def test_a_changed_password_leaves_only_the_browser_that_changed_it(
    portal: Portal, visit: Visit
) -> None:
    here, there = visit("lena"), visit("lena")
    changed = here.post(f"{API}/password", json={"old": PASSWORD, "new": "quite another one"})
    assert changed.status_code == 200, changed.text
    here.headers[CSRF_HEADER] = changed.json()["csrf"]
    assert here.get(f"{API}/sessions").status_code == 200
    assert there.get(f"{API}/session").status_code == 401


def test_what_admins_do_is_in_the_activity_log_and_no_secret_is(visit: Visit) -> None:
    admin = visit("root")
    admin.post(f"{API}/people", json={"name": "nora", "password": "a long enough one"})
    admin.patch(f"{API}/people", params={"name": "nora"}, json={"password": "another long one"})
    admin.patch(f"{API}/people", params={"name": "nora"}, json={"roles": ["auditor"]})
    page = admin.get(f"{API}/activity", params={"limit": 2})
    assert "long" not in page.text
    kinds = [one["kind"] for one in page.json()["items"]]
    assert kinds == ["person.changed", "password.changed"]
    older = admin.get(f"{API}/activity", params={"cursor": page.json()["next_cursor"]}).json()
    assert [one["kind"] for one in older["items"]] == ["person.added", "signed.in"]
    only = admin.get(f"{API}/activity", params={"kind": ["person.added"]}).json()["items"]
    assert [(one["person"], one["subject"]) for one in only] == [("root", "nora")]


def test_who_came_in_and_who_was_refused_is_in_the_log(portal: Portal, visit: Visit) -> None:
    TestClient(create_app(portal)).post(
        f"{API}/session", json={"name": "lena", "password": "not this one, no"}
    )
    visit("lena")
    asked = {"kind": ["signed.in", "sign.in.refused"]}
    told = visit("root").get(f"{API}/activity", params=asked)
    assert "not this one" not in told.text
    assert [(one["kind"], one["person"], one["subject"]) for one in told.json()["items"]] == [
        ("signed.in", "root", "root"),
        ("signed.in", "lena", "lena"),
        ("sign.in.refused", None, "lena"),
    ]


def test_an_assignment_and_a_guideline_leave_their_trace(visit: Visit, leaf: str) -> None:
    admin = visit("root")
    given = {"leaf": leaf, "task": "label", "person": "lena"}
    assert admin.post(f"{API}/assignments", json=given).status_code == 204
    words = {"version": "none", "definition": "Cups to drink from", "include": ["Travel mugs"]}
    written = admin.put(f"{API}/guideline", params={"id": leaf}, json=words)
    assert written.status_code == 204, written.text
    told = admin.get(f"{API}/activity", params={"limit": 2}).json()["items"]
    assert [(one["kind"], one["name"]) for one in told] == [
        ("guideline.changed", "Mugs"),
        ("leaf.assigned", "Mugs"),
    ]


def test_a_guideline_never_replaces_what_was_not_read(
    portal: Portal, visit: Visit, leaf: str
) -> None:
    admin, lena, asked = visit("root"), visit("lena"), {"id": leaf}

    def write(definition: str, version: str) -> int:
        words = {"version": version, "definition": definition}
        return int(admin.put(f"{API}/guideline", params=asked, json=words).status_code)

    def read() -> dict[str, Any]:
        return dict(lena.get(f"{API}/leaf", params=asked).json())

    assert read()["guideline_version"] == "none"
    assert write("Cups", "none") == 204
    assert write("Pots", "none") == 409
    first = read()
    assert first["guideline"]["definition"] == "Cups"
    # People edit the file, too; even one that cannot be read is not lost without a word.
    guideline_file(portal.project.guidelines_path, portal.taxonomy[leaf]).write_text("oops")
    assert write("Pots", first["guideline_version"]) == 409
    broken = read()
    assert "not valid TOML" in broken["guideline_fault"]
    assert write("Pots", broken["guideline_version"]) == 204
    assert read()["guideline"]["definition"] == "Pots"
    for bad in ({"definition": "x" * 4_001}, {"include": [""]}, {"examples": ["x"] * 101}):
        sent = {"version": read()["guideline_version"], **bad}
        assert admin.put(f"{API}/guideline", params=asked, json=sent).status_code == 422
    words = {"version": "none"}
    assert lena.put(f"{API}/guideline", params=asked, json=words).status_code == 403


def test_a_webhooks_secret_is_told_once(visit: Visit) -> None:
    admin = visit("root")
    wanted = {"url": "https://example.com/hook", "kinds": ["leaf.done"]}
    made = admin.post(f"{API}/webhooks", json=wanted).json()
    assert made["secret"]
    assert made["secret"] not in admin.get(f"{API}/webhooks").text
    paused = admin.patch(
        f"{API}/webhooks", params={"id": made["id"]}, json={"active": False}
    ).json()
    assert paused["active"] is False
    assert admin.delete(f"{API}/webhooks", params={"id": made["id"]}).status_code == 204
    assert admin.get(f"{API}/webhooks").json()["items"] == []
    again = admin.delete(f"{API}/webhooks", params={"id": made["id"]})
    assert again.status_code == 404


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "ftp://example.com", "https://a:b@c.example"]
)
def test_a_webhook_to_the_inside_is_refused(visit: Visit, url: str) -> None:
    told = visit("root").post(f"{API}/webhooks", json={"url": url, "kinds": ["leaf.done"]})
    assert told.status_code == 422


def test_a_message_is_sent_once_more_on_demand(portal: Portal, visit: Visit) -> None:
    admin = visit("root")
    portal.courier.close()
    wanted = {"url": "https://example.com/hook", "kinds": ["release.made"]}
    hook = admin.post(f"{API}/webhooks", json=wanted).json()
    portal.activity.release_made("1.0.0")
    asked = {"webhook": hook["id"]}
    [sent] = admin.get(f"{API}/webhooks/deliveries", params=asked).json()["items"]
    assert (sent["kind"], sent["state"]) == ("release.made", "waiting")
    again = admin.post(f"{API}/webhooks/deliveries/again", params={"id": sent["id"]}).json()
    assert (again["message"], again["attempts"]) == (sent["message"], 0)
    unknown = admin.post(f"{API}/webhooks/deliveries/again", params={"id": 99})
    assert unknown.status_code == 404


def test_a_round_without_gold_fails_and_says_so(portal: Portal, visit: Visit) -> None:
    admin = visit("root")
    started = admin.post(f"{API}/rounds", json={"preset": "fast"})
    assert started.status_code == 202, started.text
    twice = admin.post(f"{API}/rounds", json={"preset": "fast"})
    assert twice.status_code == 409
    assert "running already" in twice.json()["detail"]
    job = started.json()
    for _ in range(600):
        job = admin.get(f"{API}/jobs", params={"id": job["id"]}).json()
        if job["state"] != JobState.RUNNING:
            break
        time.sleep(0.1)
    assert job["state"] == JobState.FAILED
    assert "gold" in job["message"]
    told = visit("lena").get(f"{API}/rounds").json()
    assert told["items"] == []
    assert told["jobs"][0]["log"] is None
    kinds = [one["kind"] for one in admin.get(f"{API}/activity").json()["items"]]
    assert "job.started" in kinds


def test_a_preset_that_is_not_is_refused_before_anything_starts(visit: Visit) -> None:
    told = visit("root").post(f"{API}/rounds", json={"preset": "fats"})
    assert told.status_code == 422
    assert "fast" in told.json()["detail"]
    assert visit("root").get(f"{API}/rounds").json()["jobs"] == []


def test_a_running_round_can_be_stopped(visit: Visit) -> None:
    admin = visit("root")
    job = admin.post(f"{API}/rounds", json={}).json()
    assert job["arguments"] == {"preset": "fast"}  # the project's own
    stopped = admin.post(f"{API}/jobs/cancel", params={"id": job["id"]}).json()
    assert stopped["state"] in (JobState.STOPPED, JobState.FAILED)
    again = admin.post(f"{API}/jobs/cancel", params={"id": job["id"]})
    assert again.status_code == 409


def test_a_release_is_fetched_file_by_file_and_whole(
    portal: Portal, visit: Visit, audited: str
) -> None:
    release(portal.project, version="1.0.0")
    admin = visit("root")
    [made] = admin.get(f"{API}/releases").json()["items"]
    assert (made["version"], made["gold"]) == ("1.0.0", 3)
    file = made["files"][0]
    asked = {"version": "1.0.0", "path": file["path"]}
    whole = admin.get(f"{API}/releases/file", params=asked)
    assert len(whole.content) == file["bytes"]
    archive = admin.get(f"{API}/releases/archive", params={"version": "1.0.0"})
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as opened:
        names = {name.split("/", 1)[1] for name in opened.getnames()}
        member = opened.extractfile(next(m for m in opened if m.name.endswith(file["path"])))
        assert member is not None
        assert member.read() == whole.content
    assert names == {"manifest.json", *(one["path"] for one in made["files"])}
    for version, path in [("1.0.0", "../../decisions.db"), ("..", "manifest.json")]:
        outside = admin.get(f"{API}/releases/file", params={"version": version, "path": path})
        assert outside.status_code == 404

    (portal.project.releases_path / "1.0.0" / file["path"]).unlink()
    for gone in ("file", "archive"):
        told = admin.get(f"{API}/releases/{gone}", params=asked)
        assert told.status_code == 404
        assert "not there any more" in told.json()["detail"]


def test_a_leaf_that_is_done_is_told_once(portal: Portal, visit: Visit, leaf: str) -> None:
    object.__setattr__(portal.project.settings.targets, "positives", 1)
    object.__setattr__(portal.project.settings.targets, "hard_negatives", 0)
    products = portal.resources.ids[:2].to_pylist()
    say(visit("lena"), leaf, products, "++", "label")
    say(visit("otto"), leaf, products, "++", "audit")
    for _ in range(50):
        told = portal.activity.page(kinds=[Kind.LEAF_DONE]).items
        if told:
            break
        time.sleep(0.1)
    assert [(one.kind, one.subject) for one in told] == [("leaf.done", leaf)]
