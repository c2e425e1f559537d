"""How much is being answered at the moment, and what is refused for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from productnet.errors import Overloaded
from productnet.serving.service.batcher import Lane
from productnet.serving.service.model_service import ModelService

# Streams at the same time: each keeps a window of products in the queue, however slow its reader.
MOST_STREAMS = 16

# Seconds that whoever is refused is asked to wait, at least and at most. Each is asked another
# time, or all would be back at once.
_SOONEST, _LATEST = 1, 4

FULL = "More is asked at the moment than can be answered in time."


class Load:
    """Requests, streams and bytes in flight; of one event loop, so nothing is locked.

    Args:
        service: Whose queue is looked at.
        most_requests: Requests that are answered at the same time.
        most_bytes: Bytes of requests that are read or answered at the same time.
        rng: Spreads the waits of those who are refused.

    Attributes:
        requests: Requests in flight.
        streams: Streams that are open.
        bytes: Bytes of requests, and of pictures fetched for them, in flight.
    """

    def __init__(
        self, service: ModelService, *, most_requests: int, most_bytes: int, rng: Random
    ) -> None:
        self._service = service
        self._rng = rng
        self._most_requests = most_requests
        self.most_bytes = most_bytes
        self.requests = 0
        self.streams = 0
        self.bytes = 0

    def is_full(self) -> bool:
        """Whether one more request could not be answered in time, even one that may wait.

        What it asks for is not read yet: a single product is refused by the queue.
        """
        has_room = self._service.batcher.has_room(Lane.BULK)
        return self.requests >= self._most_requests or not has_room

    def wait(self) -> int:
        """Seconds that somebody who is refused is asked to wait."""
        return self._rng.randint(_SOONEST, _LATEST)

    def overloaded(self, what: str) -> Overloaded:
        """The error that says what there is too much of, and when to come back."""
        wait = self.wait()
        return Overloaded(f"{what} Ask again in {wait} s.", wait=wait)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While a request is answered; raises Overloaded."""
        if self.is_full():
            raise self.overloaded(FULL)
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1

    @contextmanager
    def resting(self) -> Iterator[None]:
        """While a request waits for another server, which costs nothing here."""
        self.requests -= 1
        try:
            yield
        finally:
            self.requests += 1

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """While a stream is open; raises Overloaded."""
        if self.streams >= MOST_STREAMS:
            raise self.overloaded(f"{MOST_STREAMS} streams are open, which is the most.")
        self.streams += 1
        try:
            yield
        finally:
            self.streams -= 1

    def hold(self, count: int) -> None:
        """Have bytes counted until they are let go of; raises Overloaded."""
        if self.bytes + count > self.most_bytes:
            raise self.overloaded(
                f"{self.bytes:,} bytes of requests are being read, and {count:,} more are too many "
                "(serving.requests_mb)."
            )
        self.bytes += count

    def release(self, count: int) -> None:
        """Let go of bytes."""
        self.bytes -= count
