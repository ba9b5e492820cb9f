"""What goes wrong between a client and the server."""

from dataclasses import dataclass
from enum import Enum, auto

from launchplan_operator.kube.transport import Response
from tests.fake.errors import ApiError

_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class Lost(Enum):
    """An answer that never arrives."""

    HANGS = auto()
    """The connection stays open and silent."""
    DROPPED = auto()
    """The connection breaks."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that goes wrong.

    Attributes:
        answer: A status to answer with, or how the answer gets lost.
        applied: Whether the server does the work nevertheless.
        retry_after: Seconds for the header of that name.
        message: The server's words.
    """

    answer: int | Lost
    applied: bool = False
    retry_after: int | None = None
    message: str = "injected"

    def outcome(self) -> Response | Lost:
        """Return what the client gets."""
        if isinstance(self.answer, Lost):
            return self.answer
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        body = ApiError(self.answer, _REASONS[self.answer], self.message).status()
        return Response(self.answer, headers, body)
