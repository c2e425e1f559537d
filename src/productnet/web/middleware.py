"""What holds for every response: headers that browsers obey."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing runs or loads but what the application itself serves; nobody may frame it.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# Below these paths stand answers, which are for whoever asked and nobody after them.
_ANSWERS = ("/api/", "/v1/")

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class SecureHeaders:
    """Adds the headers that keep a browser from doing what a page should not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(_ANSWERS):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class BodyLimit:
    """Keeps a request from being larger than whoever sends it may send.

    A body is read before anybody looks at who sent it, so strangers may send little.

    Args:
        app: What is served.
        stranger: Bytes that anybody may send.
        known: Bytes that people and programs of ours may send.
        is_known: Whether a request comes from one of them.
    """

    def __init__(
        self, app: ASGIApp, *, stranger: int, known: int, is_known: Callable[[Request], bool]
    ) -> None:
        self._app = app
        self._stranger = stranger
        self._known = known
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        announced = request.headers.get("Content-Length", "")
        received = 0
        limit = self._stranger

        async def check(length: int) -> None:
            nonlocal limit
            if length > limit == self._stranger and await run_in_threadpool(
                self._is_known, request
            ):
                limit = self._known
            if length > limit:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"More than {limit:,} bytes were sent. Send less at a time; without being "
                    f"signed in, {self._stranger:,} bytes are the most.",
                )

        async def counted() -> Message:
            nonlocal received
            if received == 0 and announced.isdecimal():
                await check(int(announced))
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                await check(received)
            return message

        await self._app(scope, counted, send)
