"""What every request has to pass before anything of it is read: who asks, and is there room.

It stands before the framework, since what is refused has to cost as little as it can.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from productnet.errors import Overloaded, ProductNetError
from productnet.people.doors import Doors
from productnet.people.roles import Scope as KeyScope
from productnet.serving.api.load import FULL, Load
from productnet.serving.api.reading import NDJSON, media_type_of
from productnet.web.middleware import HEADERS
from productnet.web.problems import Refused, answer_to, problem

# Bytes of the largest request but a stream: a list of products with their pictures, in base64.
LARGEST_BODY = 64_000_000

# Seconds in which a request has to arrive.
_BODY_SECONDS = 60.0

# Seconds that a key is known without asking the database, and how many are.
_KEY_SECONDS = 1.0
_MOST_KEYS = 1_000

# Names of this machine that a browser may have for it; see ``Gate``.
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

# Below it stand the operations on the model; what lies elsewhere reads no bodies.
_MODEL = "/v1/"
_DOCUMENT = "/v1/openapi.json"
_METRICS = "/metrics"

Refusing = Callable[[str], None]


class Shedding:
    """Turns requests away for which there is no room, before anything is spent on them.

    They are counted, and no line is written of them: under an overload there are many more of
    these than of the others, who wait meanwhile.

    Args:
        app: What is served.
        load: What is in flight.
        refused: Hears why a request was not let in.
    """

    def __init__(self, app: ASGIApp, *, load: Load, refused: Refusing) -> None:
        self._app = app
        self._load = load
        self._refused = refused
        self._answers: dict[int, tuple[Message, Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or not self._load.is_full():
            await self._app(scope, receive, send)
            return
        self._refused("full")
        wait = self._load.wait()
        if wait not in self._answers:
            self._answers[wait] = _rendered(wait)
        for message in self._answers[wait]:
            await send(message)


class Gate:
    """Lets requests in that may come in, and for which there is room.

    Without keys it serves this machine alone, and only under its own name: a page of another site,
    whose name was made to point here, must not read what is served.

    Args:
        app: What is served.
        load: What is in flight.
        doors: Knows the API keys; None where none are needed.
        metrics_open: Whether metrics need no key.
        refused: Hears why a request was not let in: key, host, full, bytes.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        load: Load,
        doors: Doors | None,
        metrics_open: bool,
        refused: Refusing,
    ) -> None:
        self._app = app
        self._load = load
        self._doors = doors
        self._metrics_open = metrics_open
        self._refused = refused
        self._known: dict[tuple[str, KeyScope], tuple[float, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        with ExitStack() as stack:
            try:
                await self._let_in(scope, headers)
                if scope["method"] != "POST" or not scope["path"].startswith(_MODEL):
                    read = receive
                elif (coding := headers.get("Content-Encoding", "identity")) != "identity":
                    raise Refused(
                        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                        f"Bodies are read as they come; this one is said to be {coding[:100]!r} "
                        "(Content-Encoding). Send it uncompressed.",
                    )
                elif media_type_of(headers) == NDJSON:
                    stack.enter_context(self._load.streaming())
                    read = receive
                else:
                    read = await self._read(receive, headers, stack)
                    stack.enter_context(self._load.answering())
            except ClientDisconnect:
                return
            except (Refused, ProductNetError) as error:
                if isinstance(error, Overloaded):
                    self._refused("full")
                await answer_to(error)(scope, receive, send)
            else:
                await self._app(scope, read, send)

    async def _let_in(self, scope: Scope, headers: Headers) -> None:
        """Raises Refused."""
        path = scope["path"]
        if self._doors is None:
            host = headers.get("Host", "").lower()
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            if name not in _LOCAL_NAMES:
                self._refused("host")
                raise Refused(
                    HTTPStatus.MISDIRECTED_REQUEST,
                    f"Without API keys only this machine is served, under {', '.join(_LOCAL_NAMES)}"
                    f"; not {host[:200]!r}.",
                )
            return
        if path == _METRICS and not self._metrics_open:
            needed = KeyScope.ADMIN
        elif path.startswith(_MODEL) and path != _DOCUMENT:
            needed = KeyScope.READ
        else:
            return
        person = await self._person(headers.get("Authorization", ""), needed)
        scope.setdefault("state", {})["person"] = person  # for the log

    async def _person(self, authorization: str, needed: KeyScope) -> str:
        now = time.monotonic()
        until, person = self._known.get((authorization, needed), (0.0, ""))
        if now < until:
            return person
        person = await run_in_threadpool(self._find, authorization, needed)
        if len(self._known) >= _MOST_KEYS:
            self._known.clear()
        self._known[authorization, needed] = now + _KEY_SECONDS, person
        return person

    def _find(self, authorization: str, needed: KeyScope) -> str:
        assert self._doors is not None
        kind, _, secret = authorization.partition(" ")
        use = self._doors.keys.find(secret.strip()) if kind.lower() == "bearer" else None
        if use is None:
            self._refused("key")
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "This needs an API key. Send `Authorization: Bearer pn_…` with one that "
                "`productnet people key add` has made, and that has not expired.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if needed not in use.key.scopes or not use.person.roles:
            self._refused("key")
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"This needs an API key of scope {needed}, of somebody who has a role. Yours has "
                f"{', '.join(sorted(use.key.scopes)) or 'no scope'}.",
            )
        return use.person.name

    async def _read(self, receive: Receive, headers: Headers, stack: ExitStack) -> Receive:
        """The request's body, read whole; raises Refused, Overloaded or ClientDisconnect."""
        announced = headers.get("Content-Length", "")
        if announced.isdecimal():
            self._check_size(int(announced))
        parts: list[bytes] = []
        size = 0
        more = True
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    part = message.get("body", b"")
                    size += len(part)
                    self._check_size(size)
                    self._load.hold(len(part))
                    stack.callback(self._load.release, len(part))
                    parts.append(part)
                    more = message.get("more_body", False)
        except TimeoutError:
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT,
                f"The request did not arrive within {_BODY_SECONDS:g} s. Send less at a time.",
            ) from None
        body: Message | None = {
            "type": "http.request",
            "body": b"".join(parts),
            "more_body": False,
        }

        async def again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message, body = body, None
            return message

        return again

    def _check_size(self, size: int) -> None:
        largest = min(LARGEST_BODY, self._load.most_bytes)
        if size > largest:
            self._refused("bytes")
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"More than {largest:,} bytes were sent. Send fewer products at a time, or a "
                f"stream of them as {NDJSON}.",
            )


def _rendered(wait: int) -> tuple[Message, Message]:
    answer = problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"{FULL} Ask again in {wait} s.",
        headers={**HEADERS, "Retry-After": str(wait)},
    )
    return (
        {
            "type": "http.response.start",
            "status": answer.status_code,
            "headers": answer.raw_headers,
        },
        {"type": "http.response.body", "body": answer.body},
    )
