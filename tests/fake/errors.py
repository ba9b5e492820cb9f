"""The Status objects that a Kubernetes API server refuses with."""

from typing import Any

from launchplan_operator.api.kinds import Kind


class ApiError(Exception):
    """A refusal; becomes a Status."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    def status(self) -> dict[str, Any]:
        """Return the Status object."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "code": self.code,
        }
        return body | ({"details": self.details} if self.details is not None else {})


def qualified(kind: Kind) -> str:
    """Return `jobs.batch`, or `pods` for the core group."""
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _details(kind: Kind, name: str | None) -> dict[str, Any]:
    details = {"name": name or "", "kind": kind.plural}
    return details | ({"group": kind.group} if kind.group else {})


def not_found(kind: Kind, name: str) -> ApiError:
    """404."""
    return ApiError(404, "NotFound", f'{qualified(kind)} "{name}" not found', _details(kind, name))


def already_exists(kind: Kind, name: str, *, dying: bool) -> ApiError:
    """409 of a create."""
    prefix = "object is being deleted: " if dying else ""
    return ApiError(409, "AlreadyExists", f'{prefix}{qualified(kind)} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> ApiError:
    """409 of a precondition."""
    text = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {qualified(kind)} "{name}": {text}'
    return ApiError(409, "Conflict", message, _details(kind, name))


def invalid(kind: Kind, name: str | None, findings: list[str]) -> ApiError:
    """422 with one cause per finding (`path: kind of finding: words`)."""
    text = findings[0] if len(findings) == 1 else f"[{', '.join(findings)}]"
    group = f".{kind.group}" if kind.group else ""
    details = _details(kind, name) | {"kind": kind.kind}
    details["causes"] = [{"field": finding.split(":")[0], "message": finding} for finding in findings]
    return ApiError(422, "Invalid", f'{kind.kind}{group} "{name or ""}" is invalid: {text}', details)


def bad_request(message: str) -> ApiError:
    """400."""
    return ApiError(400, "BadRequest", message)


def expired(wanted: int | str, oldest: int) -> ApiError:
    """410: history is gone."""
    return ApiError(410, "Expired", f"too old resource version: {wanted} ({oldest})")
