"""What a checker remembers of each Job that ever was."""

from dataclasses import dataclass


@dataclass(slots=True)
class Birth:
    """One Job that once was: whose it was, and whether it ever had a pod.

    Where a person deletes a Job nothing can keep from arriving what was sent before, and nobody knows of a Job that its run
    had not noted yet.

    Attributes:
        sent: when the request for it was sent, in seconds.
        overtook: whether it came before a request to occupy its name that was on its way.
        deleted: when it was deleted, in seconds.
        noted: whether its run had noted it then, or was deleted itself.
    """

    uid: str
    owners: frozenset[str]
    plan: str | None
    sent: float = 0.0
    podded: bool = False
    overtook: bool = False
    deleted: float | None = None
    noted: bool = True
