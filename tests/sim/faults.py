"""What can go wrong, by name, and how often it did."""

from dataclasses import dataclass

#: Answers that a call gets instead of its own.
ANSWERS = (409, 429, 500, 503, 504)
#: Every kind of fault that the report counts.
KINDS = (
    "answer 409",
    "answer 410",
    "answer 429",
    "answer 500",
    "answer 503",
    "answer 504",
    "answer lost, not done",
    "answer lost, done",
    "time-out, not done",
    "time-out, done",
    "late write",
    "slow call",
    "crash before a call",
    "crash after a call",
    "crash between calls",
    "process told to end",
    "paused process",
    "two leaders",
    "clock step",
    "clock skew",
    "watch event lost",
    "watch event late",
    "watch event repeated",
    "watch events reordered",
    "watch silent",
    "watch cut",
    "list from the past",
    "history compacted",
    "server restart",
    "controllers stopped",
    "kubelet stopped",
    "node lost",
)


@dataclass(frozen=True, slots=True)
class Profile:
    """Which families of faults a seed has, and how strong they are.

    Attributes:
        rough: chance that a call is answered wrongly or not at all.
        late: chance that a write arrives after its caller gave up.
        held: the same for a Job that is made.
        sleep: seconds for which a leader stands still once, longer than anything may be on its way; 0 is never.
        slow: chance that a call takes seconds.
        lossy: chance that a watch loses an event.
        muddled: chance that a watch repeats or reorders an event.
        lagging: chance that a watch falls behind for a while.
        silent: chance that a watch says nothing any more.
        travelling: chance that a list for a cache shows the past.
        targets: how many calls of the sources the operator dies at.
        sudden: how often the operator dies between two calls.
        stops: how often the leader is told to end.
        pauses: how often a process is stopped for minutes.
        clocks: how often a clock steps.
        skew: seconds by which a process's clock may be wrong.
        restarts: how often the server restarts.
        outages: how often the cluster's own controllers stand still.
        doubles: how often two operators lead at once.
        nodes: how often a node is lost.
    """

    rough: float = 0.0
    late: float = 0.0
    held: float = 0.0
    slow: float = 0.0
    lossy: float = 0.0
    muddled: float = 0.0
    lagging: float = 0.0
    silent: float = 0.0
    travelling: float = 0.0
    targets: int = 0
    sudden: int = 0
    stops: int = 0
    pauses: int = 0
    sleep: float = 0.0
    clocks: int = 0
    skew: float = 0.0
    restarts: int = 0
    outages: int = 0
    doubles: int = 0
    nodes: int = 0
