"""Webhooks are told, in order, signed, at least once, and never inside the network."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from uuid import uuid4

import pytest

from productnet.catalog import public_hosts
from productnet.database.database import Database
from productnet.errors import UnknownRecord, WebhookError
from productnet.events import deliveries as queue
from productnet.events.activity import Activity
from productnet.events.courier import Courier
from productnet.events.deliveries import Deliveries, DeliveryState
from productnet.events.kinds import Kind
from productnet.events.signing import verify
from productnet.events.webhooks import Webhooks
from tests.integration.events.receiver import receiver

LOOPBACK = ("127.0.0.1",)


@pytest.fixture
def webhooks(database: Database, activity: Activity) -> Webhooks:
    return Webhooks(database, activity, private_hosts=LOOPBACK)


@pytest.fixture
def deliveries(database: Database, activity: Activity) -> Deliveries:
    return Deliveries(database, activity, rng=random.Random(1))


@contextmanager
def courier(deliveries: Deliveries, **options: float) -> Iterator[Courier]:
    one = Courier(deliveries, project="shop", private_hosts=LOOPBACK, look_every=0.02, **options)
    one.start()
    try:
        yield one
    finally:
        one.close()


def until(true: Callable[[], bool], *, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def done(activity: Activity, number: int) -> None:
    activity.leaf_done(f"leaf-{number}", path=f"A > {number}", gold=60, hard_negatives=60)


def through(deliveries: Deliveries) -> bool:
    return deliveries.waiting() == 0


def test_events_arrive_in_order_signed_and_of_the_kinds_asked_for(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries
) -> None:
    with receiver() as told, receiver() as other:
        secret = webhooks.add(told.url, ["leaf.done"], person="ann").secret
        webhooks.add(other.url, ["round.activated", "release.made"])
        for number in range(10):
            done(activity, number)
        activity.round_activated(3, person="ann", preset="fast")
        activity.record(Kind.SIGNED_IN, person="ann")
        with courier(deliveries):
            until(lambda: through(deliveries))
    assert [one.said["data"]["subject"] for one in told.received] == [
        f"leaf-{number}" for number in range(10)
    ]
    (activated,) = other.received
    assert activated.said["type"] == "round.activated"
    assert activated.said["data"] == {
        "project": "shop",
        "id": 13,
        "subject": "3",
        "person": "ann",
        "preset": "fast",
    }
    for one in told.received:
        verify(secret, dict(one.headers), one.body)
        with pytest.raises(WebhookError, match="No signature"):
            verify(secret, dict(one.headers), one.body + b" ")
    assert len({one.message for one in told.received}) == 10


def test_a_failure_is_tried_again_under_the_same_id(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_FIRST_PAUSE", 0.02)
    with receiver(lambda number: 500 if number < 2 else 204) as told:
        webhooks.add(told.url, ["leaf.done"])
        done(activity, 1)
        with courier(deliveries):
            until(lambda: through(deliveries))
    assert len({one.message for one in told.received}) == 1
    assert len({one.body for one in told.received}) == 1
    (delivery,) = deliveries.page().items
    assert (delivery.state, delivery.attempts, delivery.status) == ("delivered", 3, 204)
    assert webhooks.all()[0].failing_since is None


def test_pauses_grow_to_about_a_day(deliveries: Deliveries) -> None:
    pauses = [deliveries.pause(attempt) for attempt in range(1, queue.MOST_ATTEMPTS)]
    assert pauses[0] < 10
    assert 16 < sum(pauses) / 3600 < 34
    assert max(pauses) <= 6 * 3600 * 1.25


def test_what_never_arrives_is_dead_and_can_be_sent_by_hand(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(queue, "MOST_ATTEMPTS", 3)
    with receiver(lambda number: 503 if number < 3 else 200) as told:
        webhooks.add(told.url, ["leaf.done"])
        done(activity, 1)
        with courier(deliveries):
            until(lambda: through(deliveries))
            (dead,) = deliveries.page().items
            assert (dead.state, dead.attempts, dead.error) == ("dead", 3, "HTTP status 503")
            again = deliveries.send_again(dead.id)
            assert (again.state, again.message) == (DeliveryState.WAITING, dead.message)
            until(lambda: through(deliveries))
    assert deliveries.page().items[0].state is DeliveryState.DELIVERED
    assert {one.message for one in told.received} == {dead.message}
    with pytest.raises(UnknownRecord, match="no delivery 999"):
        deliveries.send_again(999)


def test_a_webhook_that_fails_for_days_is_left_alone(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(queue, "DISABLED_AFTER", timedelta(seconds=0.2))
    up = False
    with receiver(lambda number: 200 if up else 500) as told, courier(deliveries):
        hook = webhooks.add(told.url, ["leaf.done"]).webhook
        done(activity, 1)
        until(lambda: not webhooks.all()[0].active)
        assert "HTTP status 500" in (webhooks.all()[0].disabled_because or "")
        assert activity.page(kinds=[Kind.WEBHOOK_DISABLED]).items[0].subject == str(hook.id)
        done(activity, 2)  # of what happens meanwhile it is not told
        up = True
        webhooks.change(hook.id, active=True)
        until(lambda: through(deliveries))
    assert {one.said["data"]["subject"] for one in told.received} == {"leaf-1"}


def test_a_receiver_that_is_gone_is_told_no_more(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries
) -> None:
    with receiver(lambda number: 410) as told, courier(deliveries):
        webhooks.add(told.url, ["leaf.done"])
        done(activity, 1)
        until(lambda: not webhooks.all()[0].active)
    assert len(told.received) == 1


def test_a_redirect_is_a_failure(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries
) -> None:
    with receiver(lambda number: 307) as told, courier(deliveries):
        webhooks.add(told.url, ["leaf.done"])
        done(activity, 1)
        until(lambda: deliveries.page().items[0].error is not None)
    assert [one.path for one in told.received] == ["/hook"]
    assert deliveries.page().items[0].error == "HTTP status 307; redirects are not followed"


def test_a_slow_receiver_delays_nobody_else(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries
) -> None:
    def slowly(number: int) -> int:
        time.sleep(1)
        return 200

    with receiver(slowly) as slow, receiver() as quick, courier(deliveries, timeout=0.5):
        webhooks.add(slow.url, ["leaf.done"])
        webhooks.add(quick.url, ["leaf.done"])
        for number in range(5):
            done(activity, number)
        until(lambda: len(quick.received) == 5, seconds=5)
        until(lambda: any("No answer within" in (d.error or "") for d in deliveries.page().items))


def test_nothing_inside_the_network_is_told(
    activity: Activity, database: Database, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = Webhooks(database, activity)
    with receiver() as told:
        with pytest.raises(WebhookError, match="127.0.0.1 is not a public address"):
            strict.add(told.url, ["leaf.done"])
        # A name may lead anywhere by the time it is asked.
        strict.add(told.url.replace("127.0.0.1", "localhost"), ["leaf.done"])
        done(activity, 1)
        one = Courier(deliveries, project="shop", look_every=0.02)
        one.start()
        until(lambda: deliveries.page().items[0].error is not None)
        one.close()
        assert not told.received
    assert "which is not a public address" in (deliveries.page().items[0].error or "")


def test_a_name_that_leads_inside_by_one_of_its_addresses_is_not_asked(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def both(request: object) -> list[str]:
        return ["93.184.216.34", "127.0.0.1"]

    monkeypatch.setattr(public_hosts, "_addresses", both)
    with receiver() as told, courier(deliveries):
        webhooks.add(told.url.replace("127.0.0.1", "rebound.example"), ["leaf.done"])
        done(activity, 1)
        until(lambda: deliveries.page().items[0].error is not None)
    assert not told.received
    assert "rebound.example is at 127.0.0.1" in (deliveries.page().items[0].error or "")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://shop.example/hook", "over http or https"),
        ("hook", "over http or https"),
        ("https://me:secret@shop.example/hook", "leave the password out"),
        ("http://[::1]/hook", "not a public address"),
        ("http://10.0.0.7/hook", "not a public address"),
        ("http://shop.example:99999999/hook", "over http or https"),
        ("https://shop.example/" + "x" * 3000, "over http or https"),
    ],
)
def test_a_url_that_cannot_be_told_is_refused(webhooks: Webhooks, url: str, message: str) -> None:
    with pytest.raises(WebhookError, match=message):
        webhooks.add(url, ["leaf.done"])
    assert not webhooks.all()


@pytest.mark.parametrize(
    ("kinds", "message"), [(["leaf.dome"], 'Did you mean "leaf.done"'), ([], "at least one kind")]
)
def test_kinds_are_checked(webhooks: Webhooks, kinds: list[str], message: str) -> None:
    with pytest.raises(WebhookError, match=message):
        webhooks.add("https://shop.example/hook", kinds)


def test_webhooks_are_changed_deleted_and_known_by_their_ids(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries
) -> None:
    hook = webhooks.add("https://shop.example/hook", ["leaf.done"], person="ann").webhook
    changed = webhooks.change(hook.id, url="https://other.example/", active=False, person="bob")
    assert (changed.url, changed.active) == ("https://other.example/", False)
    done(activity, 1)
    assert not deliveries.page().items
    webhooks.delete(hook.id, person="bob")
    assert not webhooks.all()
    with pytest.raises(UnknownRecord, match="no webhook"):
        webhooks.delete(hook.id)
    with pytest.raises(UnknownRecord, match="no webhook"):
        webhooks.change(uuid4(), active=True)
    told = [(event.kind, event.person) for event in activity.page().items]
    assert told == [
        ("webhook.deleted", "bob"),
        ("leaf.done", None),
        ("webhook.changed", "bob"),
        ("webhook.added", "ann"),
    ]


def test_two_processes_never_send_the_same_delivery_at_once(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries, database: Database
) -> None:
    with receiver() as told:
        webhooks.add(told.url, ["leaf.done"])
        for number in range(30):
            done(activity, number)
        with courier(deliveries), courier(Deliveries(database, activity)):
            until(lambda: through(deliveries))
    assert [one.said["data"]["subject"] for one in told.received] == [
        f"leaf-{number}" for number in range(30)
    ]


def test_who_lost_a_claim_settles_nothing(
    activity: Activity, webhooks: Webhooks, deliveries: Deliveries
) -> None:
    webhooks.add("https://shop.example/hook", ["leaf.done"])
    done(activity, 1)
    (first,) = deliveries.claim(5, lease=0.05)
    assert not deliveries.claim(5, lease=60)
    time.sleep(0.06)
    (second,) = deliveries.claim(5, lease=60)
    assert second.message == first.message
    deliveries.arrived(first, status=200)
    assert deliveries.page().items[0].state is DeliveryState.WAITING
    deliveries.arrived(second, status=200)
    assert deliveries.page().items[0].state is DeliveryState.DELIVERED


_KILLED = """
import os, signal, sys
from productnet.database.database import Database
from productnet.events.activity import Activity
from productnet.events.courier import Courier
from productnet.events.deliveries import Deliveries

class Killed(Deliveries):
    def arrived(self, claim, *, status):
        os.kill(os.getpid(), signal.SIGKILL)  # it was sent, and nobody wrote that down

database = Database.open(sys.argv[1])
courier = Courier(Killed(database, Activity(database)), project="shop", timeout=1,
    private_hosts=["127.0.0.1"])
courier.start()
courier._thread.join()
"""


def test_a_kill_between_sending_and_writing_it_down_sends_it_again(
    activity: Activity,
    webhooks: Webhooks,
    deliveries: Deliveries,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiver() as told:
        webhooks.add(told.url, ["leaf.done"])
        done(activity, 1)
        killed = subprocess.run(
            [sys.executable, "-c", _KILLED, database_url], check=False, env=dict(os.environ)
        )
        assert killed.returncode == -signal.SIGKILL
        assert len(told.received) == 1
        assert deliveries.waiting() == 1
        _end_leases(monkeypatch)
        with courier(deliveries):
            until(lambda: through(deliveries))
    first, second = told.received
    assert (first.message, first.body) == (second.message, second.body)


def _end_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Move the queue's clock on past every lease."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(minutes=2)

    monkeypatch.setattr(queue, "datetime", Later)
