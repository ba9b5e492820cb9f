"""Which version is active: a function of the spec and the known versions, with no hidden state."""

from collections.abc import Sequence
from dataclasses import dataclass

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import set_field


@dataclass(frozen=True, slots=True)
class Activation:
    """The outcome.

    Attributes:
        active: the active version, or None.
        finding: why it is not the one that the spec asks for.
    """

    active: str | None
    finding: Finding | None = None


def decide_activation(
    *, auto_activate: bool, pinned: str | None, known: Sequence[str], previous: str | None
) -> Activation:
    """Return the active version.

    A pinned version that is not known leaves the last one in force. A plan whose edit is invalid has no new version, so
    that its newest valid one stays.

    Args:
        auto_activate: the plan's field.
        pinned: the plan's `activeVersion`.
        known: the versions that can be run, newest last; the one that the spec stands for is among them if valid.
        previous: the version that was active so far.
    """
    if pinned is not None and pinned not in known:
        return Activation(previous if previous in known else None, _not_found(pinned, known))
    if pinned is not None:
        return Activation(pinned)
    return Activation(known[-1] if auto_activate and known else None)


def _not_found(pinned: str, known: Sequence[str]) -> Finding:
    there = ", ".join(known[-10:]) or "none"
    message = f"found no version {pinned!r} of this plan; the newest that it has: {there}"
    hint = "see: kubectl launchplan versions"
    fix = set_field(known[-1] if known else None, "spec", "activeVersion")
    return Finding(Reason.VersionNotFound, message, "spec.activeVersion", hint, transient=True, fix=fix)
