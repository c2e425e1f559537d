"""Requests to a portal or a model: signed in, repeated while it is safe, errors as exceptions."""

import random
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from productnet.client.problems import ClientError, NotSignedIn, Unreachable, problem_of
from productnet.client.results import Result

R = TypeVar("R", bound=Result)

Parameters = Mapping[str, str | int | float | None]

# A server that is busy or being restarted; what was asked was not done, or may be done again.
_PASSING = frozenset({429, 502, 503, 504})

_FIRST_PAUSE = 0.2  # seconds, doubled with each try
_LONGEST_PAUSE = 20.0


class Connection:
    """One server, and who asks it.

    Args:
        url: Where it is, such as https://label.example.com.
        prefix: Of every path.
        key: API key, if there is one.
        credentials: What to sign in with, instead.
        tries: Times that a request is sent, at most, while nothing comes of it.
        timeout: Seconds to wait for an answer.
        transport: In place of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        key: str | None,
        credentials: Mapping[str, str] | None = None,
        tries: int,
        timeout: float,
        transport: httpx.BaseTransport | None,
    ) -> None:
        if key is not None and not key.isascii():
            raise NotSignedIn(
                "This API key has characters that none has. Give one as `productnet people key "
                "add` printed it."
            )
        self._credentials = credentials
        self._tries = tries
        self._http = httpx.Client(
            base_url=url.rstrip("/") + prefix,
            timeout=timeout,
            transport=transport,
            headers={} if key is None else {"Authorization": f"Bearer {key}"},
        )
        self._signed_in = credentials is None

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, path: str, kind: type[R], parameters: Parameters | None = None) -> R:
        """What is at a path."""
        return self._parsed(self.ask("GET", path, parameters=parameters), kind)

    def post(
        self,
        path: str,
        kind: type[R],
        body: Mapping[str, Any],
        *,
        repeatable: bool = False,
        method: str = "POST",
        parameters: Parameters | None = None,
    ) -> R:
        """The answer to a body; ``repeatable`` where sending it twice does no more than once."""
        answer = self.ask(method, path, parameters=parameters, body=body, repeatable=repeatable)
        return self._parsed(answer, kind)

    def items(self, path: str, kind: type[R], parameters: Parameters | None = None) -> Iterator[R]:
        """Every item of a list, asked for a page at a time."""
        asked = dict(parameters or {})
        while True:
            page = self.ask("GET", path, parameters=asked).json()
            for item in page["items"]:
                yield self._valid(item, kind, path)
            if not page.get("next_cursor"):
                return
            asked["cursor"] = page["next_cursor"]

    def ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        body: Mapping[str, Any] | None = None,
        repeatable: bool = False,
    ) -> httpx.Response:
        """Send a request until something comes of it.

        Raises:
            ClientError: The server refused, or could not be reached at any try.
        """
        if not self._signed_in:
            self._sign_in()
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        request = {"params": given, "json": body}
        try:
            return self._send(method, path, repeatable or method == "GET", request)
        except NotSignedIn:
            if self._credentials is None:
                raise
            # The session has run out; what was refused was not done.
            self._sign_in()
            return self._send(method, path, repeatable or method == "GET", request)

    def _sign_in(self) -> None:
        request = {"params": {}, "json": self._credentials}
        answer = self._send("POST", "/session", True, request)
        self._http.headers["X-CSRF-Token"] = str(answer.json().get("csrf") or "")
        self._signed_in = True

    def _send(
        self, method: str, path: str, repeatable: bool, request: Mapping[str, Any]
    ) -> httpx.Response:
        for tried in range(1, self._tries + 1):
            last = tried == self._tries
            try:
                answer = self._http.request(method, path, **request)
            except httpx.TransportError as error:
                # What never reached the server can be sent again, whatever it is.
                never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if last or not (repeatable or never_sent):
                    raise Unreachable(
                        f"{self._http.base_url} gave no answer to {method} {path} "
                        f"({type(error).__name__}). Check that it runs, and try again."
                    ) from error
                time.sleep(_pause(tried))
                continue
            if answer.is_success:
                return answer
            if last or answer.status_code not in _PASSING or not repeatable:
                raise problem_of(answer.status_code, _problem(answer), url=str(answer.url))
            time.sleep(_asked_pause(answer) or _pause(tried))
        raise ClientError("A client needs at least one try.")

    def _parsed(self, answer: httpx.Response, kind: type[R]) -> R:
        try:
            body = answer.json()
        except ValueError:
            body = None
        return self._valid(body, kind, answer.url.path)

    def _valid(self, body: object, kind: type[R], path: str) -> R:
        try:
            return kind.model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            raise ClientError(
                f"{path} answered something else than {kind.__name__}: "
                f"{'.'.join(map(str, first['loc']))} {first['msg']}. The server may be newer than "
                "this client: `pip install -U productnet`."
            ) from None


def _pause(tried: int) -> float:
    longest: float = min(_FIRST_PAUSE * 2.0 ** (tried - 1), _LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)


def _asked_pause(answer: httpx.Response) -> float | None:
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_PAUSE) if asked.isdecimal() else None


def _problem(answer: httpx.Response) -> dict[str, object]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
