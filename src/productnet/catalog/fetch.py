"""Images over http and https: many at once, none for ever, and none larger than allowed."""

import asyncio
import random
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from productnet import __version__
from productnet.catalog.images import BadImage
from productnet.catalog.public_hosts import OutsideHost, PublicHosts
from productnet.catalog.readers.rows import FaultKind
from productnet.settings import ImageSettings

T = TypeVar("T")

_MAX_REDIRECTS = 5
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE = 0.5  # seconds, doubled with each try
_LONGEST_PAUSE = 30.0
# Connections a host may refuse in a row before its images are given up on, and the seconds until it
# is asked again: a service outlives a host that was away for a moment.
_PATIENCE = 8
_FORGIVEN_AFTER = 60.0

# Hosts of which this is known.
_MOST_HOSTS = 10_000


class Fetcher:
    """Fetches images in an event loop of its own thread.

    At most ``concurrency`` images are in flight, each at most ``max_bytes`` large, so memory is
    bounded by their product. ``seed`` makes the pauses between tries repeatable. ``transport``
    takes the place of the one that asks any host there is.
    """

    def __init__(
        self,
        settings: ImageSettings,
        *,
        seed: int = 0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._random = random.Random(seed)
        # How often in a row a host refused, and when it did last.
        self._refusals: dict[str, tuple[int, float]] = {}
        self._places = asyncio.Semaphore(settings.concurrency)
        self._client = httpx.AsyncClient(
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
            timeout=settings.timeout,
            transport=transport,
            limits=httpx.Limits(max_connections=settings.concurrency),
            headers={"User-Agent": f"productnet/{__version__}", "Accept": "image/*"},
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fetch", daemon=True)

    def __enter__(self) -> "Fetcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.submit(self._close()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def submit(self, work: Coroutine[object, object, T]) -> "Future[T]":
        """Run a coroutine in the fetching thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def fetch(self, url: str) -> bytes:
        """The body behind a URL.

        A server that is busy, failing or silent is asked again, ``images.retries`` times, after
        the pause it names or one that doubles. Raises BadImage.
        """
        url = f"https:{url}" if url.startswith("//") else url
        async with self._places:
            for tries_left in range(self._settings.retries, -1, -1):
                try:
                    return await self._once(url)
                except _TryAgain as again:
                    if tries_left == 0:
                        raise BadImage(FaultKind.IMAGE_FETCH, f"{url}: {again}") from again
                    done = self._settings.retries - tries_left
                    await asyncio.sleep(self._pause(done, again.retry_after))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _once(self, url: str) -> bytes:
        try:
            host = httpx.URL(url).host
            if self._is_given_up(host):
                raise BadImage(FaultKind.IMAGE_FETCH, f"{url}: {_unreachable(host)}")
            async with asyncio.timeout(self._settings.timeout):
                async with self._client.stream("GET", url) as response:
                    self._refusals.pop(host, None)
                    return await self._body(url, response)
        except OutsideHost as error:
            raise BadImage(
                FaultKind.IMAGE_OUTSIDE,
                f"{url}: {error}. Upload the image instead, or have the host added to "
                "settings.images.private_hosts.",
            ) from None
        except TimeoutError:
            raise _TryAgain(f"no image within {self._settings.timeout:g} s") from None
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self._refuse(host)
            raise _TryAgain(_unreachable(host)) from None
        except httpx.TimeoutException:
            raise _TryAgain(f"no image within {self._settings.timeout:g} s") from None
        except (httpx.TooManyRedirects, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise BadImage(FaultKind.IMAGE_FETCH, f"{url}: {error}") from error
        except (ExceptionGroup, UnicodeError):  # a port beyond 65535; a malformed "xn--" name
            reason = f"{url}: its host or port is no address."
            raise BadImage(FaultKind.IMAGE_FETCH, reason) from None
        except httpx.TransportError:
            raise _TryAgain("the connection broke off") from None
        except httpx.HTTPError as error:
            raise BadImage(FaultKind.IMAGE_FETCH, f"{url}: {error}") from error

    def _is_given_up(self, host: str) -> bool:
        count, at = self._refusals.get(host, (0, 0.0))
        return count >= _PATIENCE and time.monotonic() < at + _FORGIVEN_AFTER

    def _refuse(self, host: str) -> None:
        count = self._refusals.get(host, (0, 0.0))[0]
        if len(self._refusals) >= _MOST_HOSTS:
            self._refusals.clear()
        self._refusals[host] = count + 1, time.monotonic()

    async def _body(self, url: str, response: httpx.Response) -> bytes:
        status = response.status_code
        if status in _WORTH_ANOTHER_TRY:
            raise _TryAgain(f"HTTP status {status}", response.headers.get("Retry-After"))
        if status != httpx.codes.OK:
            raise BadImage(FaultKind.IMAGE_FETCH, f"{url}: HTTP status {status}")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._settings.max_bytes:
                limit = f"settings.images.max_bytes is {self._settings.max_bytes:,}"
                raise BadImage(FaultKind.IMAGE_TOO_LARGE, f"{url}: larger than allowed; {limit}.")
        return bytes(body)

    def _pause(self, tries: int, retry_after: str | None) -> float:
        if (asked := _seconds(retry_after)) is not None:
            return min(asked, _LONGEST_PAUSE)
        return min(_FIRST_PAUSE * 2.0**tries, _LONGEST_PAUSE) * self._random.uniform(0.5, 1.5)

    async def _close(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._client.aclose()


def fetch_pasted(url: str, settings: ImageSettings) -> bytes:
    """The image behind a URL that a person pasted, asked for once, of public hosts only.

    Raises BadImage, also for a host within a private network that is not named in
    ``images.private_hosts``.
    """
    once = settings.model_copy(update={"retries": 0})
    with Fetcher(once, transport=PublicHosts(allowed=settings.private_hosts)) as fetcher:
        return fetcher.submit(fetcher.fetch(url)).result()


class _TryAgain(Exception):
    """A failure that may pass; ``retry_after`` is the server's header of that name."""

    def __init__(self, reason: str, retry_after: str | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


def _unreachable(host: str) -> str:
    return f"{host} cannot be reached"


def _seconds(retry_after: str | None) -> float | None:
    """Seconds from a Retry-After header, which is a number or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
