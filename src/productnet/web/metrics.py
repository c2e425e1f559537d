"""What a web application measures of itself, for Prometheus: ``/metrics``.

Each process counts for itself, in a registry of its own. No label holds a leaf, a product or a
person: their numbers grow without bound.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Seconds. The promises are 50 ms to the next candidate and 100 to 300 ms for an answer.
QUICK = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)
SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

# What a request is counted under that no route answers, so that whoever guesses paths makes no
# new series.
_NO_ROUTE = "none"

# A gauge that is asked when it is read: label values, in order, to the value.
Reading = Callable[[], Mapping[tuple[str, ...], float]]


class RequestMetrics:
    """The counters that every application has; one that has more counts them beside these.

    Attributes:
        registry: All of them.
        requests: Requests answered, by operation and status.
        request_seconds: How long they took, by operation.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.requests = self.counter("requests", "Requests answered", "operation", "status")
        self.request_seconds = self.histogram(
            "request_seconds", "How long requests took", "operation"
        )

    def gauge(
        self, name: str, help: str, reading: Reading, *, labels: tuple[str, ...] = ()
    ) -> None:
        """Measure something whenever the metrics are read, such as a queue's length.

        What cannot be read at the moment, because the database is away, is left out.
        """
        self.registry.register(_Asked(f"productnet_{name}", help, labels, reading))

    def page(self) -> bytes:
        """All metrics, in Prometheus' text format."""
        return generate_latest(self.registry)

    def counter(self, name: str, help: str, *labels: str) -> Counter:
        """A counter of this application."""
        return Counter(f"productnet_{name}", help, labels, registry=self.registry)

    def histogram(
        self, name: str, help: str, *labels: str, buckets: tuple[float, ...] = QUICK
    ) -> Histogram:
        """A histogram of this application."""
        return Histogram(
            f"productnet_{name}", help, labels, buckets=buckets, registry=self.registry
        )


class MetricsMiddleware:
    """Counts and times every request, by the operation that answered it."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A request that broke off before it was answered counts as the server's fault.
        status = "500"
        seconds: float | None = None
        started = time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status = str(message["status"])
                # To the first byte: server-sent events go on as long as a page is open.
                seconds = time.perf_counter() - started
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            operation = operation_of(scope)
            self._metrics.requests.labels(operation, status).inc()
            took = time.perf_counter() - started if seconds is None else seconds
            self._metrics.request_seconds.labels(operation).observe(took)


def operation_of(scope: Mapping[str, Any]) -> str:
    """The operation id of the route that a request came to; "none" where none did."""
    route = scope.get("route")
    name = getattr(route, "operation_id", None) or getattr(route, "name", None)
    return name if isinstance(name, str) and name else _NO_ROUTE


class _Asked(Collector):
    """A gauge whose value is asked for when it is read."""

    def __init__(self, name: str, help: str, labels: tuple[str, ...], reading: Reading) -> None:
        self._name, self._help, self._labels, self._reading = name, help, labels, reading

    def describe(self) -> Iterator[Metric]:
        """The gauge without its value, which may not be there yet."""
        yield GaugeMetricFamily(self._name, self._help, labels=self._labels)

    def collect(self) -> Iterator[Metric]:
        """The gauge as it is now."""
        family = GaugeMetricFamily(self._name, self._help, labels=self._labels)
        try:
            values = self._reading()
        except Exception:
            # The rest of the page is needed most when something is broken.
            values = {}
        for labels, value in values.items():
            family.add_metric(labels, value)
        yield family
