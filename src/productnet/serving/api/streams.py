"""Streams of products, a line of JSON each, answered line by line while more are being read.

A line that cannot be used is answered with its error, and the stream goes on. A window of products
is in flight; whoever reads the answers slowly is read slowly.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from productnet.errors import Overloaded, ProductNetError
from productnet.serving.api.bodies import AskedProduct
from productnet.serving.api.load import Load
from productnet.serving.api.reading import NDJSON, parsed
from productnet.web.problems import Problem, status_of

# Products of one stream that are in flight.
WINDOW = 64

# Bytes of the longest line: one product with its picture, in base64.
_LONGEST_LINE = 32_000_000

# Seconds in which something has to come of a stream, and something of its answers be taken: there
# are few places for streams, and one whose sender is gone without a word would keep its own.
_IDLE_SECONDS = 600.0

# Seconds before a product is offered again for which there was no room.
_PAUSE = 0.05

# Answers one product; ``place`` counts lines from 1.
AnswerLine = Callable[[AskedProduct, int], Awaitable[BaseModel]]

# The answer to a line that is no product.
AnswerFault = Callable[[Problem, int], BaseModel]


class StreamedAnswers(Response):
    """The answers to a stream of products.

    Not a StreamingResponse: that one listens for the end of the connection, and what it would
    hear is the rest of the request.

    Args:
        request: The stream.
        load: Counts the bytes of lines that are in flight.
        answer: Answers a line.
        fault: Answers a line that is no product.
    """

    media_type = NDJSON

    def __init__(
        self, request: Request, load: Load, *, answer: AnswerLine, fault: AnswerFault
    ) -> None:
        super().__init__()
        del self.headers["Content-Length"]
        self.headers["X-Accel-Buffering"] = "no"
        self._request = request
        self._load = load
        self._answer = answer
        self._fault = fault
        self._longest = min(_LONGEST_LINE, load.most_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer until the stream ends, or its sender is gone."""
        await send(
            {
                "type": "http.response.start",
                "status": HTTPStatus.OK,
                "headers": self.raw_headers,
            }
        )
        waiting: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(WINDOW)
        reader = asyncio.create_task(self._read(waiting))
        task = None
        try:
            while (task := await waiting.get()) is not None:
                line = await task
                async with asyncio.timeout(_IDLE_SECONDS):
                    await send({"type": "http.response.body", "body": line, "more_body": True})
            await reader
        except (ClientDisconnect, TimeoutError):
            return
        finally:
            for left in (reader, task, *_rest(waiting)):
                if left is not None:
                    left.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _read(self, waiting: "asyncio.Queue[asyncio.Task[bytes] | None]") -> None:
        place = 0
        try:
            async for line in self._lines():
                place += 1
                if line is None or line.strip():
                    await waiting.put(asyncio.create_task(self._line(line, place)))
        except TimeoutError:
            await waiting.put(asyncio.create_task(self._silence(place + 1)))
        finally:
            await waiting.put(None)

    async def _lines(self) -> AsyncIterator[bytes | None]:
        """The lines; None for one that is too long. Raises TimeoutError where none comes."""
        part = bytearray()
        too_long = False
        async for chunk in self._chunks():
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                part += line
                yield None if too_long or len(part) > self._longest else bytes(part)
                part.clear()
                too_long = False
            part += rest
            if len(part) > self._longest:
                part.clear()
                too_long = True
        if part or too_long:
            yield None if too_long else bytes(part)

    async def _chunks(self) -> AsyncIterator[bytes]:
        chunks = self._request.stream()
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk

    async def _silence(self, place: int) -> bytes:
        return self._failed(
            HTTPStatus.REQUEST_TIMEOUT,
            f"Nothing came for {_IDLE_SECONDS:g} s, and the stream was ended. Send what is left as "
            "another one.",
            place,
        )

    async def _line(self, line: bytes | None, place: int) -> bytes:
        if line is None:
            return self._failed(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"Line {place} has more than {self._longest:,} bytes. Send a smaller picture.",
                place,
            )
        held = 0
        while True:
            try:
                if not held:
                    self._load.hold(len(line))
                    held = len(line)
                asked = parsed(AskedProduct, line)
                return (await self._answer(asked, place)).model_dump_json().encode() + b"\n"
            except Overloaded:
                await asyncio.sleep(_PAUSE)
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"][1:]))
                detail = f"Line {place}: {f'{where}: ' if where else ''}{first['msg']}."
                return self._failed(HTTPStatus.UNPROCESSABLE_ENTITY, detail, place)
            except ProductNetError as error:
                status = status_of(error)
                return self._failed(status, f"Line {place}: {error}", place)
            finally:
                self._load.release(held)
                held = 0

    def _failed(self, status: HTTPStatus, detail: str, place: int) -> bytes:
        return self._fault(Problem.of(status, detail), place).model_dump_json().encode() + b"\n"


def _rest(
    waiting: "asyncio.Queue[asyncio.Task[bytes] | None]",
) -> list[asyncio.Task[bytes] | None]:
    return [waiting.get_nowait() for _ in range(waiting.qsize())]
