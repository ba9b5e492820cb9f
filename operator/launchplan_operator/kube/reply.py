"""What an answer of the API server means to the one who asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from launchplan_operator.kube.transport import Object, Response

_NO_ANSWER = (HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class Unavailable(Exception):  # noqa: N818 - named for what the caller finds, as in the reasons
    """The API server gave no usable answer: try again later.

    After a write the outcome is unknown: it may have been applied.

    Attributes:
        retry_after: Seconds that the server asked to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Gone(Unavailable):
    """The resource version is too old (410): list anew."""


class Fenced(Unavailable):
    """The fence is closed: this process may not write now. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's definite answer to a write.

    Attributes:
        status: The HTTP status: 2xx or 4xx, but never 401, 408 or 429.
        body: The object as written, or a Status.
    """

    status: int
    body: Object

    @property
    def ok(self) -> bool:
        """The write was done."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def not_found(self) -> bool:
        """The object, or the namespace it should live in, does not exist."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def exists(self) -> bool:
        """A create met an object of the same name."""
        return self.status == HTTPStatus.CONFLICT and self.body.get("reason") == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """A precondition (resource version, uid) did not hold."""
        return self.status == HTTPStatus.CONFLICT and not self.exists

    @property
    def refused(self) -> bool:
        """The server will not take this as it stands (400, 403, 413, 422 and the like)."""
        return self.status >= HTTPStatus.BAD_REQUEST and not (self.not_found or self.status == HTTPStatus.CONFLICT)

    @property
    def message(self) -> str:
        """The server's words; empty after success."""
        return "" if self.ok else str(self.body.get("message", ""))


def raise_if_unavailable(call: str, response: Response) -> None:
    """Raise for every status that answers nothing: 401, 408, 410, 429, 5xx, redirects, a path that is unknown."""
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if not response.body:
            raise Unavailable(f"{call}: {status} without an object, as of something that is no API server")
        return
    words = f"{call}: {status} {response.body.get('message', '')}"
    if status == HTTPStatus.GONE:
        raise Gone(words)
    if status in _NO_ANSWER or not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(words, retry_after(response.body, response.headers))
    if status == HTTPStatus.NOT_FOUND and not _names_what_is_absent(response.body):
        # The path is unknown, as while the server or a CRD starts: this says nothing about the object.
        raise Unavailable(words)


def _names_what_is_absent(status: Object) -> bool:
    return status.get("reason") == "NotFound" and bool((status.get("details") or {}).get("name"))


def retry_after(status: Object, headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server asks to wait, from the header or the Status, if any."""
    text = headers.get("Retry-After") or (status.get("details") or {}).get("retryAfterSeconds")
    try:
        return float(text) if text else None
    except ValueError:  # a date: servers of Kubernetes send none
        return None
