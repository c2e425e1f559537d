"""What the portal refused, or why it could not be asked, as exceptions."""

from collections.abc import Mapping
from http import HTTPStatus

from productnet.errors import ProductNetError


class ClientError(ProductNetError):
    """The portal did not do what was asked; the text is its own explanation.

    Attributes:
        status: HTTP status of the answer; None where there was none.
        problem: The problem document, or what there was of one.
    """

    def __init__(
        self, detail: str, *, status: int | None = None, problem: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = dict(problem or {})


class NotSignedIn(ClientError):
    """The key or password is missing, wrong, expired or revoked."""


class NotAllowed(ClientError):
    """Whoever asks lacks the role or scope."""


class NotFound(ClientError):
    """There is no leaf, product, job … of this id."""


class Conflict(ClientError):
    """What is there now forbids it, such as somebody else's lease or an answer given already."""


class Invalid(ClientError):
    """The request makes no sense to the portal."""


class TooMany(ClientError):
    """Too many attempts; ask again later."""


class Unreachable(ClientError):
    """The portal could not be reached, or failed, at every attempt."""


_BY_STATUS: Mapping[int, type[ClientError]] = {
    HTTPStatus.UNAUTHORIZED: NotSignedIn,
    HTTPStatus.FORBIDDEN: NotAllowed,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.BAD_REQUEST: Invalid,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Invalid,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
    HTTPStatus.TOO_MANY_REQUESTS: TooMany,
}


def problem_of(status: int, problem: Mapping[str, object], *, url: str) -> ClientError:
    """The exception for an answer that is none of success."""
    kind = _BY_STATUS.get(status, Unreachable if status >= 500 else ClientError)
    detail = problem.get("detail")
    said = str(detail) if detail else f"{url} answered with status {status} and no explanation."
    return kind(said, status=status, problem=problem)
