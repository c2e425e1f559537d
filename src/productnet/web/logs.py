"""The log of a web application: a line an event, for machines or people, and what is never in it.

No product text, no query, no note, no person's words: a request is told by its operation, never
by its URL, and an exception by its type and where it came from, never by its text.
"""

import json
import logging
import random
import re
import sys
import time
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from productnet.web.metrics import operation_of

_requests = logging.getLogger("productnet.requests")

# The request that a line was written in.
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# Ids have to differ, and no more: asking the system for each would cost a switch between threads.
_names = random.Random()

# What a proxy may call a request; anything else is no id and is not repeated.
_SOUND_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

# Members of a request's line, beside time, level, logger and message.
_MEMBERS = ("operation", "method", "status", "ms", "person")

# These write URLs, with the queries in them, or a line for every byte.
_TOO_TALKATIVE = ("uvicorn.access", "httpx", "httpcore", "asyncio", "multipart", "python_multipart")

# Deepest frames of a trace that are told.
_FRAMES = 12


def configure_logging(*, json: bool, level: int = logging.INFO) -> None:
    """Send all logs, uvicorn's too, to stderr.

    Run uvicorn with ``log_config=None``, so that it leaves this alone.

    Args:
        json: One JSON object a line, for machines; else a line people can read.
        level: The least level that is written.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if json else Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _TOO_TALKATIVE:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)


class RequestLog:
    """Writes a line for every request, and gives it an id that its other lines carry."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; ``request.state.person`` is the name of who asked."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("X-Request-ID", "")
        name = given if _SOUND_ID.fullmatch(given) else f"{_names.getrandbits(128):032x}"
        token = _request_id.set(name)
        started = time.perf_counter()
        status = 500
        first: float | None = None

        async def named(message: Message) -> None:
            nonlocal status, first
            if message["type"] == "http.response.start":
                status = message["status"]
                first = time.perf_counter() - started
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            took = time.perf_counter() - started if first is None else first
            said = {
                "operation": operation_of(scope),
                "method": scope["method"],
                "status": status,
                "ms": round(took * 1000, 1),
                "person": scope.get("state", {}).get("person"),
            }
            level = logging.ERROR if status >= 500 else logging.INFO
            _requests.log(level, "request", extra=said)
            _request_id.reset(token)


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for member in _MEMBERS:
            if hasattr(record, member):
                said[member] = getattr(record, member)
        if (request := _request_id.get()) is not None:
            said["request"] = request
        if record.exc_info and record.exc_info[1] is not None:
            said["error"], said["trace"] = _told(record.exc_info[1])
        return json.dumps(said, ensure_ascii=False, default=str)


class Lines(logging.Formatter):
    """A record as a line that people read in a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a trace follows indented."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        message = record.getMessage()
        if hasattr(record, "operation"):
            message = " ".join(
                str(getattr(record, member)) for member in _MEMBERS if getattr(record, member)
            )
        # One line a record, whatever is in it.
        line = f"{at} {record.levelname:<7} {message}".replace("\r", "\\r").replace("\n", "\\n")
        if record.exc_info and record.exc_info[1] is not None:
            error, trace = _told(record.exc_info[1])
            line += "".join(f"\n    {part}" for part in (error, *trace))
        return line


def _told(error: BaseException) -> tuple[str, list[str]]:
    """The type of an error and of what caused it, and where it came from; never its text."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 5:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return " from ".join(kinds), [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames
    ]
