"""What the model's API counts beside its requests: batches, waiting, refusals, swaps."""

from productnet.serving.api.load import Load
from productnet.serving.service.model_service import ModelService
from productnet.web.metrics import RequestMetrics

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class ServingMetrics(RequestMetrics):
    """The counters of one service.

    Attributes:
        refused: Requests that were not let in, by reason: key, host, full, bytes.
        batch_products: Products computed together.
        batch_seconds: How long they took.
    """

    def __init__(self, service: ModelService, load: Load) -> None:
        super().__init__()
        self.refused = self.counter("refused", "Requests that were not let in", "reason")
        self.batch_products = self.histogram(
            "batch_products", "Products computed together", buckets=_SIZES
        )
        self.batch_seconds = self.histogram(
            "batch_seconds", "How long a batch of products took", buckets=_SECONDS
        )
        service.on_batch = self._count_batch
        self.gauge(
            "products_waiting",
            "Products that wait to be computed, by lane",
            lambda: {(str(lane),): count for lane, count in service.batcher.waiting.items()},
            labels=("lane",),
        )
        self.gauge("requests_in_flight", "Requests in flight", lambda: {(): load.requests})
        self.gauge("streams_open", "Streams that are open", lambda: {(): load.streams})
        self.gauge("request_bytes", "Bytes of requests in flight", lambda: {(): load.bytes})
        self.gauge("swaps", "Models that took the place of another", lambda: {(): service.swaps})
        self.gauge(
            "serves",
            "The model that is served",
            lambda: {(service.now.name,): 1},
            labels=("model",),
        )
        remembered = service.remembered
        self.gauge("features_bytes", "Features kept", lambda: {(): remembered.used_bytes})
        self.gauge(
            "features_asked",
            "Features that were asked for, by whether they were kept",
            lambda: {("kept",): remembered.hits, ("new",): remembered.misses},
            labels=("found",),
        )

    def refuse(self, reason: str) -> None:
        """Count a request that was not let in."""
        self.refused.labels(reason).inc()

    def _count_batch(self, products: int, seconds: float) -> None:
        self.batch_products.observe(products)
        self.batch_seconds.observe(seconds)
