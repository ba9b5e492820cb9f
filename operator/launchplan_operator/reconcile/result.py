"""The three outcomes of a reconcile, and the one place that maps them to the queue."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from launchplan_operator.kube.queue import Key, Priority, Queue

#: The shortest wait: whatever is asked to be looked at again sooner would be a busy loop.
SHORTEST = 0.05


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do until something changes."""


@dataclass(frozen=True, slots=True)
class Again:
    """Look again after so many seconds, or when something changes; of high priority if a slot or run is to start then."""

    after: float
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class Failed:
    """A write met another writer or a refusal that time may mend: try again with back-off."""

    why: str


Outcome = Done | Again | Failed
Reconciler = Callable[[str, str], Awaitable[Outcome]]


def settle(queue: Queue, key: Key, outcome: Outcome) -> None:
    """Tell the queue what an outcome means for its key."""
    if isinstance(outcome, Again):
        queue.add_after(key, max(outcome.after, SHORTEST), outcome.priority)
    elif isinstance(outcome, Failed):
        queue.retry(key)
