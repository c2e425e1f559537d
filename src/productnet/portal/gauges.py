"""What of a portal is measured at the moment somebody reads its metrics."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from productnet.portal.portal import Portal

_Values = Mapping[tuple[str, ...], float]


def measure(portal: "Portal") -> None:
    """Have the portal's metrics tell what waits and who is at work."""
    metrics = portal.metrics
    portal.database.on_turn = metrics.writer_wait_seconds.observe
    metrics.gauge(
        "waiting", "Products that wait, by task", lambda: _waiting(portal), labels=("task",)
    )
    metrics.gauge(
        "leases",
        "Leaves that somebody is at work on",
        lambda: _counted(lease.task for lease in portal.leases.current()),
        labels=("task",),
    )
    metrics.gauge("sessions", "Browsers signed in", lambda: {(): len(portal.doors.sessions.all())})
    metrics.gauge(
        "deliveries_waiting",
        "Webhook messages on their way",
        lambda: {(): portal.deliveries.waiting()},
    )
    metrics.gauge(
        "jobs",
        "Rounds and releases started here, by state",
        lambda: _counted(job.state for job in portal.jobs.all()),
        labels=("state",),
    )


def _waiting(portal: "Portal") -> _Values:
    state = portal.log.state()
    leaves = [state.progress(leaf) for leaf in state.categories()]
    return {
        ("audit",): sum(leaf.to_audit for leaf in leaves),
        ("adjudicate",): sum(leaf.disputed for leaf in leaves),
    }


def _counted(names: Iterable[str]) -> _Values:
    return {(name,): number for name, number in Counter(map(str, names)).items()}
