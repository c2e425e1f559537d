"""Sends what waits for webhooks, from a thread of its own, and never inside the network.

Each message is JSON, signed, and sent to the very address that was checked; a redirect is an
answer like any other that is not 2xx: a failure.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterable

import httpx

from productnet import __version__
from productnet.catalog.public_hosts import OutsideHost, PublicHosts
from productnet.errors import ProductNetError
from productnet.events.activity import Event
from productnet.events.deliveries import Claim, Deliveries
from productnet.events.signing import signed_headers

_logger = logging.getLogger(__name__)

# Webhooks that are sent to at the same time.
_AT_ONCE = 8


class Courier:
    """A thread that empties the queue; any number of processes may each have one.

    Args:
        deliveries: The queue.
        project: Name of the project, which every message says.
        timeout: Seconds a receiver has to answer.
        private_hosts: Hosts within a private network that may be sent to.
        look_every: Seconds between two looks at the queue when nobody nudges.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        *,
        project: str,
        timeout: float = 15.0,
        private_hosts: Iterable[str] = (),
        look_every: float = 2.0,
    ) -> None:
        self._deliveries = deliveries
        self._project = project
        self._timeout = timeout
        self._private = tuple(private_hosts)
        self._look_every = look_every
        self._loop = asyncio.new_event_loop()
        self._nudged = asyncio.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def nudge(self) -> None:
        """Something was put into the queue: look now."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._nudged.set)

    def close(self) -> None:
        """Let what is being sent come to its end, and stop."""
        self._stopping = True
        self.nudge()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        sending: set[asyncio.Task[None]] = set()
        while not self._stopping:
            # Cleared before the look: a nudge that comes meanwhile leads to another.
            self._nudged.clear()
            for claim in await self._claims(_AT_ONCE - len(sending)):
                task = asyncio.create_task(self._send(claim))
                sending.add(task)
                task.add_done_callback(sending.discard)
                # Whoever was sent to may have more waiting.
                task.add_done_callback(lambda task: self._nudged.set())
            await self._rest()
        await asyncio.gather(*sending)

    async def _claims(self, count: int) -> list[Claim]:
        if count <= 0:
            return []
        try:
            lease = 2 * self._timeout + 30
            return await asyncio.to_thread(self._deliveries.claim, count, lease=lease)
        except ProductNetError as error:  # the database is away: look again later
            _logger.warning("Webhooks wait: %s", type(error).__name__)
            return []

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._nudged.wait(), self._look_every)
        except TimeoutError:
            return

    async def _send(self, claim: Claim) -> None:
        try:
            status, error = await self._post(claim)
            if error is None and status is not None:
                await asyncio.to_thread(self._deliveries.arrived, claim, status=status)
            else:
                fault = error or "No answer"
                await asyncio.to_thread(self._deliveries.failed, claim, status=status, error=fault)
        except ProductNetError as error:  # not written down: it is sent again when the lease ends
            _logger.warning("Delivery %s was not settled: %s", claim.id, type(error).__name__)

    async def _post(self, claim: Claim) -> tuple[int | None, str | None]:
        """The status of the answer, if any, and what went wrong, if anything."""
        body = message_body(claim.event, project=self._project)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"productnet/{__version__}",
            **signed_headers(
                claim.secret, message=claim.message, timestamp=int(time.time()), body=body
            ),
        }
        transport = PublicHosts(allowed=self._private)
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(transport=transport, timeout=self._timeout) as client,
                # What the receiver says beside its status is not read.
                client.stream("POST", claim.url, content=body, headers=headers) as response,
            ):
                status = response.status_code
        except TimeoutError:
            return None, f"No answer within {self._timeout:g} s"
        except OutsideHost as error:
            return None, f"{error}. Name a public host, or add it to webhooks.private_hosts."
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, ExceptionGroup) as error:
            return None, f"{type(error).__name__}: {error}"
        if response.is_success:
            return status, None
        moved = "; redirects are not followed" if response.is_redirect else ""
        return status, f"HTTP status {status}{moved}"


def message_body(event: Event, *, project: str) -> bytes:
    """The message about an event: the same bytes at every attempt."""
    data = {
        "project": project,
        "id": event.id,
        "subject": event.subject,
        "person": event.person,
        **event.details,
    }
    said = {
        "type": event.kind,
        "timestamp": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
